package memory_test

import (
	"fmt"
	"io"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/daramjwee/daramjwee/cache/store"
	"github.com/daramjwee/daramjwee/cache/store/memory"
	"github.com/daramjwee/daramjwee/internal/checked"
	"github.com/daramjwee/daramjwee/internal/race"
	"github.com/daramjwee/daramjwee/strategy"
)

// spent returns the allocations and bytes of each of n operations, rounded: the
// least of a few tries, since the runtime allocates now and then.
func spent(n int, call func(i int)) (allocs, bytes uint64) {
	allocs, bytes = ^uint64(0), ^uint64(0)
	for range 3 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for i := range n {
			call(i)
		}
		runtime.ReadMemStats(&after)
		allocs = min(allocs, (after.Mallocs-before.Mallocs+uint64(n)/2)/uint64(n))
		bytes = min(bytes, (after.TotalAlloc-before.TotalAlloc+uint64(n)/2)/uint64(n))
	}
	return allocs, bytes
}

// What a fill and a hit cost in a full tier, where each fill evicts.
func TestCycleAllocations(t *testing.T) {
	if race.Enabled || checked.Everywhere {
		t.Skip("the race detector allocates as well")
	}
	for _, tc := range []struct {
		size, n int
		bytes   uint64 // at most: 24 of them for each block, in the list
	}{
		{256 << 10, 10_000, 700},
		{4 << 20, 1_000, 3_700},
	} {
		t.Run(fmt.Sprintf("size=%dKiB", tc.size>>10), func(t *testing.T) {
			s, err := memory.New(memory.Options{
				MaxBytes:   8 * int64(tc.size+8<<10),
				BufferPool: strategy.BufferPoolConfig{Enabled: true, Strategy: "channel", MaxIdle: 1024, CleanupInterval: -1},
			})
			require.NoError(t, err)
			defer s.Close()
			keys := make([]string, 64)
			for i := range keys {
				keys[i] = fmt.Sprintf("https://example.org/some/path/%d", i)
			}
			m := store.Metadata{Size: int64(tc.size), ETag: `"0123456789abcdef"`}
			fill := func(i int) {
				w, err := s.Create(ctx, keys[i%len(keys)], m)
				if err != nil {
					t.Fatal(err)
				}
				d := w.(store.DirectWriter)
				for left := tc.size; left > 0; {
					n := min(16<<10, left, len(d.Next()))
					if err := d.Advance(n); err != nil {
						t.Fatal(err)
					}
					left -= n
				}
				if err := w.Commit(ctx); err != nil {
					t.Fatal(err)
				}
			}
			for i := range len(keys) {
				fill(i)
			}
			evicted := s.Stats().Evictions
			allocs, bytes := spent(tc.n, fill)
			require.EqualValues(t, 3*tc.n, s.Stats().Evictions-evicted)
			t.Logf("fill: %d bytes", bytes)
			require.EqualValues(t, 5, allocs, "entry, its key, its strings, list of blocks; writer")
			require.LessOrEqual(t, bytes, tc.bytes)
			last := ""
			for key := range s.List() {
				last = key
			}
			var dst io.Writer = onlyWriter{io.Discard}
			allocs, bytes = spent(tc.n, func(int) {
				e, err := s.Open(ctx, last)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := e.(io.WriterTo).WriteTo(dst); err != nil {
					t.Fatal(err)
				}
				e.Close()
			})
			t.Logf("hit: %d bytes", bytes)
			require.EqualValues(t, 1, allocs, "the Entry")
			require.LessOrEqual(t, bytes, uint64(64))
		})
	}
}
