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
	if !c.keys.refreshing(key) {
		return nil
	}
	values := context.WithoutCancel(ctx)
	refresh := task{
		run:      func(context.Context) error { c.refresh(values, key, f); return nil },
		end:      func(error) { c.keys.refreshed(key) },
		overflow: OverflowDrop, // a Get that serves stale must not wait for the origin
	}
	if !c.background.add(refresh) {
		if c.closed.Load() {
			return ErrCacheClosed
		}
		return ErrQueueFull
	}
	return nil
}

// refreshBehind refreshes what a Get serves stale, unless the last try has just failed.
func (c *DaramjweeCache) refreshBehind(ctx context.Context, key string, f Fetcher) {
	if m := c.memos.about(key, c.clock); m.until > 0 && !m.unshared {
		return
	}
	if err := c.ScheduleRefresh(ctx, key, f); err != nil {
		c.cfg.Logger.Debug("cache: refresh not scheduled", "key", key, "err", err)
	}
}

// refresh is the background twin of a Get: it leads a fetch, and reads the body
// for nobody. Callers who want the key meanwhile read along.
func (c *DaramjweeCache) refresh(ctx context.Context, key string, f Fetcher) {
	fill, leads := c.keys.fetch(key, false)
	if !leads {
		return // a Get asks already, and it is newer than this job
	}
	fill.kind, fill.stale, fill.byWorker = refreshing, true, true
	end := result{outcome: outcomeFailed, err: errGoexit}
	owned := true
	defer func() {
		if owned {
			fill.over(end)
			fill.quit()
		}
	}()
	old, tier := c.stat(ctx, key)
	res, err := c.askOrTouch(ctx, fill, f, old, tier)
	if errors.Is(err, store.ErrNotFound) && old != nil {
		res, err = c.askOrTouch(ctx, fill, f, nil, tier) // the entry went away while the origin called it current
	}
	if err != nil {
		end.err = err
		c.refreshEnded(key, err)
		return
	}
	if res == nil {
		end = result{gen: fill.gen}
		c.refreshEnded(key, nil)
		return
	}
	owned = false
	r := &fill.first
	r.ctx = c.ctx
	if err := c.cacheAndTeeStream(fill, res, now()); err != nil {
		c.refreshEnded(key, fmt.Errorf("%w: %w", errNotStored, err))
		r.Close()
		return
	}
	r.drain() // it is counted when it is settled
}

// askOrTouch asks the origin once, and does all there is to do about an answer
// without a body: then the result is nil. store.ErrNotFound says that the origin
// called an entry current that is gone.
func (c *DaramjweeCache) askOrTouch(ctx context.Context, fill *fill, f Fetcher, old *store.Metadata, tier int) (*FetchResult, error) {
	res, err := fill.ask(ctx, f, old)
	switch {
	case errors.Is(err, ErrNotModified) && old != nil:
		return nil, c.touch(&fill.work, tier, old, c.revalidated(old, res, &fill.work))
	case errors.Is(err, ErrNotFound):
		c.storeNegative(&fill.work)
		return nil, nil
	}
	return res, err
}

func (c *DaramjweeCache) refreshEnded(key string, err error) {
	c.observe(c.ctx, Event{Kind: EventRefresh, Key: key, Tier: -1, Err: err})
	if err == nil {
		c.counts.refreshes.Add(1)
		c.memos.forget(key)
		return
	}
	c.counts.refreshFailed.Add(1)
	switch {
	case errors.Is(err, ErrSuperseded):
	case errors.Is(err, store.ErrFull): // the origin did not fail, and nothing stands in for it
		c.memos.refused(key, c.clock())
	default:
		c.memos.failed(key, c.clock(), c.cfg.Backoff)
	}
	c.cfg.Logger.Warn("cache: refresh failed", "key", key, "err", err)
}

var errNotStored = errors.New("cache: the origin's answer is not stored")
