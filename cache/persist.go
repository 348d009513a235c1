package cache

import (
	"context"
	"errors"

	"github.com/daramjwee/daramjwee/cache/store"
)

// scheduleSetToStore copies the entry that was just committed to a tier to all
// colder ones, in the background. It opens the entry now: what is evicted before
// its turn comes is persisted all the same.
func (c *DaramjweeCache) scheduleSetToStore(key string, from int, gen uint64) {
	for tier := from + 1; tier < len(c.cfg.Tiers); tier++ {
		entry, err := c.cfg.Tiers[from].Open(c.ctx, key)
		if err != nil {
			if !errors.Is(err, store.ErrNotFound) {
				c.tierFailed(from, "open", key, err)
			}
			c.counts.persistFailures.Add(1)
			continue
		}
		if entry.Metadata().Generation != gen { // a newer one, which schedules its own
			entry.Close()
			return
		}
		w := c.keys.begin(key)
		end := func() { entry.Close(); w.end() }
		persist := job{
			run: func(ctx context.Context) {
				defer end()
				c.persist(ctx, w, tier, entry)
			},
			drop: end,
		}
		if !c.background.add(persist) {
			c.refused(persist, "persist", key)
		}
	}
}

// refused ends a job that the queue did not take: a full one drops it, and one
// that is being drained has it done at once, by the worker whose refresh began it.
func (c *DaramjweeCache) refused(j job, what, key string) {
	if c.background.draining() && c.ctx.Err() == nil {
		j.run(c.ctx)
		return
	}
	j.drop()
	c.counts.dropped.Add(1)
	c.cfg.Logger.Warn("cache: background queue full", "dropped", what, "key", key)
}

// persist writes one committed entry to one tier.
func (c *DaramjweeCache) persist(ctx context.Context, w *work, tier int, entry store.Entry) {
	m := *entry.Metadata()
	m.Size = entry.Size()
	writer, err := c.cfg.Tiers[tier].Create(ctx, w.key, m)
	if errors.Is(err, store.ErrTooLarge) {
		return // it stays where it is
	}
	if err == nil {
		err = c.copyToStore(w, tier, writer, entry, m.Generation)
	}
	switch {
	case err == nil:
		c.counts.persists.Add(1)
	case !errors.Is(err, ErrSuperseded):
		c.counts.persistFailures.Add(1)
		c.cfg.Logger.Warn("cache: persist failed", "tier", tier, "key", w.key, "err", err)
	}
}

// copyToStore stages a committed entry in another tier, with the pool's
// CopyBuffer, and publishes it there.
func (c *DaramjweeCache) copyToStore(w *work, tier int, writer store.Writer, entry store.Entry, gen uint64) error {
	defer writer.Abort()
	if _, err := c.BufferPool.CopyBuffer(writer, entry); err != nil {
		return err
	}
	return c.commit(w, tier, writer, gen, 0)
}
