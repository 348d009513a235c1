package cache_test

import (
	"io"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/daramjwee/daramjwee/cache"
	"github.com/daramjwee/daramjwee/cache/store"
	"github.com/daramjwee/daramjwee/cache/store/disk"
)

// TestTierFullOfReaders: what finds no room beside them goes to the next tier, or
// past the cache; and that is not held against the key.
func TestTierFullOfReaders(t *testing.T) {
	each(t, func(t *testing.T, s cache.Option) {
		const size = 700_000
		small := memoryOf(t, 1<<20)
		below, err := disk.Open(t.TempDir(), disk.Options{MaxBytes: 256 << 20})
		require.NoError(t, err)
		for detail, tiers := range map[string][]store.Store{"": {small}, "disk": {small, below}} {
			c := opened(t, s, cache.WithTiers(tiers...))
			o := &origin{body: string(pattern(size)), meta: store.Metadata{Size: size}}
			read(t, c, "read", o)
			slow, err := c.Get(ctx, "read", o)
			require.NoError(t, err)
			require.True(t, slow.Status().Hit)

			body, st := read(t, c, "k", o)
			require.Equal(t, o.body, body)
			require.Equal(t, detail == "disk", st.Stored)
			_, st = read(t, c, "k", o)
			require.Equal(t, detail == "disk", st.Hit)

			rest, err := io.ReadAll(slow)
			require.NoError(t, err)
			require.Equal(t, o.body, string(rest))
			require.NoError(t, slow.Close())
			first, err := c.Get(ctx, "k", o)
			require.NoError(t, err)
			_, st = read(t, c, "k", o)
			require.True(t, st.Collapsed || st.Hit, "there is room now, and so it is shared")
			require.NoError(t, first.Close())
			_, st = read(t, c, "k", o)
			require.True(t, st.Hit)
			synctest.Wait() // a persist reads it, too
			require.NoError(t, small.Delete(ctx, "k"))
			require.NoError(t, small.Delete(ctx, "read"))
		}
	})
}

// refilled reads an unknown size into tiers of which the nearest one has no room, and
// into that one once it has.
func refilled(t *testing.T, c *cache.DaramjweeCache, o *origin, room func()) {
	body, st := read(t, c, "k", o)
	require.True(t, o.body == body)
	require.False(t, st.Hit)
	tiers := c.Stats().Tiers
	for _, tier := range tiers {
		require.Zero(t, tier.Errors, "a tier that is full is not in trouble")
	}
	if len(tiers) == 1 {
		require.EqualValues(t, 1, c.Stats().Detached)
		require.True(t, shared(t, c, "k", o), "it may have room a little later")
		room()
		read(t, c, "k", o)
		_, st = read(t, c, "k", o)
		require.True(t, st.Hit)
		return
	}
	_, st = read(t, c, "k", o)
	require.Equal(t, "tier-1", st.Detail)
	require.Zero(t, c.Stats().Detached)
	room()
}

// shared reports whether two callers who come at once share a fetch, or one waits for
// the other's: they do not where it is remembered that a key cannot be stored.
func shared(t *testing.T, c *cache.DaramjweeCache, key string, o *origin) bool {
	before := c.Stats().Collapsed
	slow := &origin{body: o.body, meta: o.meta, delay: time.Second}
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() { read(t, c, key, slow) })
	}
	wg.Wait()
	return c.Stats().Collapsed > before
}

// TestUnknownSizesInAFullTier find no room when they are committed, or before.
func TestUnknownSizesInAFullTier(t *testing.T) {
	each(t, func(t *testing.T, s cache.Option) {
		for _, disks := range []int{0, 1} {
			open := func(limit int64, pinned int, below int64) (*cache.DaramjweeCache, *cache.Response) {
				small := memoryOf(t, limit)
				far, err := disk.Open(t.TempDir(), disk.Options{MaxBytes: below})
				require.NoError(t, err)
				c := opened(t, s, cache.WithTiers([]store.Store{small, far}[:1+disks]...))
				o := &origin{body: string(pattern(pinned)), meta: store.Metadata{Size: int64(pinned)}}
				read(t, c, "read", o)
				slow, err := c.Get(ctx, "read", o)
				require.NoError(t, err)
				require.Equal(t, "tier-0", slow.Status().Detail)
				return c, slow
			}
			o := &origin{body: string(pattern(700_000)), meta: store.Metadata{ETag: `"strong"`}} // who joins can go on without the tier

			// The disk takes this much when it knows how much.
			c, slow := open(1<<20, 700_000, 4<<20)
			refilled(t, c, o, func() { require.NoError(t, slow.Close()) })

			// What such sizes may hold beside a tier that is full, another one has.
			c, slow = open(4<<20, 3_900_000, 256<<20)
			other, err := c.Get(ctx, "other", o)
			require.NoError(t, err)
			_, err = io.ReadFull(other, make([]byte, 690_000))
			require.NoError(t, err)
			refilled(t, c, o, func() {
				require.NoError(t, slow.Close())
				require.NoError(t, other.Close())
			})

			if disks == 0 {
				large := &origin{body: string(pattern(5 << 20)), meta: o.meta}
				body, _ := read(t, c, "large", large)
				require.True(t, large.body == body)
				require.False(t, shared(t, c, "large", large), "that never fits")
			}
		}
	})
}

// TestJoiningAFillThatMovesOn to the next tier, of several callers who come at once.
func TestJoiningAFillThatMovesOn(t *testing.T) {
	small := memoryOf(t, 64<<10)
	c := opened(t, cache.WithTiers(small, memoryTier(t)))
	o := &origin{body: string(pattern(80_000))}
	for i := range 1000 {
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				if body, _ := read(t, c, strconv.Itoa(i), o); body != o.body {
					t.Error("other bytes")
				}
			})
		}
		wg.Wait()
	}
	require.NotZero(t, c.Stats().Tiers[1].Fills)
	require.NotZero(t, c.Stats().Tiers[0].Collapsed)
}
