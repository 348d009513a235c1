package cache

import "context"

// LookupStale is a Lookup that also returns a stale entry inside its
// stale-while-revalidate window, and has it refreshed behind by way of f, as Get
// does. It is what byte ranges are answered from: they come out of the tier that
// has the entry, and move nothing to a nearer one.
func (c *DaramjweeCache) LookupStale(ctx context.Context, key string, f Fetcher) (*Response, error) {
	if err := c.usable(ctx, f); err != nil {
		return nil, err
	}
	h := c.lookup(ctx, key)
	if err := ctx.Err(); err != nil {
		h.drop()
		return nil, err
	}
	if !h.fresh() {
		if h == nil || !c.cfg.whileRevalidate(h.meta, h.status.left) {
			h.drop()
			return nil, ErrNotFound
		}
		c.refreshBehind(ctx, key, f)
	}
	r, err := c.inPlace(h)
	if err != nil {
		return nil, err
	}
	return c.backed(ctx, key, f, r), nil
}
