package cache

import (
	"context"
	"errors"
	"fmt"

	"github.com/daramjwee/daramjwee/cache/store"
)

// ScheduleRefresh asks the origin for a key in the background, whatever the
// entry's age, and stores what it brings. It returns at once: with nil also when
// a refresh or a fetch of the key is under way already, with ErrQueueFull when
// there is no place for it. ctx gives the Fetcher its values, not its end.
func (c *DaramjweeCache) ScheduleRefresh(ctx context.Context, key string, f Fetcher) error {
	if err := c.usable(ctx, f); err != nil {
		return err
	}
	if !c.refreshing.add(key) {
		return nil
	}
	values := context.WithoutCancel(ctx)
	refresh := job{
		run: func(context.Context) {
			defer c.refreshing.remove(key)
			c.refresh(values, key, f)
		},
		drop: func() { c.refreshing.remove(key) },
	}
	if !c.background.add(refresh) {
		refresh.drop()
		if c.closed.Load() {
			return ErrCacheClosed
		}
		c.counts.dropped.Add(1)
		return ErrQueueFull
	}
	return nil
}

// refresh is the background twin of a Get: it leads a fetch, and streams the
// body into the tier with nobody reading along.
func (c *DaramjweeCache) refresh(ctx context.Context, key string, f Fetcher) {
	fl, leads := c.flights.join(key)
	if !leads {
		return // a Get asks already, and it is newer than this job
	}
	w := c.generations.begin(key)
	end := result{outcome: outcomeFailed, err: errGoexit}
	defer func() { w.end(); fl.end(end) }()

	old, tier := c.stat(ctx, key)
	err := c.refreshFrom(ctx, w, f, old, tier)
	if errors.Is(err, store.ErrNotFound) && old != nil {
		err = c.refreshFrom(ctx, w, f, nil, tier) // the entry went away while the origin called it current
	}
	switch {
	case err == nil:
		end = result{gen: w.gen}
		c.counts.refreshes.Add(1)
		return
	case errors.Is(err, errNotStorable):
		end = result{outcome: outcomePrivate}
	default:
		end.err = err
	}
	c.counts.refreshFailed.Add(1)
	c.cfg.Logger.Warn("cache: refresh failed", "key", key, "err", err)
}

// refreshFrom asks once. store.ErrNotFound says that the origin called an entry
// current that is gone.
func (c *DaramjweeCache) refreshFrom(ctx context.Context, w *work, f Fetcher, old *store.Metadata, tier int) error {
	res, src, err := c.fetch(ctx, f, old)
	switch {
	case errors.Is(err, ErrNotModified) && old != nil:
		return c.touch(w, tier, old, c.revalidated(old, res, w))
	case errors.Is(err, ErrNotFound):
		c.storeNegative(w)
		return nil
	case err != nil:
		return err
	}
	defer src.Close()
	if res.NoStore {
		return errNotStorable
	}
	m := c.fetched(res.Metadata, w, src.size)
	writer, tier, err := c.create(c.ctx, w.key, m)
	if err != nil {
		return fmt.Errorf("%w: %w", errNotStorable, err)
	}
	defer writer.Abort()
	if _, err := c.BufferPool.CopyBuffer(writer, src); err != nil {
		return err
	}
	if !src.whole {
		return fmt.Errorf("%w: longer than the %d bytes declared", errNotStorable, src.size)
	}
	if err := c.commit(w, tier, writer, m.Generation, tier); err != nil {
		return err
	}
	c.counts.fills.Add(1)
	c.scheduleSetToStore(w.key, tier, m.Generation)
	return nil
}

var errNotStorable = errors.New("cache: the origin's answer is not stored")
