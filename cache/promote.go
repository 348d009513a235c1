package cache

import (
	"context"

	"github.com/daramjwee/daramjwee/cache/store"
)

// promoteAndTeeStream streams a lower tier's entry to the caller while it fills
// tier 0, with the metadata it has: the age goes along. Others who find the entry
// meanwhile read along. It returns nil, and the entry is read where it is, when
// tier 0 does not take it.
func (c *DaramjweeCache) promoteAndTeeStream(ctx context.Context, key string, fetcher Fetcher, h *Response) *reader {
	if !c.admission.admit(key) {
		return nil
	}
	f, leads := c.keys.promote(key)
	if !leads {
		return f.joinPromote(ctx, fetcher, h)
	}
	f.kind = promoting
	var writer store.Writer
	if f.gated = c.streams.enter(); f.gated {
		writer = c.createPromoted(ctx, key, h)
	}
	if writer == nil {
		f.over(result{})
		f.quit()
		return nil
	}
	f.meta = h.meta
	f.src.open(c)
	f.src.calls.Add(1)
	f.src.body, f.src.size = h.body.(*stream).from, h.meta.Size
	f.first.ctx, f.first.fetcher = ctx, fetcher
	f.stage(writer, 0)
	return &f.first
}

// joinPromote reads along with another caller's promote of the same entry.
func (f *fill) joinPromote(ctx context.Context, fetcher Fetcher, h *Response) *reader {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.phase != phaseOpen || f.meta.Generation != h.meta.Generation {
		return nil
	}
	f.readers++
	f.cache.counts.tiers[f.tier].collapsed.Add(1)
	h.body.Release()
	return &reader{fill: f, ctx: ctx, fetcher: fetcher}
}

// createPromoted looks at the lower tier once more: what was deleted between the
// lookup and the beginning of this work is not on record any more, and must not
// come back.
func (c *DaramjweeCache) createPromoted(ctx context.Context, key string, h *Response) store.Writer {
	m, err := c.statIn(ctx, h.tier(), key)
	if err != nil || m.Generation != h.meta.Generation {
		return nil
	}
	writer, err := c.cfg.Tiers[0].Create(ctx, key, *h.meta)
	if err != nil {
		c.tierErred(ctx, 0, "create", key, err)
		return nil
	}
	return writer
}
