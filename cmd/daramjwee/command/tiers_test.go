package command

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/daramjwee/daramjwee/cache/store/memory"
)

// TestStrategyPerUse: streams and blocks can differ, each by name.
func TestStrategyPerUse(t *testing.T) {
	load := func(text string) (streams, blocks string) {
		s, err := load(write(t, text+"\nlisten: 127.0.0.1:0\ndisk: {max_bytes: 0}\nbuffer_pool: {max_idle: 3}"), nil)
		require.NoError(t, err)
		srv, err := start(s, discard)
		require.NoError(t, err)
		defer srv.stop()
		tier := srv.tiers.list[0].(*memory.Store)
		kind := "unbounded"
		if tier.Stats().BufferPool.IdleBuffers >= 0 { // sync.Pool cannot know
			kind = "bounded"
		}
		return srv.cache.Stats().Strategy, kind
	}
	for text, want := range map[string][2]string{
		"strategy: channel": {"channel", "bounded"},
		"strategy: syncpool\nmemory: {strategy: channel}": {"syncpool", "bounded"},
		"strategy: channel\nmemory: {strategy: syncpool}": {"channel", "unbounded"},
	} {
		streams, blocks := load(text)
		require.Equal(t, want, [2]string{streams, blocks}, text)
	}
	_, err := loadText(t, "memory:\n  strategy: chanel\n")
	require.ErrorContains(t, err, ":2: memory.strategy: \"chanel\", allowed: did you mean \"channel\"?")
	require.Equal(t, 1, strings.Count(err.Error(), "\n")+1, "once")
}

func loadText(t *testing.T, text string) (*settings, error) { return load(write(t, text), nil) }

// TestStrategyThatFailsLeavesAServer: with streams and blocks of it, and with
// blocks alone, there is a cache all the same, memory tier included.
func TestStrategyThatFailsLeavesAServer(t *testing.T) {
	t.Setenv("DARAMJWEE_TEST_FAILS", "1")
	for text, streams := range map[string]string{
		"strategy: fails":           "noop",
		"memory: {strategy: fails}": "syncpool",
	} {
		s, _ := child(t, "--config", write(t, text))
		for _, want := range []string{"fwd=uri-miss", "hit;ttl=299;detail=tier-0"} {
			res, err := http.Get(s.url + "/2KiB")
			require.NoError(t, err)
			_, err = io.Copy(io.Discard, res.Body)
			require.NoError(t, err)
			require.NoError(t, res.Body.Close())
			require.Contains(t, res.Header.Get("Cache-Status"), want, text)
		}
		require.Equal(t, streams, s.statistics(t).Cache.Strategy, text)
		require.Contains(t, s.log.String(), "memory tier: buffer pool strategy failed", text)
	}
}
