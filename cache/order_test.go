package cache_test

import (
	"context"
	"io"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/daramjwee/daramjwee/cache"
	"github.com/daramjwee/daramjwee/cache/store"
	"github.com/daramjwee/daramjwee/cache/store/disk"
)

// large is an origin's value of which tier 0 of nearAndFar has room for one.
func large(first byte) *origin {
	body := append([]byte{first}, pattern(700_000)...)
	return &origin{body: string(body), meta: store.Metadata{Size: int64(len(body)), ETag: `"` + string(first) + `"`}}
}

// nearAndFar is a small tier in memory before a disk. Entries are fresh for a minute,
// and then stand in for an origin that fails.
func nearAndFar(t *testing.T, opts ...cache.Option) (near, far store.Store, c *cache.DaramjweeCache) {
	near = memoryOf(t, 1<<20)
	far, err := disk.Open(t.TempDir(), disk.Options{MaxBytes: 256 << 20})
	require.NoError(t, err)
	opts = append([]cache.Option{cache.WithTiers(near, far), cache.WithFreshness(time.Minute, time.Minute),
		cache.WithStaleWhileRevalidate(-1), cache.WithStaleIfError(time.Hour), cache.WithBackoff(-1)}, opts...)
	return near, far, opened(t, opts...)
}

// stale begins to read a value, and returns when nobody joins it any more. What it
// returns reads it to its end.
func stale(t *testing.T, c *cache.DaramjweeCache, o *origin) (readOn func()) {
	r, err := c.Get(ctx, "k", o)
	require.NoError(t, err)
	got := make([]byte, len(o.body))
	_, err = io.ReadFull(r, got[:10])
	require.NoError(t, err)
	time.Sleep(2 * time.Minute)
	return func() {
		t.Helper()
		_, err := io.ReadFull(r, got[10:])
		require.NoError(t, err)
		require.True(t, o.body == string(got), "its own reader gets it whole")
		require.NoError(t, r.Close())
		synctest.Wait()
	}
}

// TestSlowFillDoesNotBuryANewerValue, whatever became of that meanwhile.
func TestSlowFillDoesNotBuryANewerValue(t *testing.T) {
	each(t, func(t *testing.T, s cache.Option) {
		near, _, c := nearAndFar(t, s)
		o, newer := large('1'), large('2')
		is := func(tier string) {
			t.Helper()
			newer.err = errOrigin
			body, st := read(t, c, "k", newer)
			require.True(t, newer.body == body, "the newer one")
			require.True(t, st.Hit)
			require.Equal(t, tier, st.Detail)
			require.EqualValues(t, 1, newer.fetches.Load())
			require.EqualValues(t, 1, c.Stats().Superseded)
		}
		readOn := stale(t, c, o) // and has the room of tier 0
		body, st := read(t, c, "k", newer)
		require.True(t, newer.body == body)
		require.False(t, st.Collapsed)
		readOn()
		require.Empty(t, holds(t, near, "k"))
		is("tier-1")

		near, far, c := nearAndFar(t, s)
		readOn = stale(t, c, large('1'))
		newer = large('2')
		read(t, c, "k", newer)
		require.NoError(t, far.Delete(ctx, "k")) // as an eviction does it
		readOn()
		require.Empty(t, holds(t, near, "k"), "what came first does not come back")

		near, _, c = nearAndFar(t, s)
		newer = large('2')
		read(t, c, "k", newer)
		synctest.Wait()
		require.NoError(t, near.Delete(ctx, "k"))
		time.Sleep(2 * time.Minute)
		readOn = stale(t, c, large('1'))
		newer.err = cache.ErrNotModified
		_, st = read(t, c, "k", newer)
		require.Equal(t, 304, st.FwdStatus)
		readOn()
		require.Empty(t, holds(t, near, "k"), "a later fetch called the other one current")
		newer.fetches.Store(1)
		is("tier-1")

		near, _, c = nearAndFar(t, s, cache.WithFreshness(time.Minute, -1))
		readOn = stale(t, c, large('1'))
		_, err := c.Get(ctx, "k", &origin{err: cache.ErrNotFound})
		require.ErrorIs(t, err, cache.ErrNotFound)
		readOn()
		require.Empty(t, holds(t, near, "k"), "a later fetch did not find it")
	})
}

