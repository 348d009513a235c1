package cache_test

import (
	"context"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/daramjwee/daramjwee/cache"
)

func TestLookupStale(t *testing.T) {
	each(t, func(t *testing.T, s cache.Option) {
		near, far := memoryTier(t), memoryTier(t)
		c := opened(t, s, cache.WithTiers(near, far), cache.WithFreshness(time.Minute, time.Minute), cache.WithStaleWhileRevalidate(time.Minute))
		o := &origin{body: "new"}
		_, err := c.LookupStale(ctx, "k", o)
		require.ErrorIs(t, err, cache.ErrNotFound)
		require.NoError(t, put(far, "k", "old"))
		for i, status := range []string{"hit; ttl=60; detail=tier-1", "hit; ttl=-1; detail=tier-1"} {
			r, err := c.LookupStale(ctx, "k", o)
			require.NoError(t, err)
			require.Equal(t, status, r.Status().String())
			_, seeks := r.ReadSeeker()
			require.True(t, seeks)
			b, err := io.ReadAll(r)
			require.NoError(t, err)
			require.Equal(t, "old", string(b))
			require.NoError(t, r.Close())
			synctest.Wait() // for the refresh
			require.EqualValues(t, i, o.fetches.Load())
			time.Sleep(61 * time.Second)
		}
		require.Zero(t, c.Stats().Promotes)
		require.EqualValues(t, 1, c.Stats().Hits)
		require.EqualValues(t, 1, c.Stats().StaleHits)

		time.Sleep(time.Minute)
		_, err = c.LookupStale(ctx, "k", o)
		require.ErrorIs(t, err, cache.ErrNotFound, "past its window")
		require.EqualValues(t, 1, o.fetches.Load(), "nothing is asked for what is not there")
	})
}

func TestLookupStaleRefuses(t *testing.T) {
	c := opened(t, cache.WithTiers(memoryTier(t)))
	_, err := c.LookupStale(ctx, "k", nil)
	require.ErrorIs(t, err, cache.ErrNilFetcher)
	ended, cancel := context.WithCancel(ctx)
	cancel()
	_, err = c.LookupStale(ended, "k", &origin{})
	require.ErrorIs(t, err, context.Canceled)
	_, _ = c.Get(ctx, "none", &origin{err: cache.ErrNotFound})
	_, err = c.LookupStale(ctx, "none", &origin{})
	require.ErrorIs(t, err, cache.ErrNotFound)
	require.EqualValues(t, 2, c.Stats().Fetches+c.Stats().NegativeHits, "remembered")
	require.NoError(t, c.Close())
	_, err = c.LookupStale(ctx, "k", &origin{})
	require.ErrorIs(t, err, cache.ErrCacheClosed)
}
