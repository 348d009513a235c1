package cache_test

import (
	"bytes"
	"context"
	"io"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/daramjwee/daramjwee/cache"
	"github.com/daramjwee/daramjwee/cache/store"
)

// leaving asks for a body of 3,000 bytes and leaves after k of them.
func leaving(t *testing.T, c *cache.DaramjweeCache, size int64, k int) {
	t.Helper()
	o := &origin{body: string(pattern(3000)), meta: store.Metadata{Size: size}}
	r, err := c.Get(ctx, "k", o)
	require.NoError(t, err)
	got := make([]byte, k)
	_, err = io.ReadFull(r, got)
	require.NoError(t, err)
	require.Equal(t, o.body[:k], string(got))
	require.NoError(t, r.Close())
	synctest.Wait()
}

// TestClientsThatLeave at every byte: the entry is whole or is not there, exactly
// as the abandon policy says.
func TestClientsThatLeave(t *testing.T) {
	each(t, func(t *testing.T, s cache.Option) {
		for name, policy := range map[string]struct {
			option cache.Option
			size   int64
			kept   func(k int) bool
		}{
			"few bytes missing": {cache.WithFinish(500, 100), 3000, func(k int) bool { return 3000-k < 500 }},
			"most is there":     {cache.WithFinish(-1, 60), 3000, func(k int) bool { return k > 1800 }},
			"never":             {cache.WithFinish(-1, 100), 3000, func(k int) bool { return k == 3000 }},
			"unknown size":      {cache.WithFinish(1<<20, 1), -1, func(k int) bool { return false }},
		} {
			c := opened(t, s, cache.WithTiers(plodding{memoryTier(t)}), policy.option)
			var kept, finished int64
			for k := range 3001 {
				leaving(t, c, policy.size, k)
				r, err := c.Lookup(ctx, "k")
				if !policy.kept(k) {
					require.ErrorIs(t, err, cache.ErrNotFound, "%s: after %d bytes", name, k)
					continue
				}
				require.NoError(t, err, "%s: after %d bytes", name, k)
				b, err := io.ReadAll(r)
				require.NoError(t, err)
				require.True(t, bytes.Equal(pattern(3000), b), "%s: after %d bytes", name, k)
				require.NoError(t, r.Close())
				require.NoError(t, c.Delete(ctx, "k"))
				if kept++; k < 3000 {
					finished++
				}
			}
			st := c.Stats()
			require.EqualValues(t, finished, st.Finishes, name)
			require.EqualValues(t, kept, st.Fills, name)
			require.EqualValues(t, 3001-kept, st.Aborts, name)
			require.Zero(t, st.BufferPool.ActiveBuffers)
		}
	})
}

// plodding hides a tier's DirectWriter, so that it has just what was read.
type plodding struct{ store.Store }

func (p plodding) Create(ctx context.Context, key string, m store.Metadata) (store.Writer, error) {
	w, err := p.Store.Create(ctx, key, m)
	if err != nil {
		return nil, err
	}
	return struct {
		store.Writer
		store.StagedReader
		store.StagedHolder
	}{w, w.(store.StagedReader), w.(store.StagedHolder)}, nil
}

// TestClientsThatLeaveEveryKindOfTier is the same where the tier takes more than
// was read: whole or not there, and nothing left behind.
func TestClientsThatLeaveEveryKindOfTier(t *testing.T) {
	eachTier(t, func(t *testing.T, s cache.Option, tier func(t *testing.T) store.Store) {
		c := opened(t, s, cache.WithTiers(tier(t)))
		for k := 0; k <= 3000; k += 100 {
			leaving(t, c, 3000, k)
			r, err := c.Lookup(ctx, "k")
			if err != nil {
				require.ErrorIs(t, err, cache.ErrNotFound)
				continue
			}
			b, err := io.ReadAll(r)
			require.NoError(t, err)
			require.True(t, bytes.Equal(pattern(3000), b))
			require.NoError(t, r.Close())
			require.NoError(t, c.Delete(ctx, "k"))
		}
	})
}

// TestJoiningAFillThatIsFinished: one that nobody reads any more is joined like
// any other.
func TestJoiningAFillThatIsFinished(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := opened(t, cache.WithTiers(memoryTier(t)), cache.WithFinish(1<<20, 0))
		src := &stepping{body: pattern(3000), piece: 1000, step: make(chan struct{})}
		f := cache.FetcherFunc(func(context.Context, *store.Metadata) (*cache.FetchResult, error) {
			return &cache.FetchResult{Body: src, Metadata: store.Metadata{Size: 3000}}, nil
		})
		r, err := c.Get(ctx, "k", f)
		require.NoError(t, err)
		require.NoError(t, r.Close())
		synctest.Wait()
		r, err = c.Get(ctx, "k", f)
		require.NoError(t, err)
		require.True(t, r.Status().Collapsed)
		close(src.step)
		b, err := io.ReadAll(r)
		require.NoError(t, err)
		require.True(t, bytes.Equal(pattern(3000), b))
		require.NoError(t, r.Close())
		require.EqualValues(t, 1, c.Stats().Fetches)
		require.EqualValues(t, 1, c.Stats().Finishes)
	})
}
