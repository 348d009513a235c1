package cache_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/daramjwee/daramjwee/cache"
	"github.com/daramjwee/daramjwee/cache/store"
	"github.com/daramjwee/daramjwee/cache/store/disk"
	"github.com/daramjwee/daramjwee/cache/store/memory"
	"github.com/daramjwee/daramjwee/strategy"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var ctx = context.Background()

var strategies = []string{"syncpool", "bytebuffer", "channel", "noop", "disabled"}

func withStrategy(name string) cache.Option {
	if name == "disabled" {
		return cache.WithBufferPool(false, 0)
	}
	return cache.WithBufferPoolStrategy(name)
}

// each runs a test once per strategy, in a bubble of fake time.
func each(t *testing.T, test func(t *testing.T, strategy cache.Option)) {
	for _, name := range strategies {
		t.Run("strategy="+name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { test(t, withStrategy(name)) })
		})
	}
}

// opened is a cache that, when the test ends, closes without complaint and has
// every buffer back.
func opened(t *testing.T, opts ...cache.Option) *cache.DaramjweeCache {
	t.Helper()
	c, err := cache.New(opts...)
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, c.Close())
		require.NoError(t, c.Close(), "twice is once")
		require.Zero(t, c.Stats().BufferPool.ActiveBuffers)
	})
	return c
}

func smallMemory() (*memory.Store, error) {
	return memory.New(memory.Options{MaxBytes: 4 << 20, BufferPool: strategy.DefaultConfig()})
}

func memoryOf(t *testing.T, limit int64) *memory.Store {
	t.Helper()
	s, err := memory.New(memory.Options{MaxBytes: limit})
	require.NoError(t, err)
	return s
}

func memoryTier(t *testing.T) *memory.Store {
	t.Helper()
	s, err := smallMemory()
	require.NoError(t, err)
	t.Cleanup(func() { s.Close() }) // for those that a test keeps the cache from closing
	return s
}

// origin is a Fetcher that counts and can be told what to answer.
type origin struct {
	body    string
	meta    store.Metadata
	err     error
	delay   time.Duration
	fetches atomic.Int64
	old     atomic.Pointer[store.Metadata] // of the last fetch
}

func (o *origin) Fetch(_ context.Context, old *store.Metadata) (*cache.FetchResult, error) {
	o.fetches.Add(1)
	o.old.Store(old)
	time.Sleep(o.delay)
	if o.err != nil {
		return nil, o.err
	}
	return &cache.FetchResult{Body: io.NopCloser(onlyReader{strings.NewReader(o.body)}), Metadata: o.meta}, nil
}

type onlyReader struct{ io.Reader }

func read(t *testing.T, c *cache.DaramjweeCache, key string, f cache.Fetcher) (string, cache.Status) {
	t.Helper()
	r, err := c.Get(ctx, key, f)
	require.NoError(t, err)
	defer r.Close()
	b, err := io.ReadAll(r)
	require.NoError(t, err)
	return string(b), r.Status()
}

func TestMissThenHit(t *testing.T) {
	each(t, func(t *testing.T, s cache.Option) {
		c := opened(t, s, cache.WithTiers(memoryTier(t)))
		for _, size := range []int64{0, -1, 100_000} { // unknown twice over, and declared
			o := &origin{body: strings.Repeat("0123456789", 10_000), meta: store.Metadata{Size: size, ETag: `"e"`}}
			key := string(rune('k' + size))
			got, status := read(t, c, key, o)
			require.Equal(t, o.body, got)
			require.Equal(t, "fwd=uri-miss; ttl=300; stored", status.String())
			r, err := c.Get(ctx, key, o)
			require.NoError(t, err)
			var dst bytes.Buffer
			n, err := r.WriteTo(&dst)
			require.NoError(t, err)
			require.EqualValues(t, len(o.body), n)
			require.Equal(t, o.body, dst.String())
			require.Equal(t, "hit; ttl=300; detail=tier-0", r.Status().String())
			require.EqualValues(t, 100_000, r.Size())
			require.Equal(t, `"e"`, r.Metadata().ETag)
			require.NoError(t, r.Close())
			require.EqualValues(t, 1, o.fetches.Load())
		}
	})
}

func TestWriteToFillsToo(t *testing.T) {
	each(t, func(t *testing.T, s cache.Option) {
		c := opened(t, s, cache.WithTiers(memoryTier(t)))
		o := &origin{body: strings.Repeat("x", 100_000)}
		r, err := c.Get(ctx, "k", o)
		require.NoError(t, err)
		_, err = io.Copy(io.Discard, r)
		require.NoError(t, err)
		require.NoError(t, r.Close())
		_, status := read(t, c, "k", o)
		require.True(t, status.Hit)
	})
}

