package cache_test

import (
	"context"
	"io"
	"runtime"
	"runtime/debug"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/daramjwee/daramjwee/cache"
	"github.com/daramjwee/daramjwee/cache/store"
	"github.com/daramjwee/daramjwee/cache/store/disk"
	"github.com/daramjwee/daramjwee/cache/store/memory"
	"github.com/daramjwee/daramjwee/internal/checked"
	"github.com/daramjwee/daramjwee/internal/race"
	"github.com/daramjwee/daramjwee/strategy"
	"github.com/daramjwee/daramjwee/strategy/noop"
)

// ready is an origin whose answer is made before it is asked for.
type ready struct {
	result cache.FetchResult
	body   readyBody
}

type readyBody struct {
	size, left int
	text       [16 << 10]byte
}

func newReady(size int) *ready {
	r := new(ready)
	r.body.size = size
	r.result = cache.FetchResult{Body: &r.body, Metadata: store.Metadata{Size: int64(size), ETag: `"e"`}}
	return r
}

func (r *ready) Fetch(context.Context, *store.Metadata) (*cache.FetchResult, error) {
	r.body.left = r.body.size
	return &r.result, nil
}

func (b *readyBody) Read(p []byte) (int, error) {
	if b.left == 0 {
		return 0, io.EOF
	}
	n := copy(p[:min(len(p), b.left)], b.text[:])
	b.left -= n
	return n, nil
}

func (b *readyBody) Close() error { return nil }

// counter is a plain writer.
type counter struct{ n int64 }

func (c *counter) Write(p []byte) (int, error) {
	c.n += int64(len(p))
	return len(p), nil
}

// perOperation is what the whole process allocates, after a warm-up that fills
// the tiers. Collections are off, or they would empty the pools.
func perOperation(t *testing.T, warm, n int, op func(i int)) (objects, bytes float64) {
	t.Helper()
	for i := range warm {
		op(i)
	}
	runtime.GC()
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	for i := range 10 {
		op(warm + i)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for i := range n {
		op(warm + 10 + i)
	}
	runtime.ReadMemStats(&after)
	return float64(after.Mallocs-before.Mallocs) / float64(n), float64(after.TotalAlloc-before.TotalAlloc) / float64(n)
}

// TestAllocations holds the cache to what it may allocate per operation, in a
// memory tier that is full, after 10,000 of them (of 4 MiB, 500). BenchmarkCache has
// the same figures with the collector running.
func TestAllocations(t *testing.T) {
	if race.Enabled || checked.Everywhere {
		t.Skip("both allocate by themselves")
	}
	const limit = 64 << 20
	tier := func(pool strategy.BufferPoolConfig) *memory.Store {
		s, err := memory.New(memory.Options{MaxBytes: limit, BufferPool: pool})
		require.NoError(t, err)
		return s
	}
	near := func() *memory.Store { return tier(strategy.DefaultConfig()) }
	noPools := strategy.BufferPoolConfig{Enabled: true, Strategy: noop.Name}
	keys := make([]string, 100_000)
	for i := range keys {
		keys[i] = "key-" + strconv.Itoa(i)
	}
	get := func(c *cache.DaramjweeCache, key string, f cache.Fetcher, dst *counter) {
		r, err := c.Get(ctx, key, f)
		if err == nil {
			_, err = r.WriteTo(dst)
		}
		if err != nil {
			t.Fatal(err)
		}
		r.Close()
	}
	hit := func(size int) func(*testing.T) (float64, float64) {
		return func(t *testing.T) (float64, float64) {
			s := near()
			c := opened(t, cache.WithTiers(s))
			f, dst := newReady(size), new(counter)
			for i := range limit / size {
				get(c, keys[i], f, dst)
			}
			require.NotZero(t, s.Stats().Evictions)
			return perOperation(t, 10_000, 10_000, func(int) { get(c, "k", f, dst) })
		}
	}
	miss := func(size, warm, n int) func(*testing.T) (float64, float64) {
		return func(t *testing.T) (float64, float64) {
			f, dst := newReady(size), new(counter)
			plain := opened(t, cache.WithTiers(tier(noPools)), cache.WithBufferPoolAdvanced(noPools))
			_, without := perOperation(t, limit/size, 100, func(i int) { get(plain, keys[i], f, dst) })
			c := opened(t, cache.WithTiers(near()))
			objects, bytes := perOperation(t, warm, n, func(i int) { get(c, keys[i], f, dst) })
			require.LessOrEqual(t, bytes, without/50, "without pools")
			return objects, bytes
		}
	}
	for _, tc := range []struct {
		name           string
		objects, bytes float64 // at most
		run            func(t *testing.T) (objects, bytes float64)
	}{
		{"hit, 1 KiB", 1, 64, hit(1 << 10)},
		{"hit, 256 KiB", 1, 64, hit(256 << 10)},
		{"hit, 4 MiB", 1, 64, hit(4 << 20)},
		{"miss, 256 KiB", 12, 1536, miss(256<<10, 10_000, 2000)},
		{"miss, 4 MiB", 20, 4 << 10, miss(4<<20, 500, 200)},
		{"promote, 256 KiB", 20, 3 << 10, func(t *testing.T) (float64, float64) {
			far, err := disk.Open(t.TempDir(), disk.Options{MaxBytes: 1 << 30})
			require.NoError(t, err)
			c := opened(t, cache.WithTiers(near(), far))
			f, dst := newReady(256<<10), new(counter)
			const entries = 512 // twice what memory holds
			for i := range entries {
				w, err := far.Create(ctx, keys[i], store.Metadata{Size: 256 << 10, StoredAt: time.Now(), Generation: 1, ETag: `"e"`})
				require.NoError(t, err)
				_, err = io.Copy(w, io.LimitReader(&endless{left: 256 << 10}, 256<<10))
				require.NoError(t, err)
				require.NoError(t, w.Commit(ctx))
			}
			objects, bytes := perOperation(t, 10_000, 1000, func(i int) { get(c, keys[i%entries], f, dst) })
			require.GreaterOrEqual(t, c.Stats().Promotes, int64(10_000))
			return objects, bytes
		}},
		{"refresh, 256 KiB", 20, 3 << 10, func(t *testing.T) (float64, float64) {
			ended := make(chan error)
			tell := cache.ObserverFunc(func(_ context.Context, e cache.Event) {
				if e.Kind == cache.EventRefresh {
					ended <- e.Err
				}
			})
			c := opened(t, cache.WithTiers(near()), cache.WithWorkers(1, 1), cache.WithObserver(tell))
			f := newReady(256 << 10)
			return perOperation(t, 10_000, 2000, func(i int) {
				if err := c.ScheduleRefresh(ctx, keys[i], f); err != nil {
					t.Fatal(err)
				}
				if err := <-ended; err != nil {
					t.Fatal(err)
				}
			})
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			objects, bytes := tc.run(t)
			t.Logf("%.2f objects, %.0f bytes", objects, bytes)
			require.LessOrEqual(t, objects, tc.objects+0.05, "objects") // the runtime has a few of its own
			require.LessOrEqual(t, bytes, tc.bytes, "bytes")
		})
	}
}
