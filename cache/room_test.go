package cache_test

import (
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/daramjwee/daramjwee/cache"
	"github.com/daramjwee/daramjwee/cache/store"
	"github.com/daramjwee/daramjwee/cache/store/disk"
	"github.com/daramjwee/daramjwee/cache/store/memory"
)

// held is a cache with one small tier, and a value in it that a slow client reads.
func held(t *testing.T, size int, opts ...cache.Option) (c *cache.DaramjweeCache, o *origin, slow *cache.Response) {
	small := memoryOf(t, 1<<20)
	c = opened(t, append([]cache.Option{cache.WithTiers(small), cache.WithFreshness(time.Second, 0)}, opts...)...)
	o = &origin{body: string(pattern(size)), meta: store.Metadata{Size: int64(size)}}
	read(t, c, "k", o)
	slow, err := c.Get(ctx, "k", o)
	require.NoError(t, err)
	return c, o, slow
}

// TestRefreshThatFindsNoRoom is tried again a little later, and is no reason to serve
// what is too old: the origin answers.
func TestRefreshThatFindsNoRoom(t *testing.T) {
	each(t, func(t *testing.T, s cache.Option) {
		c, o, slow := held(t, 700_000, s, cache.WithStaleWhileRevalidate(time.Minute), cache.WithStaleIfError(time.Hour), cache.WithBackoff(time.Hour))
		time.Sleep(2 * time.Second)
		for range 3 {
			_, st := read(t, c, "k", o)
			require.True(t, st.Hit)
			synctest.Wait()
			require.EqualValues(t, 2, o.fetches.Load(), "not once for each that finds it stale")
		}
		time.Sleep(time.Second)
		read(t, c, "k", o)
		synctest.Wait()
		require.EqualValues(t, 3, o.fetches.Load())
		time.Sleep(time.Minute)
		_, st := read(t, c, "k", o)
		require.False(t, st.Hit)
		require.NoError(t, slow.Close())
		_, st = read(t, c, "k", o)
		require.False(t, st.Hit)
		_, st = read(t, c, "k", o)
		require.True(t, st.Hit)
		require.Zero(t, c.Stats().Tiers[0].Errors)
	})
}

// TestNotFoundThatFindsNoRoom: what the origin does not have any more is not served.
func TestNotFoundThatFindsNoRoom(t *testing.T) {
	each(t, func(t *testing.T, s cache.Option) {
		c, o, slow := held(t, 1<<20-1100, s, cache.WithStaleWhileRevalidate(time.Minute))
		o.err = cache.ErrNotFound
		require.NoError(t, c.ScheduleRefresh(ctx, "k", o))
		synctest.Wait()
		_, err := c.Get(ctx, "k", o)
		require.ErrorIs(t, err, cache.ErrNotFound)
		rest, err := io.ReadAll(slow)
		require.NoError(t, err)
		require.Equal(t, o.body, string(rest))
		require.NoError(t, slow.Close())
	})
}

// TestSetMovesOn to a tier that has room, while it is written or when it is whole.
func TestSetMovesOn(t *testing.T) {
	each(t, func(t *testing.T, s cache.Option) {
		for _, size := range []int{700_000, 3 << 20} {
			near := memoryOf(t, 1<<20)
			far, err := disk.Open(t.TempDir(), disk.Options{MaxBytes: 64 << 20})
			require.NoError(t, err)
			c := opened(t, s, cache.WithTiers(near, far))
			o := &origin{body: string(pattern(700_000)), meta: store.Metadata{Size: 700_000}}
			read(t, c, "read", o)
			slow, err := c.Get(ctx, "read", o)
			require.NoError(t, err)
			require.Equal(t, "tier-0", slow.Status().Detail)

			w, err := c.Set(ctx, "k", store.Metadata{})
			require.NoError(t, err)
			body := pattern(size)
			for rest := body; len(rest) > 0; {
				n, err := w.Write(rest[:min(len(rest), 100_000)])
				require.NoError(t, err)
				rest = rest[n:]
			}
			require.NoError(t, w.Commit(ctx))
			got, st := read(t, c, "k", o)
			require.True(t, string(body) == got)
			require.Equal(t, "tier-1", st.Detail)
			require.NoError(t, slow.Close())
			synctest.Wait() // a persist reads it, too
			require.Zero(t, near.Stats().StagedBytes+near.Stats().PinnedBytes)
		}
		c := opened(t, s, cache.WithTiers(memoryOf(t, 1<<20)))
		w, err := c.Set(ctx, "k", store.Metadata{})
		require.NoError(t, err)
		_, err = w.Write(pattern(3 << 20))
		require.ErrorIs(t, err, store.ErrTooLarge)
		require.NoError(t, w.Abort())
	})
}

// renewed has a value called current as soon as it is there.
type renewed struct {
	*memory.Store
	renew func()
}

func (s *renewed) Open(ctx context.Context, key string) (store.Entry, error) {
	if _, err := s.Stat(ctx, key); err == nil && s.renew != nil {
		renew := s.renew
		s.renew = nil
		renew()
	}
	return s.Store.Open(ctx, key)
}

// TestRenewedBeforeItIsPersisted: a "not modified" schedules no copy, and takes none away.
func TestRenewedBeforeItIsPersisted(t *testing.T) {
	each(t, func(t *testing.T, s cache.Option) {
		near, far := &renewed{Store: memoryOf(t, 1<<20)}, memoryOf(t, 1<<20)
		c := opened(t, s, cache.WithTiers(near, far))
		current := cache.FetcherFunc(func(context.Context, *store.Metadata) (*cache.FetchResult, error) { return nil, cache.ErrNotModified })
		near.renew = func() {
			require.NoError(t, c.ScheduleRefresh(ctx, "k", current))
			synctest.Wait()
			require.EqualValues(t, 1, c.Stats().Refreshes)
		}
		o := &origin{body: "body", meta: store.Metadata{ETag: `"e"`}}
		read(t, c, "k", o)
		synctest.Wait()
		_, err := far.Stat(ctx, "k")
		require.False(t, errors.Is(err, store.ErrNotFound))
	})
}
