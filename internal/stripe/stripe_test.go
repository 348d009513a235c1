package stripe

import (
	"sync"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
)

func TestCounterLosesNothing(t *testing.T) {
	var c Counter
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for range 1000 {
				c.Inc()
			}
		})
	}
	wg.Wait()
	require.Equal(t, int64(16_000), c.Load())
}

// TestGoroutinesSpread would fail for a Pick that has one answer.
func TestGoroutinesSpread(t *testing.T) {
	var mu sync.Mutex
	picked := make(map[int]bool)
	var wg, all sync.WaitGroup
	all.Add(64)
	for range 64 {
		wg.Go(func() {
			i := Pick(64)
			mu.Lock()
			picked[i] = true
			mu.Unlock()
			all.Done()
			all.Wait() // nobody has the stack of one that has ended
		})
	}
	wg.Wait()
	require.Greater(t, len(picked), 8)
	require.Zero(t, unsafe.Sizeof(Counter{})%Lines)
}

func BenchmarkInc(b *testing.B) {
	var c Counter
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			c.Inc()
		}
	})
}
