package cache_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/daramjwee/daramjwee/cache"
	"github.com/daramjwee/daramjwee/cache/store"
	"github.com/daramjwee/daramjwee/strategy"
)

// broken is a tier that fails at one call, or at all of them.
type broken struct {
	store.Store
	at string
}

var errTier = errors.New("EIO")

func (b broken) fails(call string) bool { return b.at == call || b.at == "all" }

func (b broken) Open(ctx context.Context, key string) (store.Entry, error) {
	if b.fails("open") {
		return nil, errTier
	}
	return b.Store.Open(ctx, key)
}

func (b broken) Create(ctx context.Context, key string, m store.Metadata) (store.Writer, error) {
	if b.fails("create") {
		return nil, errTier
	}
	w, err := b.Store.Create(ctx, key, m)
	return brokenWriter{w, b}, err
}

func (b broken) Stat(ctx context.Context, key string) (*store.Metadata, error) {
	if b.fails("stat") {
		return nil, errTier
	}
	return b.Store.Stat(ctx, key)
}

func (b broken) Delete(ctx context.Context, key string) error {
	if b.fails("delete") {
		return errTier
	}
	return b.Store.Delete(ctx, key)
}

type brokenWriter struct {
	store.Writer
	b broken
}

func (w brokenWriter) Write(p []byte) (int, error) {
	switch {
	case w.b.fails("write"):
		return 0, errTier
	case w.b.fails("short"):
		return len(p) / 2, nil
	}
	return w.Writer.Write(p)
}

func (w brokenWriter) Commit(ctx context.Context) error {
	if w.b.fails("commit") {
		return errTier
	}
	return w.Writer.Commit(ctx)
}

func TestFailingTierNeverFailsTheCaller(t *testing.T) {
	for _, at := range []string{"open", "create", "write", "short", "commit", "stat", "delete", "all"} {
		for _, tier := range []int{0, 1} {
			t.Run(at, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					tiers := []store.Store{memoryTier(t), memoryTier(t)}
					tiers[tier] = broken{tiers[tier], at}
					c, err := cache.New(cache.WithTiers(tiers...))
					require.NoError(t, err)
					o := &origin{body: strings.Repeat("body", 50_000)}
					for range 3 {
						got, _ := read(t, c, "k", o)
						require.True(t, o.body == got)
						time.Sleep(time.Minute) // until no persist is to be tried again
					}
					if at == "open" || at == "create" || at == "write" || at == "commit" {
						require.NotZero(t, c.Stats().Tiers[tier].Errors+c.Stats().PersistFailures)
					}
					if at == "delete" {
						name := []string{"tier-0", "tier-1"}[tier]
						require.ErrorContains(t, c.Delete(ctx, "k"), name)
						_, err := c.Lookup(ctx, "k")
						require.ErrorIs(t, err, cache.ErrNotFound, "what is left there is not found")
						read(t, c, "left", o)
						synctest.Wait()
						require.ErrorContains(t, c.Delete(ctx, "left"), name)
						o.body = "new"
						got, _ := read(t, c, "k", o)
						require.Equal(t, "new", got)
						synctest.Wait() // what replaced the old value everywhere is not left over
						require.ErrorContains(t, c.Close(), name+" still holds 1 deleted or replaced entries")
					}
					if err := c.Close(); at != "delete" && at != "all" {
						require.NoError(t, err)
					}
					require.Zero(t, c.Stats().BufferPool.ActiveBuffers)
				})
			})
		}
	}
}

