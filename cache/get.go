package cache

import (
	"context"
	"errors"

	"github.com/daramjwee/daramjwee/cache/store"
)

// Get returns the entry of a key: from the nearest tier that has it, else from
// the origin by way of f. The package comment tells its life. The error is
// ErrNotFound when the origin has nothing, the Fetcher's when it failed and no
// stale entry may stand in, or the context's.
//
// Close the Response. What a caller closes before its last byte was read is not
// stored.
func (c *DaramjweeCache) Get(ctx context.Context, key string, f Fetcher) (*Response, error) {
	if err := c.usable(ctx, f); err != nil {
		return nil, err
	}
	var w follower
	defer w.stop()
	for {
		h := c.lookup(ctx, key)
		if err := ctx.Err(); err != nil {
			h.close()
			return nil, err
		}
		h.valid = w.validated(h)
		s := Status{Collapsed: w.collapsed}
		switch {
		case h.fresh():
			return c.serve(ctx, key, h, s)
		case h.found() && c.cfg.whileRevalidate(h.meta, h.left):
			if err := c.ScheduleRefresh(ctx, key, f); err != nil {
				c.cfg.Logger.Debug("cache: refresh not scheduled", "key", key, "err", err)
			}
			return c.serve(ctx, key, h, s)
		case w.outcome == outcomeFailed:
			return c.failed(ctx, key, h, s, w.err)
		case w.outcome == outcomePrivate:
			h.close()
			return c.fetchPrivate(ctx, key, f)
		}
		fl, leads := c.flights.join(key)
		if leads {
			return c.lead(ctx, key, f, fl, h, s)
		}
		h.close()
		if err := w.wait(ctx, c, fl); err != nil {
			return nil, err
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
		h.close()
		return nil, err
	}
	if !h.fresh() {
		h.close()
		return nil, ErrNotFound
	}
	if err := c.countHit(h); err != nil {
		return nil, err
	}
	return &Response{stream: h.entry, cache: c, meta: h.meta, size: h.entry.Size(),
		status: Status{Hit: true, TTL: h.left, Detail: c.tierNames[h.tier]}}, nil
}

// lead asks the origin on behalf of all who want the key. h is the stale entry
// to ask about, if there is one; it is closed here unless it is served.
func (c *DaramjweeCache) lead(ctx context.Context, key string, f Fetcher, fl *flight, h hit, s Status) (*Response, error) {
	end := result{outcome: outcomeFailed, err: errGoexit}
	if !c.streams.enter() {
		h.close()
		fl.end(result{})
		return nil, ErrCacheClosed
	}
	w := c.generations.begin(key)
	owned := true // the work, the flight and the place at the gate are this call's to end
	defer func() {
		if owned {
			w.end()
			fl.end(end)
			c.streams.leave()
		}
	}()

	// The last flight may have stored the key after this caller looked for it.
	if again := c.lookupIn(ctx, 0, key); again.fresh() {
		h.close()
		end = result{}
		return c.serve(ctx, key, again, s)
	} else {
		again.close()
	}
	s.Fwd = FwdMiss
	var old *store.Metadata
	if h.found() {
		s.Fwd = FwdStale
		if !h.meta.Negative {
			old = h.meta
		}
	}
	res, src, err := c.fetch(ctx, f, old)
	switch {
	case err == nil:
		h.close()
		owned = false
		stream, m, stored := c.cacheAndTeeStream(ctx, w, fl, res, src)
		return c.missed(stream, m, s, stored), nil
	case errors.Is(err, ErrNotModified) && old != nil:
		end = result{gen: w.gen}
		return c.stillCurrent(ctx, w, h, s, c.revalidated(old, res, w))
	case errors.Is(err, ErrNotFound):
		h.close()
		c.storeNegative(w)
		c.counts.misses.Add(1)
		end = result{gen: w.gen}
		return nil, ErrNotFound
	case ctx.Err() != nil: // this caller's end is nobody else's
		h.close()
		end = result{}
		return nil, ctx.Err()
	}
	end.err = err
	return c.failed(ctx, key, h, s, err)
}

// missed is the response of a caller's own fetch.
func (c *DaramjweeCache) missed(stream stream, m *store.Metadata, s Status, stored bool) *Response {
	c.counts.misses.Add(1)
	if s.Stored = stored; stored {
		s.TTL = c.cfg.freshnessLeft(m, now())
	}
	return &Response{stream: stream, cache: c, meta: m, size: m.Size, status: s}
}

// stillCurrent serves the entry that the origin called current. It is open, so it
// is served even if it was evicted meanwhile.
func (c *DaramjweeCache) stillCurrent(ctx context.Context, w *work, h hit, s Status, m *store.Metadata) (*Response, error) {
	if err := c.touch(w, h.tier, h.meta, m); err != nil && !errors.Is(err, store.ErrNotFound) {
		c.tierFailed(h.tier, "update", w.key, err)
	}
	c.counts.misses.Add(1)
	s.FwdStatus = 304
	h.meta, h.left = m, c.cfg.freshnessLeft(m, now())
	return c.respond(ctx, w.key, h, s), nil
}

// failed answers when the origin could not: with the stale entry while its
// stale-if-error window lasts (RFC 5861, section 4), else with the error.
func (c *DaramjweeCache) failed(ctx context.Context, key string, h hit, s Status, err error) (*Response, error) {
	if h.found() && !h.meta.Negative && c.cfg.ifError(h.meta, h.left) {
		c.cfg.Logger.Warn("cache: origin failed, serving stale", "key", key, "err", err)
		s.Fwd, s.Detail = "", "; stale-if-error"
		return c.serve(ctx, key, h, s)
	}
	h.close()
	return nil, err
}

// fetchPrivate fetches for one caller what could not be shared.
func (c *DaramjweeCache) fetchPrivate(ctx context.Context, key string, f Fetcher) (*Response, error) {
	if !c.streams.enter() {
		return nil, ErrCacheClosed
	}
	entered := true
	defer func() {
		if entered {
			c.streams.leave()
		}
	}()
	res, src, err := c.fetch(ctx, f, nil)
	if err != nil {
		return nil, err
	}
	entered = false
	c.counts.bypasses.Add(1)
	m := res.Metadata
	m.Size, m.Negative = src.size, false
	if m.StoredAt.IsZero() {
		m.StoredAt = now()
	}
	return &Response{stream: c.direct(src), cache: c, meta: &m, size: m.Size,
		status: Status{Fwd: FwdBypass, Collapsed: true}}, nil
}