func TestResponseAfterClose(t *testing.T) {
	each(t, func(t *testing.T, s cache.Option) {
		c := opened(t, s, cache.WithTiers(memoryTier(t)))
		for range 2 { // a fill, then a hit
			r, err := c.Get(ctx, "k", &origin{body: "body"})
			require.NoError(t, err)
			_, err = io.ReadAll(r)
			require.NoError(t, err)
			require.NoError(t, r.Close())
			require.NoError(t, r.Close())
			n, err := r.Read(make([]byte, 10))
			require.Zero(t, n)
			require.ErrorIs(t, err, cache.ErrResponseClosed)
			_, err = r.WriteTo(io.Discard)
			require.ErrorIs(t, err, cache.ErrResponseClosed)
		}
	})
}

func TestOnlyWholeBodiesArePublished(t *testing.T) {
	each(t, func(t *testing.T, s cache.Option) {
		c := opened(t, s, cache.WithTiers(memoryTier(t)))
		absent := func() {
			t.Helper()
			_, err := c.Lookup(ctx, "k")
			require.ErrorIs(t, err, cache.ErrNotFound)
		}
		o := &origin{body: "0123456789"}
		for k := range 10 { // clients that leave after k bytes
			r, err := c.Get(ctx, "k", o)
			require.NoError(t, err)
			_, err = io.ReadFull(r, make([]byte, k))
			require.NoError(t, err)
			require.NoError(t, r.Close())
			absent()
		}
		require.EqualValues(t, 10, c.Stats().Aborts)

		short := &origin{body: "0123456789", meta: store.Metadata{Size: 11}}
		r, err := c.Get(ctx, "k", short)
		require.NoError(t, err)
		b, err := io.ReadAll(r)
		require.ErrorIs(t, err, io.ErrUnexpectedEOF)
		require.Len(t, b, 10)
		require.NoError(t, r.Close())
		absent()

		long := &origin{body: "0123456789", meta: store.Metadata{Size: 9}}
		got, _ := read(t, c, "k", long)
		require.Equal(t, "012345678", got, "cut at the declared size")
		absent()

		broken := cache.FetcherFunc(func(context.Context, *store.Metadata) (*cache.FetchResult, error) {
			return &cache.FetchResult{Body: io.NopCloser(io.MultiReader(strings.NewReader("012"), failing{}))}, nil
		})
		r, err = c.Get(ctx, "k", broken)
		require.NoError(t, err)
		_, err = io.ReadAll(r)
		require.ErrorIs(t, err, errOrigin)
		require.NoError(t, r.Close())
		absent()

		// A reader that takes exactly Size bytes and never sees EOF publishes.
		exact := &origin{body: "0123456789", meta: store.Metadata{Size: 10}}
		r, err = c.Get(ctx, "k", exact)
		require.NoError(t, err)
		_, err = io.ReadFull(r, make([]byte, 10))
		require.NoError(t, err)
		require.NoError(t, r.Close())
		_, status := read(t, c, "k", exact)
		require.True(t, status.Hit)
	})
}

var errOrigin = errors.New("origin broke")

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errOrigin }

func TestTwoTiers(t *testing.T) {
	for _, name := range []string{"syncpool", "bytebuffer", "channel", "noop"} {
		t.Run("strategy="+name, func(t *testing.T) {
			dir := t.TempDir()
			open := func() *cache.DaramjweeCache {
				d, err := disk.Open(dir, disk.Options{MaxBytes: 16 << 20})
				require.NoError(t, err)
				return opened(t, cache.WithBufferPoolStrategy(name), cache.WithTiers(memoryTier(t), d))
			}
			o := &origin{body: strings.Repeat("abcdefghij", 20_000), meta: store.Metadata{ETag: `"1"`, Header: store.NewHeader("A", "1", "A", "2")}}
			c := open()
			read(t, c, "k", o)
			stored := status(t, c, "k", o)
			require.NoError(t, c.Close())
			require.EqualValues(t, 1, c.Stats().Persists, "persisted after the commit")

			c = open() // memory is empty now
			r, err := c.Get(ctx, "k", o)
			require.NoError(t, err)
			require.Equal(t, "tier-1", r.Status().Detail)
			b, err := io.ReadAll(r)
			require.NoError(t, err)
			require.Equal(t, o.body, string(b))
			require.NoError(t, r.Close())
			promoted := status(t, c, "k", o)
			require.Equal(t, "tier-0", promoted.status.Detail)
			require.True(t, stored.meta.StoredAt.Equal(promoted.meta.StoredAt), "the age goes along")
			require.Equal(t, stored.meta.Header, promoted.meta.Header)
			require.EqualValues(t, 1, o.fetches.Load())
			require.EqualValues(t, 1, c.Stats().Promotes)

			require.NoError(t, c.Delete(ctx, "k"))
			_, err = c.Lookup(ctx, "k")
			require.ErrorIs(t, err, cache.ErrNotFound)
			require.NoError(t, c.Close())
		})
	}
}

