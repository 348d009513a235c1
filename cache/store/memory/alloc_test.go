package memory_test

import (
	"bytes"
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

// mallocs returns the allocations of n calls, exactly when nothing else runs: the
// least of a few tries.
func mallocs(n int, call func()) uint64 {
	least := ^uint64(0)
	for range 5 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range n {
			call()
		}
		runtime.ReadMemStats(&after)
		least = min(least, after.Mallocs-before.Mallocs)
	}
	return least
}

// A hit allocates its Entry and nothing else, however long the body.
func TestHitAllocations(t *testing.T) {
	if race.Enabled || checked.Everywhere {
		t.Skip("the race detector allocates as well")
	}
	each(t, 1<<20, func(t *testing.T, s *memory.Store) {
		for _, size := range []int{0, 100, block, 20 * block} {
			put(t, s, "k", -1, pattern(1, size))
			var dst io.Writer = onlyWriter{io.Discard} // made once: it is not the hit's
			hit := func() {
				e, err := s.Open(ctx, "k")
				if err != nil {
					t.Fatal(err)
				}
				if _, err := e.(io.WriterTo).WriteTo(dst); err != nil {
					t.Fatal(err)
				}
				e.Close()
			}
			const n = 100
			got := mallocs(n, hit)
			require.EqualValues(t, n, got, "%d bytes", size)
		}
		miss := func() {
			if _, err := s.Open(ctx, "none"); err != store.ErrNotFound {
				t.Fatal(err)
			}
		}
		require.Zero(t, mallocs(100, miss))
	})
}

// A fill of whole blocks allocates no bytes for them: they come from the pool
// that the replaced entry's blocks went to.
func TestFillAllocations(t *testing.T) {
	if race.Enabled || checked.Everywhere {
		t.Skip("sync.Pool drops puts under -race")
	}
	s, err := memory.New(memory.Options{BufferPool: strategy.BufferPoolConfig{Enabled: true, Strategy: "channel"}})
	require.NoError(t, err)
	defer s.Close()
	data := pattern(1, 1<<20)
	fill := func() {
		w, err := s.Create(ctx, "k", store.Metadata{Size: int64(len(data))})
		if err == nil {
			_, err = io.Copy(w, onlyReader{bytes.NewReader(data)})
		}
		if err == nil {
			err = w.Commit(ctx)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for range 3 {
		fill()
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 10 {
		fill()
	}
	runtime.ReadMemStats(&after)
	perFill := (after.TotalAlloc - before.TotalAlloc) / 10
	t.Logf("%d bytes allocated for a fill of %d", perFill, len(data))
	require.Less(t, perFill, uint64(4<<10))
}
