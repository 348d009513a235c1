package cache_test

import (
	"context"
	"errors"
	"io"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/daramjwee/daramjwee/cache"
	"github.com/daramjwee/daramjwee/cache/store"
	"github.com/daramjwee/daramjwee/cache/store/memory"
)

// accounted is a tier that counts who has its bodies.
type accounted struct {
	*memory.Store
	t      *testing.T
	delete error
	opened int
	open   map[*accountedBody]bool
}

func (a *accounted) OpenBody(ctx context.Context, key string) (store.Body, *store.Metadata, error) {
	body, m, err := a.Store.OpenBody(ctx, key)
	if err != nil {
		return (*accountedBody)(nil), nil, err // as one does that hands on what it was given
	}
	b := &accountedBody{body, a}
	a.opened++
	a.open[b] = true
	return b, m, nil
}

func (a *accounted) Delete(ctx context.Context, key string) error {
	if a.delete != nil {
		return a.delete
	}
	return a.Store.Delete(ctx, key)
}

type accountedBody struct {
	store.Body
	of *accounted
}

func (b *accountedBody) Release() {
	require.True(b.of.t, b.of.open[b], "released twice")
	delete(b.of.open, b)
	b.Body.Release()
}

// followedIntoGoexit is the error of a Get that waited for one whose Fetcher ended its
// goroutine.
func followedIntoGoexit(t *testing.T) error {
	c := opened(t, cache.WithTiers(memoryTier(t)))
	f := cache.FetcherFunc(func(context.Context, *store.Metadata) (*cache.FetchResult, error) {
		time.Sleep(time.Second)
		runtime.Goexit()
		return nil, nil
	})
	go c.Get(ctx, "k", f)
	synctest.Wait()
	_, err := c.Get(ctx, "k", f)
	require.Error(t, err)
	return err
}

// TestEveryBodyIsReleasedOnce, whatever comes of the call that opened it.
func TestEveryBodyIsReleasedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tier := &accounted{Store: memoryTier(t), t: t, open: make(map[*accountedBody]bool)}
		c := opened(t, cache.WithTiers(tier), cache.WithFreshness(time.Minute, time.Minute), cache.WithStaleWhileRevalidate(-1), cache.WithBackoff(-1))
		answers := func(err error) cache.Fetcher {
			return cache.FetcherFunc(func(context.Context, *store.Metadata) (*cache.FetchResult, error) { return nil, err })
		}
		o := newReady(1000)
		use := func(name string, opens int, call func() (*cache.Response, error)) {
			t.Helper()
			before := tier.opened
			if r, err := call(); err == nil {
				_, err = io.Copy(io.Discard, r)
				require.NoError(t, err, name)
				require.NoError(t, r.Close(), name)
				require.NoError(t, r.Close(), name)
			}
			require.Equal(t, opens, tier.opened-before, name)
			require.Empty(t, tier.open, name)
		}
		get := func(f cache.Fetcher) func() (*cache.Response, error) {
			return func() (*cache.Response, error) { return c.Get(ctx, "k", f) }
		}
		look := func() (*cache.Response, error) { return c.Lookup(ctx, "k") }
		ended, end := context.WithCancel(ctx)

		use("nothing there", 0, look)
		use("miss", 0, get(o))
		use("hit", 1, get(o))
		use("look-up", 1, look)
		time.Sleep(2 * time.Minute)
		use("stale look-up", 1, look)
		use("origin fails", 2, get(answers(errOrigin)))
		use("origin's own cache had its goroutine end", 2, get(answers(followedIntoGoexit(t))))
		use("origin says that it is current", 2, get(answers(cache.ErrNotModified)))
		time.Sleep(2 * time.Minute)
		use("origin's goroutine ends", 2, func() (*cache.Response, error) {
			var wg sync.WaitGroup
			wg.Go(func() {
				c.Get(ctx, "k", cache.FetcherFunc(func(context.Context, *store.Metadata) (*cache.FetchResult, error) {
					runtime.Goexit()
					return nil, nil
				}))
			})
			wg.Wait()
			return nil, errOrigin
		})
		use("origin has it no more", 2, get(answers(cache.ErrNotFound)))
		use("negative hit", 1, get(o))
		end()
		use("ended context", 0, func() (*cache.Response, error) { return c.Get(ended, "k", o) })
		time.Sleep(2 * time.Minute)
		use("a new value", 2, get(o))

		tier.delete = errors.New("stuck")
		require.ErrorIs(t, c.Delete(ctx, "k"), tier.delete)
		use("look-up of what could not be deleted", 1, look)
		use("origin fails for what could not be deleted", 2, get(answers(errOrigin)))
		use("a value after what could not be deleted", 2, get(o))
		require.Zero(t, tier.Usage().PinnedBytes)
	})
}

// torn is a tier whose bodies fail with the bytes that they return.
type torn struct{ *memory.Store }

func (t torn) OpenBody(ctx context.Context, key string) (store.Body, *store.Metadata, error) {
	body, m, err := t.Store.OpenBody(ctx, key)
	return tornBody{body}, m, err
}

type tornBody struct{ store.Body }

func (b tornBody) ReadAt(p []byte, off int64) (int, error) {
	n, err := b.Body.ReadAt(p[:min(len(p), 3)], off)
	return n, errors.Join(err, errTier)
}

func TestErrorBesideBytes(t *testing.T) {
	c := opened(t, cache.WithTiers(torn{memoryTier(t)}))
	o := &origin{body: "0123456789"}
	read(t, c, "k", o)
	r, err := c.Get(ctx, "k", o)
	require.NoError(t, err)
	defer r.Close()
	got, err := io.ReadAll(r)
	require.ErrorIs(t, err, errTier)
	require.Equal(t, "012", string(got))
}