type seen struct {
	meta   store.Metadata
	status cache.Status
}

func status(t *testing.T, c *cache.DaramjweeCache, key string, f cache.Fetcher) seen {
	r, err := c.Get(ctx, key, f)
	require.NoError(t, err)
	defer r.Close()
	return seen{*r.Metadata(), r.Status()}
}

func TestTooLargeForTheNearestTierGoesToTheNext(t *testing.T) {
	for _, size := range []int64{3 << 20, -1} {
		d, err := disk.Open(t.TempDir(), disk.Options{MaxBytes: 32 << 20})
		require.NoError(t, err)
		near, err := memory.New(memory.Options{MaxBytes: 1 << 20})
		require.NoError(t, err)
		c := opened(t, cache.WithTiers(near, d))
		small := &origin{body: "small"}
		read(t, c, "small", small)
		o := &origin{body: strings.Repeat("x", 3<<20), meta: store.Metadata{Size: size}}
		got, _ := read(t, c, "large", o)
		require.True(t, o.body == got)
		got, s := read(t, c, "large", o)
		require.True(t, o.body == got)
		require.Equal(t, "tier-1", s.Detail, "size %d", size)
		_, s = read(t, c, "small", small)
		require.Equal(t, "tier-0", s.Detail, "nothing was evicted for it")

		huge := &origin{body: strings.Repeat("x", 33<<20)}
		if size > 0 {
			huge.meta.Size = 33 << 20
		}
		got, _ = read(t, c, "huge", huge)
		require.True(t, huge.body == got, "larger than every tier: streamed")
		_, err = c.Lookup(ctx, "huge")
		require.ErrorIs(t, err, cache.ErrNotFound)
		_, s = read(t, c, "small", small)
		require.True(t, s.Hit)
	}
}

func TestStaleWhileRevalidate(t *testing.T) {
	each(t, func(t *testing.T, s cache.Option) {
		c := opened(t, s, cache.WithTiers(memoryTier(t)), cache.WithFreshness(time.Minute, 0), cache.WithStaleWhileRevalidate(time.Minute))
		o := &origin{body: "one"}
		read(t, c, "k", o)
		time.Sleep(time.Minute + time.Second)
		o.body, o.delay = "two", time.Second // no refresh ends while the ten are served: time stands still for them
		for range 10 {
			got, st := read(t, c, "k", o)
			require.Equal(t, "one", got)
			require.True(t, st.Hit)
			require.Equal(t, -time.Second, st.TTL)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		require.EqualValues(t, 2, o.fetches.Load(), "ten stale hits, one refresh")
		got, _ := read(t, c, "k", o)
		require.Equal(t, "two", got)

		time.Sleep(3 * time.Minute) // past the window: the caller waits for the origin
		o.body = "three"
		got, st := read(t, c, "k", o)
		require.Equal(t, "three", got)
		require.Equal(t, cache.FwdStale, st.Fwd)
	})
}

// TestEntryFromTheFutureIsStale: its age cannot be told, so it could stay fresh for
// years.
func TestEntryFromTheFutureIsStale(t *testing.T) {
	for _, window := range []time.Duration{-1, time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			c := opened(t, cache.WithTiers(memoryTier(t)), cache.WithStaleWhileRevalidate(window))
			o := &origin{body: "ahead", meta: store.Metadata{StoredAt: time.Now().Add(time.Hour), TTL: time.Minute}}
			read(t, c, "k", o)
			_, err := c.Lookup(ctx, "k")
			require.ErrorIs(t, err, cache.ErrNotFound)
			o.body, o.meta.StoredAt = "new", time.Time{}
			if window > 0 { // it is served as a stale one is
				got, st := read(t, c, "k", o)
				require.Equal(t, "ahead", got)
				require.EqualValues(t, 1, c.Stats().StaleHits)
				require.LessOrEqual(t, st.TTL, time.Duration(0))
				synctest.Wait()
			}
			got, _ := read(t, c, "k", o)
			require.Equal(t, "new", got)
			require.EqualValues(t, 2, o.fetches.Load())
			_, st := read(t, c, "k", o)
			require.True(t, st.Hit && st.TTL > 0, st)
		})
	}
}

