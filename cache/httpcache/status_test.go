package httpcache

import (
	"testing"
	"time"

	"github.com/daramjwee/daramjwee/cache"
	"github.com/dunglas/httpsfv"
	"github.com/stretchr/testify/require"
)

func TestCacheStatus(t *testing.T) {
	for _, c := range []struct {
		name   string
		status cache.Status
		want   string
	}{
		{"d", cache.Status{Hit: true, TTL: 90 * time.Second, Detail: "tier-0"}, "d;hit;ttl=90;detail=tier-0"},
		{"d", cache.Status{Hit: true, TTL: -90 * time.Second, Detail: "tier-0; stale-if-error"}, `d;hit;ttl=-90;detail="tier-0; stale-if-error"`},
		{"d", cache.Status{Fwd: cache.FwdMiss, Stored: true, Collapsed: true, TTL: time.Second}, "d;fwd=uri-miss;ttl=1;stored;collapsed"},
		{"d", cache.Status{Fwd: cache.FwdStale, FwdStatus: 304}, "d;fwd=stale;fwd-status=304"},
		{"d", cache.Status{Fwd: "method"}, "d;fwd=method"},
		{"my cache", cache.Status{Fwd: "bypass", Detail: "é"}, `"my cache";fwd=bypass;detail=invalid`},
	} {
		name, err := tokenOrString(c.name)
		require.NoError(t, err)
		require.Equal(t, c.want, cacheStatus(name, c.status))
	}
}

// What httpsfv would write is what is written, whatever is in it.
func TestCacheStatusIsAStructuredField(t *testing.T) {
	words := []string{"a", "*b", "tier-0", "1st", "two words", `"quoted\"`, "comma, semicolon;", "a/b:c"}
	for i := range 1 << 10 {
		s := cache.Status{Hit: i&1 != 0, Stored: i&2 != 0, Collapsed: i&4 != 0, TTL: time.Duration(i-100) * time.Second, Detail: words[i%len(words)]}
		if i&8 != 0 {
			s.Fwd, s.FwdStatus = cache.FwdMiss, 200+i
		}
		name, err := tokenOrString(words[i>>4%len(words)])
		require.NoError(t, err)
		got := cacheStatus(name, s)
		list, err := httpsfv.UnmarshalList([]string{got})
		require.NoError(t, err, got)
		require.Len(t, list, 1)
		again, err := httpsfv.Marshal(list)
		require.NoError(t, err)
		require.Equal(t, again, got)
		detail, _ := list[0].(httpsfv.Item).Params.Get("detail")
		if token, ok := detail.(httpsfv.Token); ok {
			detail = string(token)
		}
		require.Equal(t, s.Detail, detail)
	}
}

func TestName(t *testing.T) {
	for _, name := range []string{"daramjwee", "edge 7"} {
		_, err := tokenOrString(name)
		require.NoError(t, err)
	}
	for _, name := range []string{"é", "a\nb"} {
		_, err := tokenOrString(name)
		require.Error(t, err)
	}
}
