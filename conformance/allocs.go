package conformance

import (
	"runtime"

	"github.com/daramjwee/daramjwee/strategy"
)

// allocations are counts of the whole process, so they are measured in several
// rounds, of which the least counts: what the rest of the process does can only
// add to it.
type allocations struct{ objects, bytes int64 }

// leastAllocs runs f, first to warm the pool. What p's misses explain is taken
// off: two objects each, a buffer and something to keep it in.
func leastAllocs(p strategy.BufferPool, f func()) allocations {
	f()
	var least allocations
	var before, after runtime.MemStats
	for round := range 5 {
		missed := p.Stats().PoolMisses
		runtime.ReadMemStats(&before)
		f()
		runtime.ReadMemStats(&after)
		missed = p.Stats().PoolMisses - missed
		now := allocations{
			objects: int64(after.Mallocs-before.Mallocs) - 2*missed,
			bytes:   int64(after.TotalAlloc - before.TotalAlloc),
		}
		if round == 0 || now.objects < least.objects {
			least.objects = now.objects
		}
		if round == 0 || now.bytes < least.bytes {
			least.bytes = now.bytes
		}
	}
	return least
}
