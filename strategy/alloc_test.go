package strategy_test

import (
	"runtime"
	"runtime/debug"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/daramjwee/daramjwee/internal/race"
	"github.com/daramjwee/daramjwee/strategy"
)

// TestGetAndPutAllocateNothing counts mallocs, since testing.AllocsPerRun rounds
// one in two runs down to none. Collections are off, or they would empty the pools.
func TestGetAndPutAllocateNothing(t *testing.T) {
	if race.Enabled {
		t.Skip("sync.Pool drops puts at random under the race detector")
	}
	for _, name := range []string{"syncpool", "bytebuffer", "channel"} {
		t.Run(name, func(t *testing.T) {
			c := strategy.DefaultConfig()
			c.Strategy = name
			p, err := strategy.New(c)
			require.NoError(t, err)
			defer strategy.Close(p)
			const runs = 50_000 // past bytebufferpool's calibration
			cycle := func() {
				for _, size := range []int{0, 1, 4 << 10, 40_000} {
					buf := p.Get(size)
					buf[0]++
					p.Put(buf)
				}
			}
			defer debug.SetGCPercent(debug.SetGCPercent(-1))
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1)) // no other P to migrate to and miss on
			cycle()
			before := mallocs()
			for range runs {
				cycle()
			}
			// A sync.Pool may be asked on a fresh P after a preemption; a leak of one
			// malloc a Put would be 200,000.
			require.Less(t, mallocs()-before, uint64(20))
			require.Less(t, p.Stats().PoolMisses, int64(20))
		})
	}
}

func mallocs() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.Mallocs
}