func TestNotModifiedMovesATimestamp(t *testing.T) {
	each(t, func(t *testing.T, s cache.Option) {
		c := opened(t, s, cache.WithTiers(memoryTier(t)), cache.WithFreshness(time.Minute, 0), cache.WithStaleWhileRevalidate(-1))
		o := &origin{body: "body", meta: store.Metadata{ETag: `"1"`}}
		read(t, c, "k", o)
		time.Sleep(2 * time.Minute)
		o.err = cache.ErrNotModified
		got, st := read(t, c, "k", o)
		require.Equal(t, "body", got)
		require.Equal(t, 304, st.FwdStatus)
		require.Equal(t, `"1"`, o.old.Load().ETag, "the Fetcher was told what the cache has")
		got, st = read(t, c, "k", o)
		require.Equal(t, "body", got)
		require.True(t, st.Hit)
		require.Equal(t, time.Minute, st.TTL)
		require.EqualValues(t, 1, c.Stats().Fills)

		require.NoError(t, c.ScheduleRefresh(ctx, "k", o))
		synctest.Wait()
		require.EqualValues(t, 1, c.Stats().Refreshes)
		require.EqualValues(t, 2, c.Stats().NotModified)
	})
}

func TestStaleIfError(t *testing.T) {
	each(t, func(t *testing.T, s cache.Option) {
		c := opened(t, s, cache.WithTiers(memoryTier(t)), cache.WithFreshness(time.Minute, 0), cache.WithStaleWhileRevalidate(-1), cache.WithStaleIfError(time.Hour))
		o := &origin{body: "body"}
		read(t, c, "k", o)
		read(t, c, "never", &origin{body: "x", meta: store.Metadata{StaleIfError: -1}})
		time.Sleep(10 * time.Minute)
		o.err = errOrigin
		got, st := read(t, c, "k", o)
		require.Equal(t, "body", got)
		require.Equal(t, "hit; ttl=-540; detail=tier-0; stale-if-error", st.String())
		_, err := c.Get(ctx, "never", o)
		require.ErrorIs(t, err, errOrigin)
		time.Sleep(time.Hour)
		_, err = c.Get(ctx, "k", o)
		require.ErrorIs(t, err, errOrigin)
	})
}

func TestNegativeEntries(t *testing.T) {
	each(t, func(t *testing.T, s cache.Option) {
		c := opened(t, s, cache.WithTiers(memoryTier(t)), cache.WithFreshness(time.Hour, 10*time.Second))
		o := &origin{err: cache.ErrNotFound}
		for range 5 {
			_, err := c.Get(ctx, "k", o)
			require.ErrorIs(t, err, cache.ErrNotFound)
		}
		require.EqualValues(t, 1, o.fetches.Load())
		require.EqualValues(t, 4, c.Stats().NegativeHits)
		time.Sleep(10 * time.Second)
		o.err, o.body = nil, "now there is"
		got, _ := read(t, c, "k", o)
		require.Equal(t, o.body, got, "a stale not-found is not served")

		off := opened(t, s, cache.WithTiers(memoryTier(t)), cache.WithFreshness(time.Hour, -1))
		o.err = cache.ErrNotFound
		for range 2 {
			_, err := off.Get(ctx, "k", o)
			require.ErrorIs(t, err, cache.ErrNotFound)
		}
		require.EqualValues(t, 4, o.fetches.Load(), "not cached")
	})
}

func TestNoStoreIsStreamedToItsCallerOnly(t *testing.T) {
	each(t, func(t *testing.T, s cache.Option) {
		c := opened(t, s, cache.WithTiers(memoryTier(t)))
		private := cache.FetcherFunc(func(context.Context, *store.Metadata) (*cache.FetchResult, error) {
			return &cache.FetchResult{Body: io.NopCloser(strings.NewReader("secret")), NoStore: true}, nil
		})
		for range 2 {
			got, st := read(t, c, "k", private)
			require.Equal(t, "secret", got)
			require.False(t, st.Stored || st.Hit)
		}
		require.EqualValues(t, 2, c.Stats().Fetches)
	})
}