// TestSlowCopyDoesNotBuryANewerValue: a promote, and a persist.
func TestSlowCopyDoesNotBuryANewerValue(t *testing.T) {
	each(t, func(t *testing.T, s cache.Option) {
		near, _, c := nearAndFar(t, s)
		read(t, c, "k", large('1'))
		synctest.Wait()
		require.NoError(t, near.Delete(ctx, "k"))
		readOn := stale(t, c, large('1')) // which promotes it
		require.EqualValues(t, 1, c.Stats().Fetches)
		newer := large('2')
		read(t, c, "k", newer)
		readOn()
		require.Empty(t, holds(t, near, "k"))
		body, st := read(t, c, "k", newer)
		require.True(t, newer.body == body && st.Hit)
	})
	synctest.Test(t, func(t *testing.T) {
		near, far, release := memoryTier(t), newCold(t), make(chan struct{})
		c := opened(t, cache.WithTiers(near, far))
		o := &origin{body: "old"}
		read(t, c, "k", o)
		synctest.Wait()
		far.slow = heldUp("k", release)
		o.body = "new"
		require.NoError(t, c.ScheduleRefresh(ctx, "k", o))
		synctest.Wait()
		require.NoError(t, near.Delete(ctx, "k"))
		body, _ := read(t, c, "k", o)
		require.Equal(t, "old", body, "the new one is on its way to this tier")
		require.Empty(t, holds(t, near, "k"), "and would be hidden there")
		close(release)
		synctest.Wait()
		body, st := read(t, c, "k", o)
		require.Equal(t, "new", body)
		require.True(t, st.Hit)
	})
}

// TestPersistThatIsScheduledLate does not take the place of a newer value's.
func TestPersistThatIsScheduledLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, _, c := nearAndFar(t)
		readOn := stale(t, c, large('0'))
		second, third, release := memoryTier(t), newCold(t), make(chan struct{})
		third.slow = heldUp("other", release)
		newer := large('2')
		var once sync.Once
		c = opened(t, cache.WithTiers(near, second, third), cache.WithWorkers(1, 10), cache.WithOpTimeout(time.Hour), cache.WithStaleWhileRevalidate(-1),
			cache.WithObserver(cache.ObserverFunc(func(_ context.Context, e cache.Event) {
				if e.Kind == cache.EventFill && e.Tier == 1 {
					once.Do(func() {
						readOn()
						require.NoError(t, near.Delete(ctx, "k"))
						read(t, c, "k", newer)
					})
				}
			})))
		read(t, c, "other", &origin{body: "holds the worker up"})
		synctest.Wait()
		o := large('1') // finds no room in tier 0
		o.meta.TTL = -1
		read(t, c, "k", o)
		require.True(t, newer.body == holds(t, near, "k"))
		require.True(t, o.body == holds(t, second, "k"))
		close(release)
		synctest.Wait()
		require.True(t, newer.body == holds(t, second, "k"))
		require.True(t, newer.body == holds(t, third.Store, "k"))
	})
}

// TestOrderKeepsWhatIsNewest: what began before is no reason to drop it.
func TestOrderKeepsWhatIsNewest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far, release := memoryTier(t), newCold(t), make(chan struct{})
		c := opened(t, cache.WithTiers(near, far), cache.WithFreshness(time.Minute, -1), cache.WithStaleWhileRevalidate(-1), cache.WithOpTimeout(time.Hour))
		far.slow = heldUp("renewed", release)
		o := &origin{body: "body", meta: store.Metadata{ETag: `"1"`}}
		read(t, c, "renewed", o)
		time.Sleep(2 * time.Minute)
		o.err = cache.ErrNotModified
		_, st := read(t, c, "renewed", o)
		require.Equal(t, 304, st.FwdStatus)
		close(release)
		synctest.Wait()
		require.Equal(t, "body", holds(t, far.Store, "renewed"), "it is still the newest")
		o.err = nil
		read(t, c, "both", o)
		time.Sleep(2 * time.Minute)
		o.err = cache.ErrNotModified
		read(t, c, "both", o)
		synctest.Wait()
		m, err := far.Stat(ctx, "both")
		require.NoError(t, err)
		require.True(t, time.Now().Equal(m.StoredAt), "called current in each tier")

		for _, k := range []string{"first", "second"} {
			read(t, c, k, &origin{body: k})
			synctest.Wait()
		}
		require.NoError(t, near.Delete(ctx, "first"))
		read(t, c, "first", o)
		require.Equal(t, "first", holds(t, near, "first"), "each key has an order of its own")

		w, err := c.Set(ctx, "k", store.Metadata{})
		require.NoError(t, err)
		_, err = io.WriteString(w, "set")
		require.NoError(t, err)
		read(t, c, "k", &origin{body: "fetched"})
		require.NoError(t, w.Commit(ctx), "only a Set or a Delete beats it")
		synctest.Wait()
		require.Equal(t, []string{"set", "set"}, []string{holds(t, near, "k"), holds(t, far.Store, "k")})

		gone := &origin{err: cache.ErrNotFound, delay: time.Second}
		go c.Get(ctx, "gone", gone)
		synctest.Wait()
		set(t, c, "gone", "set")
		time.Sleep(2 * time.Second)
		require.Equal(t, "set", holds(t, near, "gone"), "an earlier fetch did not find it")
	})
}
