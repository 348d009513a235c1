package cache

import (
	"context"
	"errors"
	"time"

	"github.com/daramjwee/daramjwee/cache/store"
)

func now() time.Time { return time.Now() }

// create stages an entry in the nearest tier that takes it. The error is that of
// the last tier.
func (c *DaramjweeCache) create(ctx context.Context, key string, m store.Metadata) (w store.Writer, tier int, err error) {
	for tier = range c.cfg.Tiers {
		if w, err = c.cfg.Tiers[tier].Create(ctx, key, m); err == nil {
			return w, tier, nil
		}
		if !errors.Is(err, store.ErrTooLarge) && ctx.Err() == nil {
			c.tierFailed(tier, "create", key, err)
		}
	}
	return nil, 0, err
}

// commit publishes a staged entry, unless a Delete, a Set or a newer value of the
// key came first. On every error the entry is dropped, and counted. hides is how
// many of the nearest tiers may hold an older value, which would be found first.
func (c *DaramjweeCache) commit(w *work, tier int, sw store.Writer, gen uint64, hides int) error {
	ctx := c.opContext()
	defer ctx.end()
	w.of.publish.Lock()
	defer w.of.publish.Unlock()
	if c.keys.outdated(w.key, gen) || c.newer(ctx, tier, w.key, gen) {
		sw.Abort()
		c.counts.superseded.Add(1)
		return ErrSuperseded
	}
	if err := sw.Commit(ctx); err != nil {
		sw.Abort()
		c.tierFailed(tier, "commit", w.key, err)
		return err
	}
	w.gone(tier)
	c.clear(ctx, w, 0, hides)
	return nil
}

// newer reports whether the tier holds a later value already: a slow promote or
// persist must not bury it.
func (c *DaramjweeCache) newer(ctx context.Context, tier int, key string, gen uint64) bool {
	m, err := c.cfg.Tiers[tier].Stat(ctx, key)
	return err == nil && m.Generation > gen
}

// clear deletes the key from the tiers [from, to).
func (c *DaramjweeCache) clear(ctx context.Context, w *work, from, to int) {
	for tier := from; tier < to; tier++ {
		c.deleteFrom(ctx, tier, w)
	}
}
