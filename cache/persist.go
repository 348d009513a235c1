package cache

import (
	"context"
	"errors"
	"io"

	"github.com/daramjwee/daramjwee/cache/store"
)

// scheduleSetToStore copies the entry that was just committed to a tier to all
// colder ones, in the background.
func (c *DaramjweeCache) scheduleSetToStore(key string, from int, gen uint64) {
	c.schedulePersists(key, from, gen, false)
}

// schedulePersists opens the entry now, once for each colder tier: what is evicted
// before its turn comes is persisted all the same.
func (c *DaramjweeCache) schedulePersists(key string, from int, gen uint64, byWorker bool) {
	for tier := from + 1; tier < len(c.cfg.Tiers); tier++ {
		w := c.keys.begin(key) // before the Open, or a Delete between the two would be forgotten
		entry, err := c.cfg.Tiers[from].Open(c.ctx, key)
		if err != nil {
			w.end()
			if !errors.Is(err, store.ErrNotFound) {
				c.tierFailed(from, "open", key, err)
			}
			c.counts.persistFailures.Add(1)
			c.observe(c.ctx, Event{Kind: EventPersist, Key: key, Tier: tier, Err: err})
			continue
		}
		if w.superseded(gen, true) { // by a newer one, which schedules its own
			entry.Close()
			w.end()
			return
		}
		p := &persist{cache: c, work: w, entry: entry, from: from, to: tier}
		c.schedule("persist", task{run: p.try, end: p.end, lane: lane{tier, key}, order: w.gen, byWorker: byWorker}, key)
	}
}

// schedule gives work on a colder tier to the queue.
func (c *DaramjweeCache) schedule(what string, t task, key string) {
	t.overflow = c.cfg.Overflow
	if !c.background.add(t) {
		c.cfg.Logger.Warn("cache: background queue full", "dropped", what, "key", key)
	}
}

// persist writes one committed entry to one tier. It holds the entry.
type persist struct {
	cache    *DaramjweeCache
	work     *work
	entry    store.Entry
	read     bool // the entry was read from
	from, to int
}

// try returns the errors that can pass.
func (p *persist) try(ctx context.Context) error {
	err := p.copy(ctx)
	switch {
	case err == nil:
		p.cache.counts.persists.Add(1)
		p.cache.counts.tiers[p.to].persists.Add(1)
		p.cache.observe(ctx, Event{Kind: EventPersist, Key: p.work.key, Tier: p.to, Bytes: p.entry.Size()})
	case errors.Is(err, store.ErrTooLarge): // it stays where it is
		p.cache.counts.persistsTooLarge.Add(1)
		p.cache.observe(ctx, Event{Kind: EventPersist, Key: p.work.key, Tier: p.to, Err: err})
	case errors.Is(err, ErrSuperseded): // counted where it was found
	case errors.Is(err, store.ErrClosed), ctx.Err() != nil:
		p.failed(err)
	default:
		return err
	}
	return nil
}

func (p *persist) copy(ctx context.Context) error {
	c, m := p.cache, *p.entry.Metadata()
	if p.work.superseded(m.Generation, true) {
		c.counts.superseded.Add(1)
		return ErrSuperseded
	}
	m.Size = p.entry.Size()
	writer, err := c.cfg.Tiers[p.to].Create(ctx, p.work.key, m)
	if err != nil {
		return err
	}
	defer writer.Abort()
	src, err := p.start(ctx)
	if err != nil {
		return err
	}
	return c.copyToStore(p.work, p.to, writer, src, m.Generation)
}

// start returns the entry's bytes from the first one on. A tier whose entries
// cannot be read twice is asked for it again.
func (p *persist) start(ctx context.Context) (io.Reader, error) {
	if !p.read {
		p.read = true
		return p.entry, nil
	}
	if at, ok := p.entry.(io.ReaderAt); ok {
		return io.NewSectionReader(at, 0, p.entry.Size()), nil
	}
	again, err := p.cache.cfg.Tiers[p.from].Open(ctx, p.work.key)
	if err != nil {
		return nil, err
	}
	if p.work.superseded(again.Metadata().Generation, true) {
		again.Close()
		p.cache.counts.superseded.Add(1)
		return nil, ErrSuperseded
	}
	p.entry.Close()
	p.entry = again
	return again, nil
}

func (p *persist) failed(err error) {
	p.cache.counts.persistFailures.Add(1)
	p.cache.observe(p.cache.ctx, Event{Kind: EventPersist, Key: p.work.key, Tier: p.to, Err: err})
	p.cache.cfg.Logger.Warn("cache: persist failed", "tier", p.to, "key", p.work.key, "err", err)
}

func (p *persist) end(err error) {
	if err != nil {
		p.failed(err)
	}
	p.entry.Close()
	p.work.end()
}

// copyToStore stages a committed entry in another tier, with the pool's
// CopyBuffer, and publishes it there.
func (c *DaramjweeCache) copyToStore(w *work, tier int, writer store.Writer, src io.Reader, gen uint64) error {
	defer writer.Abort()
	if _, err := c.BufferPool.CopyBuffer(writer, src); err != nil {
		return err
	}
	return c.commit(w, tier, writer, gen, true)
}