func TestStrategyThatCannotOpenLeavesAWorkingCache(t *testing.T) {
	name := fmt.Sprint(t.Name(), time.Now().UnixNano()) // -count runs it again
	strategy.Register(name, func(strategy.BufferPoolConfig) (strategy.BufferPool, error) { return nil, errTier })
	var log bytes.Buffer
	c := opened(t, cache.WithTiers(memoryTier(t)), cache.WithBufferPoolStrategy(name),
		cache.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
	require.Equal(t, 1, strings.Count(log.String(), "level=WARN"))
	s := c.Stats()
	require.Equal(t, "noop", s.Strategy)
	require.Contains(t, s.StrategyError, "EIO")
	got, _ := read(t, c, "k", &origin{body: "works"})
	require.Equal(t, "works", got)
}

func TestPoolOptions(t *testing.T) {
	for name, tc := range map[string]struct {
		option cache.Option
		want   string
		length int // of Get(0)
	}{
		"32 KiB":   {cache.WithBufferPool(true, 32<<10), "syncpool", 32 << 10},
		"2 KiB":    {cache.WithBufferPool(true, 2<<10), "syncpool", 2 << 10},
		"128 KiB":  {cache.WithBufferPool(true, 128<<10), "syncpool", 128 << 10},
		"disabled": {cache.WithBufferPool(false, 0), "disabled", 32 << 10},
		"by name":  {cache.WithBufferPoolStrategy("channel"), "channel", 32 << 10},
		"advanced": {cache.WithBufferPoolAdvanced(strategy.BufferPoolConfig{Enabled: true, Strategy: "bytebuffer", DefaultBufferSize: 8 << 10}), "bytebuffer", 8 << 10},
	} {
		t.Run(name, func(t *testing.T) {
			c := opened(t, cache.WithTiers(memoryTier(t)), tc.option)
			require.Equal(t, tc.want, c.Stats().Strategy)
			buf := c.BufferPool.Get(0)
			require.Len(t, buf, tc.length)
			c.BufferPool.Put(buf)
		})
	}
}

func TestFaultyConfigurations(t *testing.T) {
	good := func() cache.Option { return cache.WithTiers(memoryTier(t)) }
	pool, err := strategy.New(strategy.DefaultConfig())
	require.NoError(t, err)
	for _, tc := range []struct {
		opts  []cache.Option
		field string
	}{
		{nil, "Tiers"},
		{[]cache.Option{cache.WithTiers(nil)}, "Tiers[0]"},
		{[]cache.Option{good(), cache.WithWorkers(-1, 0)}, "Workers"},
		{[]cache.Option{good(), cache.WithWorkers(0, -1)}, "QueueSize"},
		{[]cache.Option{good(), cache.WithOverflow("wait")}, "Overflow"},
		{[]cache.Option{good(), cache.WithPromoteWithin(-1)}, "PromoteWithin"},
		{[]cache.Option{good(), cache.WithOpTimeout(-1)}, "OpTimeout"},
		{[]cache.Option{good(), cache.WithCloseTimeout(-1)}, "CloseTimeout"},
		{[]cache.Option{good(), cache.WithBufferPool(true, -1)}, "BufferPool.DefaultBufferSize"},
		{[]cache.Option{good(), cache.WithBufferPool(false, -1)}, "BufferPool.DefaultBufferSize"},
		{[]cache.Option{good(), cache.WithBufferPoolStrategy("chanel")}, "BufferPool.Strategy"},
		{[]cache.Option{good(), cache.WithBufferPoolAdvanced(strategy.BufferPoolConfig{MinBufferSize: 1 << 20})}, "BufferPool.MinBufferSize"},
		{[]cache.Option{good(), cache.WithBufferPoolAdvanced(strategy.BufferPoolConfig{DefaultBufferSize: 1 << 20, MaxBufferSize: 1 << 10})}, "BufferPool.MaxBufferSize"},
		{[]cache.Option{good(), cache.WithPool(pool), cache.WithBufferPool(true, 0)}, "Pool"},
	} {
		c, err := cache.New(tc.opts...)
		require.Nil(t, c)
		var fault *cache.ConfigError
		require.ErrorAs(t, err, &fault)
		require.Equal(t, tc.field, fault.Field)
		require.NotEmpty(t, fault.Allowed)
	}
	_, err = cache.NewFromConfig(cache.Config{Workers: -1, QueueSize: -1, BufferPool: strategy.BufferPoolConfig{MaxIdle: -1}})
	for _, field := range []string{"Tiers", "Workers", "QueueSize", "BufferPool.MaxIdle"} {
		require.ErrorContains(t, err, field, "all at once")
	}
}

func TestGivenPoolIsUsedAndNotClosed(t *testing.T) {
	pool, err := strategy.New(strategy.BufferPoolConfig{Enabled: true, Strategy: "channel"})
	require.NoError(t, err)
	c := opened(t, cache.WithTiers(plodding{memoryTier(t)}), cache.WithPool(pool))
	require.Equal(t, "custom", c.Stats().Strategy)
	r, err := c.Get(ctx, "k", &origin{body: "body"})
	require.NoError(t, err)
	_, err = r.WriteTo(struct{ io.Writer }{io.Discard})
	require.NoError(t, err)
	require.NoError(t, r.Close())
	require.NoError(t, c.Close())
	require.NotZero(t, pool.Stats().TotalGets, "the tee drew on the pool")
	pool.Put(pool.Get(0))
	require.NotZero(t, pool.Stats().IdleBuffers, "a closed pool keeps nothing")
}

func TestClosedCache(t *testing.T) {
	c := opened(t, cache.WithTiers(memoryTier(t)))
	require.ErrorIs(t, errOf(c.Get(ctx, "k", nil)), cache.ErrNilFetcher)
	require.ErrorIs(t, errOf(c.Get(ctx, "k", cache.FetcherFunc(nil))), cache.ErrNilFetcher)
	require.ErrorIs(t, errOf(c.Get(ctx, "k", (*origin)(nil))), cache.ErrNilFetcher)
	require.ErrorIs(t, c.ScheduleRefresh(ctx, "k", nil), cache.ErrNilFetcher)
	require.NoError(t, c.Close())
	o := &origin{}
	require.ErrorIs(t, errOf(c.Get(ctx, "k", o)), cache.ErrCacheClosed)
	require.ErrorIs(t, errOf(c.Lookup(ctx, "k")), cache.ErrCacheClosed)
	require.ErrorIs(t, c.ScheduleRefresh(ctx, "k", o), cache.ErrCacheClosed)
	require.ErrorIs(t, c.Delete(ctx, "k"), cache.ErrCacheClosed)
	_, err := c.Set(ctx, "k", store.Metadata{})
	require.ErrorIs(t, err, cache.ErrCacheClosed)
}

func errOf(_ *cache.Response, err error) error { return err }

func TestCloseDrains(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		second := memoryTier(t)
		c := opened(t, cache.WithTiers(memoryTier(t), second), cache.WithWorkers(1, 10))
		slow := cache.FetcherFunc(func(context.Context, *store.Metadata) (*cache.FetchResult, error) {
			time.Sleep(time.Second)
			return &cache.FetchResult{Body: io.NopCloser(strings.NewReader("body"))}, nil
		})
		require.NoError(t, c.ScheduleRefresh(ctx, "a", slow))
		require.NoError(t, c.ScheduleRefresh(ctx, "b", slow))
		require.NoError(t, c.Close())
		require.EqualValues(t, 2, c.Stats().Refreshes)
		require.EqualValues(t, 2, c.Stats().Persists, "what the last refresh brought is persisted too")
	})
}

