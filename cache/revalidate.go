package cache

import (
	"context"
	"errors"

	"github.com/daramjwee/daramjwee/cache/store"
)

// revalidated is the metadata of an entry that the origin called current.
func (c *DaramjweeCache) revalidated(old *store.Metadata, res *FetchResult, w *work) *store.Metadata {
	m := *old
	m.StoredAt, m.Generation = now(), w.gen
	if res == nil {
		return &m
	}
	n := res.Metadata
	m.TTL, m.StaleWhileRevalidate, m.StaleIfError = n.TTL, n.StaleWhileRevalidate, n.StaleIfError
	if !n.StoredAt.IsZero() {
		m.StoredAt = n.StoredAt
	}
	if n.ETag != "" {
		m.ETag = n.ETag
	}
	if !n.LastModified.IsZero() {
		m.LastModified = n.LastModified
	}
	if n.Header.Len() > 0 {
		m.Header = n.Header
	}
	return &m
}

// touch gives an entry new metadata: in its own tier now, in the colder ones in
// the background. No body moves where a tier is a MetadataUpdater. The error is
// store.ErrNotFound when the entry is gone or was replaced.
func (c *DaramjweeCache) touch(w *work, tier int, old, m *store.Metadata) error {
	ctx := c.opContext()
	defer ctx.end()
	if err := c.touchIn(ctx, w, tier, old, m); err != nil {
		return err
	}
	for colder := tier + 1; colder < len(c.cfg.Tiers); colder++ {
		later := c.keys.begin(w.key)
		c.schedule("update", task{
			run: func(ctx context.Context) error {
				if err := c.touchIn(ctx, later, colder, old, m); troubled(err) {
					c.tierFailed(colder, "update", w.key, err)
				}
				return nil
			},
			end:      func(error) { later.end() },
			byWorker: w.byWorker,
		}, w.key)
	}
	return nil
}

func (c *DaramjweeCache) touchIn(ctx context.Context, w *work, tier int, old, m *store.Metadata) error {
	done, err := c.touchInPlace(ctx, w, tier, old, m)
	if !done {
		err = c.rewrite(ctx, w, tier, old, m)
	}
	return err
}

// touchInPlace leaves it to be done where a tier is no MetadataUpdater.
func (c *DaramjweeCache) touchInPlace(ctx context.Context, w *work, tier int, old, m *store.Metadata) (done bool, err error) {
	w.of.publish.Lock()
	defer w.of.publish.Unlock()
	if !w.renew(old.Generation, m.Generation) {
		return true, store.ErrNotFound
	}
	updater, ok := c.cfg.Tiers[tier].(store.MetadataUpdater)
	if !ok {
		return false, nil
	}
	return true, updater.UpdateMetadata(ctx, w.key, old.Generation, *m)
}

// rewrite is the long way, for a tier that cannot change metadata alone.
func (c *DaramjweeCache) rewrite(ctx context.Context, w *work, tier int, old, m *store.Metadata) error {
	entry, err := c.cfg.Tiers[tier].Open(ctx, w.key)
	if err != nil {
		return err
	}
	defer entry.Close()
	if entry.Metadata().Generation != old.Generation {
		return store.ErrNotFound
	}
	renewed := *m
	renewed.Size = entry.Size()
	writer, err := c.cfg.Tiers[tier].Create(ctx, w.key, renewed)
	if err != nil {
		return err
	}
	return c.copyToStore(w, tier, writer, entry, m.Generation)
}

// storeNegative remembers that the origin has nothing. It expires to the second:
// a stale "not found" is never served.
func (c *DaramjweeCache) storeNegative(w *work) {
	if c.cfg.NegativeFreshness < 0 {
		c.forgetValue(w)
		return
	}
	m := store.Metadata{
		Negative: true, StoredAt: now(), Generation: w.gen,
		StaleWhileRevalidate: -1, StaleIfError: -1,
	}
	writer, tier, err := c.create(c.ctx, w.key, m, 0)
	if err == nil {
		err = c.commit(w, tier, writer, m.Generation, false)
	}
	switch {
	case err == nil:
		c.schedulePersists(w.key, tier, m.Generation, w.byWorker)
	case !errors.Is(err, ErrSuperseded):
		c.forgetValue(w) // what the origin does not have any more is not served again
	}
}

// forgetValue deletes what an origin does not have any more, and publishes nothing
// in its place.
func (c *DaramjweeCache) forgetValue(w *work) {
	w.of.publish.Lock()
	defer w.of.publish.Unlock()
	if w.superseded(w.gen, false) {
		c.counts.superseded.Add(1)
		return
	}
	w.published(w.gen)
	c.clear(c.ctx, w, 0, len(c.cfg.Tiers))
}

// stat returns the metadata of the nearest entry to ask the origin about.
func (c *DaramjweeCache) stat(ctx context.Context, key string) (*store.Metadata, int) {
	for tier := range c.cfg.Tiers {
		m, err := c.statIn(ctx, tier, key)
		if err == nil && !m.Negative && !c.keys.ignores(tier, key, m.Generation) {
			return m, tier
		}
	}
	return nil, 0
}

// statIn counts the failures of a tier, which are a miss to its callers.
func (c *DaramjweeCache) statIn(ctx context.Context, tier int, key string) (*store.Metadata, error) {
	m, err := c.cfg.Tiers[tier].Stat(ctx, key)
	c.tierErred(ctx, tier, "stat", key, err)
	return m, err
}
