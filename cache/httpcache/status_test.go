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
		got := cacheStatus(c.name, c.status)
		require.Equal(t, c.want, got)
		_, err := httpsfv.UnmarshalList([]string{got})
		require.NoError(t, err)
	}
}

func TestValidName(t *testing.T) {
	require.True(t, validName("daramjwee"))
	require.True(t, validName("edge 7"))
	require.False(t, validName("é"))
	require.False(t, validName("a\nb"))
}