func TestCloseSaysWhatItAbandoned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, err := cache.New(cache.WithTiers(memoryTier(t)), cache.WithWorkers(1, 10), cache.WithCloseTimeout(3*time.Second), cache.WithOpTimeout(time.Hour))
		require.NoError(t, err)
		stuck := cache.FetcherFunc(func(ctx context.Context, _ *store.Metadata) (*cache.FetchResult, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		})
		require.NoError(t, c.ScheduleRefresh(ctx, "running", stuck))
		synctest.Wait()
		require.NoError(t, c.ScheduleRefresh(ctx, "queued", stuck))
		open, err := c.Get(ctx, "open", &origin{body: "body"})
		require.NoError(t, err)
		began := time.Now()
		err = c.Close()
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorContains(t, err, "1 open streams, 1 running and 1 queued")
		require.Equal(t, 3*time.Second, time.Since(began))
		require.NoError(t, open.Close())
	})
}

func TestFullQueueIsCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := opened(t, cache.WithTiers(memoryTier(t)), cache.WithWorkers(1, 1))
		release := make(chan struct{})
		f := cache.FetcherFunc(func(context.Context, *store.Metadata) (*cache.FetchResult, error) {
			<-release
			return &cache.FetchResult{}, nil
		})
		require.NoError(t, c.ScheduleRefresh(ctx, "a", f))
		synctest.Wait()
		require.NoError(t, c.ScheduleRefresh(ctx, "b", f))
		require.NoError(t, c.ScheduleRefresh(ctx, "b", f), "once per key")
		require.ErrorIs(t, c.ScheduleRefresh(ctx, "c", f), cache.ErrQueueFull)
		require.EqualValues(t, 1, c.Stats().Dropped)
		close(release)
		synctest.Wait()
		require.EqualValues(t, 2, c.Stats().Refreshes)
	})
}

// ending is a tier whose Stat ends its caller's context.
type ending struct {
	store.Store
	end context.CancelFunc
}

func (e ending) Stat(ctx context.Context, key string) (*store.Metadata, error) {
	e.end()
	return nil, ctx.Err()
}

// TestFailingStatIsCounted wherever it is passed over: before a commit, before a
// promote, and before a refresh. A miss is no failure, nor is the end of a context.
func TestFailingStatIsCounted(t *testing.T) {
	o := &origin{body: "body"}
	bad := func(t *testing.T) (failing, inner store.Store) {
		s := memoryTier(t)
		return broken{s, "stat"}, s
	}
	errs := func(c *cache.DaramjweeCache) (n []int64) {
		for _, tier := range c.Stats().Tiers {
			n = append(n, tier.Errors)
		}
		return n
	}
	t.Run("commit", func(t *testing.T) {
		tier, _ := bad(t)
		c := opened(t, cache.WithTiers(tier))
		read(t, c, "k", o)
		require.Equal(t, []int64{1}, errs(c))
	})
	t.Run("promote", func(t *testing.T) {
		tier, inner := bad(t)
		c := opened(t, cache.WithTiers(memoryTier(t), tier))
		require.NoError(t, put(inner, "k", "below"))
		got, _ := read(t, c, "k", o)
		require.Equal(t, "below", got)
		require.Equal(t, []int64{0, 1}, errs(c))
	})
	t.Run("refresh", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			tier, _ := bad(t)
			c := opened(t, cache.WithTiers(tier, memoryTier(t)))
			require.NoError(t, c.ScheduleRefresh(ctx, "k", &origin{err: errOrigin}))
			synctest.Wait()
			require.Equal(t, []int64{1, 0}, errs(c))
		})
	})
	t.Run("no failure", func(t *testing.T) {
		inner := memoryTier(t)
		require.NoError(t, put(inner, "k", "below"))
		own, cancel := context.WithCancel(ctx)
		c := opened(t, cache.WithTiers(memoryTier(t), ending{inner, cancel}))
		r, err := c.Get(own, "k", o)
		require.NoError(t, err)
		require.Error(t, own.Err())
		require.NoError(t, r.Close())
		r, err = c.Get(ctx, "missing", o)
		require.NoError(t, err)
		require.NoError(t, r.Close())
		require.Equal(t, []int64{0, 0}, errs(c))
	})
}
