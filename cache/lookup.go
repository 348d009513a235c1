package cache

import (
	"context"
	"time"

	"github.com/daramjwee/daramjwee/cache/store"
)

// lookup returns what would serve a key from the nearest tier that has it, fresh or
// not, or nil. It is neither counted nor given out yet: inPlace counts it, drop ends it.
// A tier that fails is passed over.
func (c *DaramjweeCache) lookup(ctx context.Context, key string) *Response {
	for tier := range c.cfg.Tiers {
		if h := c.lookupIn(ctx, tier, key); h != nil {
			return h
		}
	}
	return nil
}

func (c *DaramjweeCache) lookupIn(ctx context.Context, tier int, key string) *Response {
	h, err := c.open(ctx, tier, key)
	switch {
	case err != nil:
		c.tierErred(ctx, tier, "open", key, err)
	case c.keys.ignores(tier, key, h.meta.Generation):
		h.drop()
	default:
		age := time.Since(h.meta.StoredAt) // reads one clock where Now reads two, unless the value is from before a restart
		h.status.left = c.cfg.freshnessLeft(tier, h.meta, age)
		return h
	}
	c.counts.tiers[tier].misses.Add(1)
	return nil
}

// open asks a tier. A Response fences what it reads, and keeps the offset, so that a
// hit of a tier of bodies allocates nothing else; a lower tier's is mostly read by a
// promote.
func (c *DaramjweeCache) open(ctx context.Context, tier int, key string) (*Response, error) {
	s := status{tier: int8(tier + 1)}
	if tier == 0 && c.bodies != nil {
		body, meta, err := c.bodies.OpenBody(ctx, key)
		if err != nil {
			return nil, err
		}
		return &Response{body: body, cache: c, meta: meta, status: s}, nil
	}
	entry, err := c.cfg.Tiers[tier].Open(ctx, key)
	if err != nil {
		return nil, err
	}
	return new(stream).open(c, entry, entry.Metadata(), s), nil
}

// serve answers with a hit, whatever its age.
func (c *DaramjweeCache) serve(ctx context.Context, key string, f Fetcher, h *Response) (*Response, error) {
	r, err := c.inPlace(h)
	if err != nil {
		return nil, err
	}
	return c.nearer(ctx, key, f, r), nil
}

// inPlace is serve from where the entry lies. For a negative one, which it closes,
// the answer is ErrNotFound.
func (c *DaramjweeCache) inPlace(h *Response) (*Response, error) {
	tier := &c.counts.tiers[h.tier()]
	tier.hits.Inc()
	if !h.fresh() {
		tier.staleHits.Add(1)
	}
	if h.meta.Negative {
		c.counts.negativeHits.Add(1)
		h.drop()
		return nil, ErrNotFound
	}
	h.status.hit = true
	return h, nil
}

// nearer has a lower tier's entry streamed by way of tier 0, if that takes it, and reads
// any other where it lies.
func (c *DaramjweeCache) nearer(ctx context.Context, key string, f Fetcher, h *Response) *Response {
	if h.tier() > 0 {
		if r := c.promoteAndTeeStream(ctx, key, f, h); r != nil {
			h.body.(*stream).from, h.status.stored = r, true // tier 0 alone is asked for bodies
			return h
		}
	}
	return c.backed(ctx, key, f, h)
}

// backed has the origin stand behind an entry that is read where it lies, but for bodies
// of a store.BodyOpener, which do not fail.
func (c *DaramjweeCache) backed(ctx context.Context, key string, f Fetcher, h *Response) *Response {
	if s, streams := h.body.(*stream); streams {
		s.from = &hit{cache: c, tier: h.tier(), key: key, ctx: ctx, fetcher: f, entry: s.from.(store.Entry), meta: h.meta}
	}
	return h
}

// tier is the number of the tier that a hit was found in.
func (r *Response) tier() int { return int(r.status.tier) - 1 }

// fresh reports whether there is a hit that may be served without a word from the
// origin.
func (r *Response) fresh() bool { return r != nil && (r.status.left > 0 || r.status.validated) }

// drop closes a hit, if there is one, that is not given out.
func (r *Response) drop() {
	if r != nil {
		r.Close()
	}
}

// tierErred is tierFailed if err is that: no answer of a tier in good order, and not
// due to a context that has ended.
func (c *DaramjweeCache) tierErred(ctx context.Context, tier int, what, key string, err error) {
	if troubled(err) && ctx.Err() == nil {
		c.tierFailed(tier, what, key, err)
	}
}

// tierFailed counts and logs a failure, which no caller sees as long as there is another way.
func (c *DaramjweeCache) tierFailed(tier int, what, key string, err error) {
	c.counts.tiers[tier].errors.Add(1)
	c.observe(c.ctx, Event{Kind: EventTierError, Key: key, Tier: tier, Op: what, Err: err})
	c.cfg.Logger.Warn("cache: tier failed", "tier", tier, "op", what, "key", key, "err", err)
}
