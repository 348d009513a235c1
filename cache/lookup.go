package cache

import (
	"context"
	"errors"
	"time"

	"github.com/daramjwee/daramjwee/cache/store"
)

// hit is an entry that a tier had, fresh or not; without metadata it is a miss. It is
// handed on by its address, for a copy right after it was written has the processor
// wait for the writes: six copies were a tenth of a hit.
type hit struct {
	entry store.Entry // nil: body
	body  store.Body  // of a tier 0 that is a BodyOpener
	meta  *store.Metadata
	tier  int
	left  time.Duration // freshness left; at zero and below it is stale
	valid bool          // the origin vouched for it while its caller waited
}

func (h *hit) found() bool { return h.meta != nil }

func (h *hit) fresh() bool { return h.found() && (h.left > 0 || h.valid) }

func (h *hit) close() {
	switch body := h.body; {
	case body != nil:
		h.body = nil // Release is for once
		body.Release()
	case h.entry != nil:
		h.entry.Close()
	}
}

// lookup opens the key's entry in the nearest tier that has it. A tier that
// fails is passed over.
func (c *DaramjweeCache) lookup(ctx context.Context, key string, h *hit) {
	for tier := range c.cfg.Tiers {
		if c.lookupIn(ctx, tier, key, h); h.found() {
			return
		}
	}
}

func (c *DaramjweeCache) lookupIn(ctx context.Context, tier int, key string, h *hit) {
	*h = hit{tier: tier}
	if err := c.open(ctx, key, h); err != nil {
		if !errors.Is(err, store.ErrNotFound) && ctx.Err() == nil {
			c.tierFailed(tier, "open", key, err)
		}
		c.counts.tiers[tier].misses.Add(1)
		return
	}
	if c.keys.ignores(tier, key, h.meta.Generation) {
		h.close()
		h.meta = nil
		c.counts.tiers[tier].misses.Add(1)
		return
	}
	age := time.Since(h.meta.StoredAt) // reads one clock where Now reads two, unless the value is from before a restart
	h.left = c.cfg.freshnessLeft(tier, h.meta, age)
}

// open asks h.tier. A Response fences what it reads, and keeps the offset, so that a
// hit of a tier of bodies allocates nothing else; a lower tier's is mostly read by a
// promote.
func (c *DaramjweeCache) open(ctx context.Context, key string, h *hit) error {
	if h.tier == 0 && c.bodies != nil {
		body, meta, err := c.bodies.OpenBody(ctx, key)
		if err == nil { // else a tier may have returned a nil of its own type
			h.body, h.meta = body, meta
		}
		return err
	}
	entry, err := c.cfg.Tiers[h.tier].Open(ctx, key)
	if err == nil {
		h.entry, h.meta = entry, entry.Metadata()
	}
	return err
}

// serve answers with a hit, whatever its age.
func (c *DaramjweeCache) serve(ctx context.Context, key string, f Fetcher, h *hit, s status) (*Response, error) {
	if err := c.countHit(h); err != nil {
		return nil, err
	}
	s.hit = true
	return c.respond(ctx, key, f, h, s), nil
}

// countHit counts an answer out of a tier. For a negative entry, which it closes,
// the answer is ErrNotFound.
func (c *DaramjweeCache) countHit(h *hit) error {
	c.counts.tiers[h.tier].hits.Inc()
	if !h.fresh() {
		c.counts.tiers[h.tier].staleHits.Add(1)
	}
	if h.meta.Negative {
		c.counts.negativeHits.Add(1)
		h.close()
		return ErrNotFound
	}
	return nil
}

// respond streams an entry: straight from tier 0, or by way of it.
func (c *DaramjweeCache) respond(ctx context.Context, key string, f Fetcher, h *hit, s status) *Response {
	resp := c.opened(h, s)
	if h.tier > 0 {
		if r := c.promoteAndTeeStream(ctx, key, f, h); r != nil {
			resp.stream, resp.status.stored = r, true
		}
	}
	return resp
}

// opened is the response that reads an entry where it lies.
func (c *DaramjweeCache) opened(h *hit, s status) *Response {
	s.left, s.tier = h.left, int8(h.tier+1)
	return &Response{stream: h.entry, body: h.body, cache: c, meta: h.meta, status: s}
}

// tierErred is tierFailed if err is that: no answer of a tier in good order, and not
// due to a context that has ended.
func (c *DaramjweeCache) tierErred(ctx context.Context, tier int, what, key string, err error) {
	if troubled(err) && ctx.Err() == nil {
		c.tierFailed(tier, what, key, err)
	}
}

// tierFailed counts and logs a failure that no caller sees.
func (c *DaramjweeCache) tierFailed(tier int, what, key string, err error) {
	c.counts.tiers[tier].errors.Add(1)
	c.observe(c.ctx, Event{Kind: EventTierError, Key: key, Tier: tier, Op: what, Err: err})
	c.cfg.Logger.Warn("cache: tier failed", "tier", tier, "op", what, "key", key, "err", err)
}
