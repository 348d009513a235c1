package cache

import (
	"context"
	"errors"
	"time"

	"github.com/daramjwee/daramjwee/cache/store"
)

func now() time.Time { return time.Now() }

// create stages an entry in the nearest tier that takes it, looking no nearer than
// from. When none does, the error is an ErrTooLarge only if it fits into none of
// them, and an ErrFull if there is one in which it may find room later.
func (c *DaramjweeCache) create(ctx context.Context, key string, m store.Metadata, from int) (w store.Writer, tier int, err error) {
	for tier = from; tier < len(c.cfg.Tiers); tier++ {
		w, refusal := c.cfg.Tiers[tier].Create(ctx, key, m)
		if refusal == nil {
			return w, tier, nil
		}
		c.tierErred(ctx, tier, "create", key, refusal)
		if hope(refusal) > hope(err) {
			err = refusal
		}
	}
	return nil, 0, err
}

// hope orders the errors of several tiers for one entry.
func hope(err error) int {
	switch {
	case err == nil:
		return 0
	case errors.Is(err, store.ErrFull):
		return 3
	case errors.Is(err, store.ErrTooLarge):
		return 1
	}
	return 2
}

// troubled reports whether an error says that a tier is in trouble, and not just
// what it has, or has no room for.
func troubled(err error) bool {
	return err != nil && !errors.Is(err, store.ErrNotFound) && !errors.Is(err, store.ErrTooLarge) && !errors.Is(err, ErrSuperseded)
}

// commit publishes a staged entry, unless a Delete, a Set or a newer value of the
// key came first. On every error the entry is dropped, and counted, but for one that
// says that the tier has no room for it. What is not copied from a tier is taken to
// be newer than what the nearer tiers have, which would be found first.
func (c *DaramjweeCache) commit(w *work, tier int, sw store.Writer, gen uint64, copied bool) error {
	ctx := c.opContext()
	defer ctx.end()
	w.of.publish.Lock()
	defer w.of.publish.Unlock()
	if w.superseded(gen, copied) || c.newer(ctx, tier, w.key, gen) {
		sw.Abort()
		c.counts.superseded.Add(1)
		return ErrSuperseded
	}
	if err := sw.Commit(ctx); err != nil {
		sw.Abort()
		if troubled(err) {
			c.tierFailed(tier, "commit", w.key, err)
		}
		return err
	}
	w.gone(tier)
	if !copied {
		w.published(gen)
		c.clear(ctx, w, 0, tier)
	}
	return nil
}

// newer reports whether the tier holds a later value already, which may be of a time
// that the key's work does not remember: a slow promote or persist must not bury it.
func (c *DaramjweeCache) newer(ctx context.Context, tier int, key string, gen uint64) bool {
	m, err := c.statIn(ctx, tier, key)
	return err == nil && m.Generation > gen
}

// clear deletes the key from the tiers [from, to).
func (c *DaramjweeCache) clear(ctx context.Context, w *work, from, to int) {
	for tier := from; tier < to; tier++ {
		c.deleteFrom(ctx, tier, w)
	}
}
