package cache

import (
	"context"
	"errors"
	"time"

	"github.com/daramjwee/daramjwee/cache/store"
)

// Get returns the entry of a key: from the nearest tier that has it, else from
// the origin by way of f. The package comment tells its life. The error is
// ErrNotFound when the origin has nothing, the Fetcher's when it failed and no
// stale entry may stand in, or the context's.
//
// Close the Response. When all who read a body that is being stored have left, it
// is finished in the background or dropped: see Config.FinishBytes.
//
// ctx ends this caller's waits: for the answer, and for bytes that another caller
// is about to read. It ends a call to the Fetcher only when nobody else waits for
// that, and of the bodies that are being read only what he had to ask the origin for
// again, since a tier failed him.
func (c *DaramjweeCache) Get(ctx context.Context, key string, f Fetcher) (*Response, error) {
	if c.cfg.Observer == nil {
		return c.get(ctx, key, f)
	}
	return c.observedGet(ctx, key, f)
}

func (c *DaramjweeCache) get(ctx context.Context, key string, f Fetcher) (*Response, error) {
	if err := c.usable(ctx, f); err != nil {
		return nil, err
	}
	h := c.lookup(ctx, key)
	switch {
	case !h.fresh() || ctx.Err() != nil:
		return c.getBeyond(ctx, key, f, h)
	case h.tier() == 0 && c.bodies != nil: // as most are: the two calls less are a twentieth of such a hit
		return c.inPlace(h)
	}
	return c.serve(ctx, key, f, h)
}

// getBeyond goes on from a look-up that found nothing fresh, or for a caller who is
// gone.
func (c *DaramjweeCache) getBeyond(ctx context.Context, key string, f Fetcher, h *Response) (*Response, error) {
	var w follower
	defer w.stop()
	for ; ; h = c.lookup(ctx, key) {
		if err := ctx.Err(); err != nil {
			h.drop()
			return nil, err
		}
		w.mark(h)
		switch {
		case h.fresh():
			return c.serve(ctx, key, f, h)
		case h != nil && c.cfg.whileRevalidate(h.meta, h.status.left):
			c.refreshBehind(ctx, key, f)
			return c.serve(ctx, key, f, h)
		case w.outcome == outcomeAbsent:
			h.drop()
			c.counts.misses.Add(1)
			return nil, ErrNotFound
		case w.outcome == outcomeFailed:
			return c.failed(ctx, key, f, h, w.err)
		case w.outcome == outcomePrivate:
			h.drop()
			return c.fetchPrivate(ctx, key, f)
		}
		m := c.memos.about(key, c.clock)
		if m.failures > 0 && c.cfg.standsIn(h) {
			return c.serveInstead(ctx, key, f, h)
		}
		fill, leads := c.keys.fetch(key, m.unshared)
		if leads {
			return c.lead(ctx, fill, f, h, w.collapsed)
		}
		h.drop()
		r, err := w.join(ctx, fill, f)
		if err != nil {
			return nil, err
		}
		if r != nil {
			return c.collapsed(r), nil
		}
	}
}

// Lookup returns a fresh entry as it lies in the nearest tier that has it, or
// ErrNotFound. It asks no origin, promotes nothing and refreshes nothing: it is
// what HEAD and only-if-cached are answered from.
func (c *DaramjweeCache) Lookup(ctx context.Context, key string) (*Response, error) {
	if c.closed.Load() {
		return nil, ErrCacheClosed
	}
	h := c.lookup(ctx, key)
	if err := ctx.Err(); err != nil {
		h.drop()
		return nil, err
	}
	if !h.fresh() {
		h.drop()
		return nil, ErrNotFound
	}
	return c.inPlace(h)
}

