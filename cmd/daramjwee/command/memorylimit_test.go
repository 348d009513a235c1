package command

import (
	"math"
	"runtime/debug"
	"testing"

	"github.com/stretchr/testify/require"
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
