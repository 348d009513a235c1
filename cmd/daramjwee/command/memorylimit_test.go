package command

import (
	"math"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/daramjwee/daramjwee/cache/store/memory"
)

func TestMemoryLimitFollowsTheTiers(t *testing.T) {
	for _, test := range []struct{ memory, disk, want int64 }{
		{64 << 20, 1 << 30, (80 + 16 + 256) << 20},
		{0, 1 << 30, (16 + 256) << 20},
		{10 << 30, 0, 12800<<20 + 256<<20},
		{1, 1, 256 << 20},
		{math.MaxInt64, math.MaxInt64, math.MaxInt64},
	} {
		require.Equal(t, test.want, (&settings{memoryMax: test.memory, diskMax: test.disk}).memoryLimit(), test)
	}
}

func TestMemoryLimitGivesWayToTheEnvironment(t *testing.T) {
	before := debug.SetMemoryLimit(-1)
	s := defaults()
	for given, want := range map[string]int64{"": s.memoryLimit(), "3GiB": before} { // which the runtime has read at its start
		t.Setenv("GOMEMLIMIT", given)
		says, undo := limitMemory(s)
		require.Equal(t, want, debug.SetMemoryLimit(-1), given)
		require.Contains(t, says, map[string]string{"": "352MiB, from the tiers", "3GiB": "3GiB, by GOMEMLIMIT"}[given])
		undo()
		require.Equal(t, before, debug.SetMemoryLimit(-1))
	}
	running := serveInProcess(t)
	require.Contains(t, running.greeting, "Memory limit: ")
	require.Zero(t, running.stop())
}

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