// lead asks the origin on behalf of all who want the key. h is the stale entry
// to ask about, if there is one; it is closed here unless it is served.
func (c *DaramjweeCache) lead(ctx context.Context, fill *fill, f Fetcher, h *Response, collapsed bool) (resp *Response, err error) {
	end := result{outcome: outcomeFailed, err: errGoexit}
	owned := true // the fill is this call's to end
	fill.gated = c.streams.enter()
	defer func() {
		if resp != h { // to drop it twice is no matter
			h.drop()
		}
		if owned {
			fill.over(end)
			fill.quit()
		}
	}()
	if !fill.gated {
		end = result{}
		return nil, ErrCacheClosed
	}
	// The last fill may have stored the key after this caller looked for it.
	again := c.lookupIn(ctx, 0, fill.key)
	if again.fresh() {
		end = result{}
		again.status.collapsed = collapsed
		return c.serve(ctx, fill.key, f, again)
	}
	again.drop()
	s := status{fwd: fwdMiss, collapsed: collapsed}
	var old *store.Metadata
	if h != nil {
		s.fwd = fwdStale
		if !h.meta.Negative {
			old = h.meta
		}
	}
	fill.stale = h != nil
	res, err := fill.ask(ctx, f, old)
	switch {
	case err == nil:
		h.drop()
		owned = false
		r := &fill.first
		r.ctx, r.fetcher = ctx, f
		at := now()
		s.stored = c.cacheAndTeeStream(fill, res, at) == nil
		if err := ctx.Err(); err != nil { // the others read on
			r.Close()
			return nil, err
		}
		return c.missed(r, s, at), nil
	case errors.Is(err, ErrNotModified) && old != nil:
		end = result{gen: fill.gen}
		c.memos.forget(fill.key)
		return c.stillCurrent(ctx, &fill.work, f, h, c.revalidated(old, res, &fill.work))
	case errors.Is(err, ErrNotFound):
		h.drop()
		c.storeNegative(&fill.work)
		c.counts.misses.Add(1)
		end = result{outcome: outcomeAbsent, gen: fill.gen}
		return nil, ErrNotFound
	}
	if ctx.Err() != nil && fill.src.interrupted() != nil { // this caller's end is nobody else's
		end = result{}
		return nil, ctx.Err()
	}
	end.err = err
	c.memos.failed(fill.key, c.clock(), c.cfg.Backoff)
	return c.failed(ctx, fill.key, f, h, err)
}

// missed is the response of a reader of a fetch.
func (c *DaramjweeCache) missed(r *reader, s status, at time.Time) *Response {
	c.counts.misses.Add(1)
	m := r.fill.meta
	if s.stored {
		r.fill.mu.Lock()
		tier := r.fill.tier // another reader may be moving it on
		r.fill.mu.Unlock()
		s.left = c.cfg.freshnessLeft(tier, m, at.Sub(m.StoredAt))
	}
	resp := &r.fill.resp
	if r != &r.fill.first {
		resp = new(stream)
	}
	return resp.open(c, r, m, s)
}

// collapsed is the response of a reader of another caller's fetch.
func (c *DaramjweeCache) collapsed(r *reader) *Response {
	s := status{fwd: fwdMiss, stored: true, collapsed: true}
	if r.fill.stale {
		s.fwd = fwdStale
	}
	return c.missed(r, s, now())
}

// stillCurrent serves the entry that the origin called current. It is open, so it
// is served even if it was evicted meanwhile.
func (c *DaramjweeCache) stillCurrent(ctx context.Context, w *work, f Fetcher, h *Response, m *store.Metadata) (*Response, error) {
	tier := h.tier()
	if err := c.touch(w, tier, h.meta, m); troubled(err) {
		c.tierFailed(tier, "update", w.key, err)
	}
	c.counts.misses.Add(1)
	h.meta, h.status.left = m, c.cfg.freshnessLeft(tier, m, time.Since(m.StoredAt))
	h.status.fwd, h.status.current = fwdStale, true
	return c.nearer(ctx, w.key, f, h), nil
}

// failed answers when the origin could not: with the stale entry while its
// stale-if-error window lasts (RFC 5861, section 4), else with the error.
func (c *DaramjweeCache) failed(ctx context.Context, key string, f Fetcher, h *Response, err error) (*Response, error) {
	if !c.cfg.standsIn(h) {
		h.drop()
		return nil, err
	}
	c.cfg.Logger.Warn("cache: origin failed, serving stale", "key", key, "err", err)
	return c.serveInstead(ctx, key, f, h)
}

// serveInstead serves a stale entry in the origin's stead.
func (c *DaramjweeCache) serveInstead(ctx context.Context, key string, f Fetcher, h *Response) (*Response, error) {
	h.status.instead = true
	return c.serve(ctx, key, nil, h) // nor is the origin asked for the rest of it
}

// standsIn reports whether an entry may be served in a failing origin's stead.
func (cfg *Config) standsIn(h *Response) bool {
	return h != nil && !h.meta.Negative && cfg.ifError(h.meta, h.status.left)
}
