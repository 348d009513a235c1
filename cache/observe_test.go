package cache_test

import (
	"context"
	"fmt"
	"io"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/daramjwee/daramjwee/cache"
	"github.com/daramjwee/daramjwee/cache/store"
)

// diary is an Observer that writes down.
type diary struct {
	mu    sync.Mutex
	lines []string
}

func (d *diary) Observe(ctx context.Context, e cache.Event) {
	d.mu.Lock()
	defer d.mu.Unlock()
	line := fmt.Sprintf("%s %s", e.Kind, e.Key)
	if e.Tier >= 0 {
		line += fmt.Sprintf(" in tier %d", e.Tier)
	}
	if e.Bytes > 0 {
		line += fmt.Sprintf(", %d bytes", e.Bytes)
	}
	if e.Elapsed >= time.Second {
		line += " after " + e.Elapsed.Truncate(time.Second).String()
	}
	if e.Op != "" {
		line += ", " + e.Op
	}
	if e.Kind == cache.EventGet && e.Err == nil {
		line += ": " + e.Status.String()
	}
	if e.Err != nil {
		line += ": " + e.Err.Error()
	}
	if who, ok := ctx.Value(key{}).(string); ok {
		line += " for " + who
	}
	d.lines = append(d.lines, line)
}

func (d *diary) since() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	lines := d.lines
	d.lines = nil
	return lines
}

func TestObserver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := new(diary)
		far := memoryTier(t)
		c := opened(t, cache.WithTiers(memoryTier(t), far), cache.WithObserver(d), cache.WithFreshness(time.Minute, 0), cache.WithBackoff(-1))
		o := &origin{body: "body", delay: time.Second}
		get := func(who string) {
			r, err := c.Get(context.WithValue(ctx, key{}, who), "k", o)
			if err == nil {
				_, err = io.Copy(io.Discard, r)
				require.NoError(t, err)
				require.NoError(t, r.Close())
			}
			synctest.Wait()
		}
		get("Ann")
		require.Equal(t, []string{
			"fetch k after 1s for Ann",
			"get k after 1s: fwd=uri-miss; ttl=60; stored for Ann",
			"fill k in tier 0, 4 bytes after 1s for Ann",
			"persist k in tier 1, 4 bytes",
		}, d.since())
		get("Bob")
		require.Equal(t, []string{"get k: hit; ttl=60; detail=tier-0 for Bob"}, d.since())

		time.Sleep(time.Minute)
		o.err = errOrigin
		get("Cid")
		time.Sleep(2 * time.Second)
		require.Equal(t, []string{
			"get k: hit; ttl=0; detail=tier-0 for Cid",
			"fetch k after 1s: origin broke for Cid",
			"refresh k: origin broke",
		}, d.since())

		time.Sleep(2 * time.Hour)
		get("Dan")
		require.Equal(t, []string{"fetch k after 1s: origin broke for Dan", "get k after 1s: origin broke for Dan"}, d.since())
	})
	synctest.Test(t, func(t *testing.T) {
		d := new(diary)
		c := opened(t, cache.WithTiers(broken{memoryTier(t), "create"}, memoryTier(t)), cache.WithObserver(d))
		read(t, c, "k", &origin{body: "body"})
		require.Equal(t, []string{
			"fetch k",
			"tier error k in tier 0, create: EIO",
			"get k: fwd=uri-miss; ttl=300; stored",
			"fill k in tier 1, 4 bytes",
		}, d.since())
	})
}

// TestObserverHearsOfWhatIsGivenUp: an entry that the colder tier cannot hold, and one that
// is gone before it can be copied.
func TestObserverHearsOfWhatIsGivenUp(t *testing.T) {
	for want, tiers := range map[string]func(t *testing.T) (near, far store.Store){
		"persist k in tier 1: store: entry larger than the tier": func(t *testing.T) (near, far store.Store) {
			return memoryTier(t), memoryOf(t, 2<<10)
		},
		"persist k in tier 1: store: not found": func(t *testing.T) (near, far store.Store) {
			return forgetful{memoryTier(t)}, memoryTier(t)
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			d := new(diary)
			near, far := tiers(t)
			c := opened(t, cache.WithTiers(near, far), cache.WithObserver(d))
			read(t, c, "k", &origin{body: page, meta: store.Metadata{Size: int64(len(page))}})
			synctest.Wait()
			require.Contains(t, d.since(), want)
		})
	}
}

// forgetful finds nothing again.
type forgetful struct{ store.Store }

func (f forgetful) Open(context.Context, string) (store.Entry, error) { return nil, store.ErrNotFound }

func TestTierStats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := memoryTier(t), memoryTier(t)
		c := opened(t, cache.WithTiers(near, far), cache.WithFreshness(time.Minute, 0))
		o := &origin{body: string(pattern(3000))}
		r, err := c.Get(ctx, "k", o)
		require.NoError(t, err)
		read(t, c, "k", o) // along
		_, err = io.Copy(io.Discard, r)
		require.NoError(t, err)
		require.NoError(t, r.Close())
		synctest.Wait()
		require.NoError(t, near.Delete(ctx, "k"))
		read(t, c, "k", o) // promoted
		read(t, c, "k", o)
		time.Sleep(time.Minute)
		read(t, c, "k", o) // stale
		synctest.Wait()
		r, err = c.Get(ctx, "other", o)
		require.NoError(t, err)
		require.NoError(t, r.Close())
		s := c.Stats().Tiers
		require.Equal(t, near.Usage(), s[0].Usage)
		require.NotZero(t, s[0].Usage.Bytes)
		s[0].Usage, s[1].Usage = store.Usage{}, store.Usage{}
		require.Equal(t, cache.TierStats{
			Hits: 2, StaleHits: 1, Misses: 6, Fills: 2, Collapsed: 1, Promotes: 1, Aborts: 1,
		}, s[0])
		require.Equal(t, cache.TierStats{Hits: 1, Misses: 3, Persists: 2}, s[1])
	})
}

func TestTierFreshness(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near := memoryTier(t)
		c := opened(t, cache.WithTiers(near, memoryTier(t)), cache.WithTierFreshness(time.Minute, time.Hour),
			cache.WithStaleWhileRevalidate(-1))
		o := &origin{body: "body"}
		_, st := read(t, c, "k", o)
		require.Equal(t, time.Minute, st.TTL)
		synctest.Wait()
		time.Sleep(2 * time.Minute)
		_, st = read(t, c, "k", o)
		require.Equal(t, cache.FwdStale, st.Fwd)
		synctest.Wait()
		require.NoError(t, near.Delete(ctx, "k"))
		time.Sleep(2 * time.Minute)
		_, st = read(t, c, "k", o)
		require.Equal(t, "hit; ttl=3480; stored; detail=tier-1", st.String())
		read(t, c, "own", &origin{body: "body", meta: store.Metadata{TTL: time.Second}})
		_, st = read(t, c, "own", o)
		require.Equal(t, time.Second, st.TTL, "the origin's own comes first")
	})
	_, err := cache.New(cache.WithTiers(memoryTier(t)), cache.WithTierFreshness(1, 2))
	require.ErrorContains(t, err, "TierFreshness")
}
