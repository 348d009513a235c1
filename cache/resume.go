package cache

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/daramjwee/daramjwee/cache/store"
)

// resume opens what is left of a body from off on, for a caller whose tier failed: he
// fetches for himself and skips what he has, and his context ends that. Two answers of an
// origin may be spliced only if they have the same strong validator (RFC 9110, section
// 8.8.1) and not two sizes; else the body ends here, as one that was cut.
func (c *DaramjweeCache) resume(ctx context.Context, key string, f Fetcher, m *store.Metadata, off int64, begun func(*source)) (*source, error) {
	c.counts.resumes.Add(1)
	src, err := c.fetchRest(ctx, key, f, m, off, begun)
	if err == nil {
		return src, nil
	}
	c.counts.resumesFailed.Add(1)
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		err = fmt.Errorf("%w: %w", io.ErrUnexpectedEOF, err)
	}
	return nil, fmt.Errorf("cache: %q cannot be read on from byte %d: %w", key, off, err)
}

func (c *DaramjweeCache) fetchRest(ctx context.Context, key string, f Fetcher, m *store.Metadata, off int64, begun func(*source)) (_ *source, err error) {
	switch {
	case f == nil:
		return nil, errors.New("the origin has failed")
	case !isStrong(m.ETag):
		return nil, errors.New("it has no strong validator")
	}
	res, src, err := c.fetchAlone(ctx, key, f, begun)
	if err != nil {
		return nil, err
	}
	skipped := false
	defer func() {
		if !skipped {
			defer c.streams.leave()
			src.Close()
		}
	}()
	if err := c.skip(res, src, m, off); err != nil {
		return nil, err
	}
	skipped = true
	return src, nil
}

// skip brings a second answer to where the first one was lost.
func (c *DaramjweeCache) skip(res *FetchResult, src *source, m *store.Metadata, off int64) error {
	if src.size < 0 {
		src.size = m.Size
	}
	if res.Metadata.ETag != m.ETag || m.Size >= 0 && src.size != m.Size {
		return fmt.Errorf("the origin's answer changed from %s, %d bytes, to %s, %d bytes",
			m.ETag, m.Size, res.Metadata.ETag, src.size)
	}
	n, err := c.BufferPool.CopyBuffer(io.Discard, &io.LimitedReader{R: src, N: off})
	if err == nil && n < off {
		err = io.ErrUnexpectedEOF
	}
	return err
}

func isStrong(etag string) bool { return strings.HasPrefix(etag, `"`) }

// fetchAlone asks the origin for one caller, who gets the source, and a place at
// the gate with it. The source follows his context.
func (c *DaramjweeCache) fetchAlone(ctx context.Context, key string, f Fetcher, begun func(*source)) (res *FetchResult, src *source, err error) {
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	if !c.streams.enter() {
		return nil, nil, ErrCacheClosed
	}
	src = new(source)
	entered := true
	defer func() {
		if entered {
			c.streams.leave()
		}
	}()
	fctx := src.asked(c, ctx)
	src.follow(ctx)
	begun(src)
	if res, err = c.fetch(fctx, key, src, f, nil); err != nil {
		return nil, nil, err
	}
	entered = false
	return res, src, nil
}

// fetchPrivate fetches for one caller what could not be shared.
func (c *DaramjweeCache) fetchPrivate(ctx context.Context, key string, f Fetcher) (*Response, error) {
	res, src, err := c.fetchAlone(ctx, key, f, func(*source) {})
	if err != nil {
		return nil, err
	}
	if !src.unfollow() { // the answer came when nobody waited for it any more
		defer c.streams.leave()
		src.Close()
		return nil, ctx.Err()
	}
	c.counts.bypasses.Add(1)
	m := fetched(res.Metadata, &work{}, src.size, now())
	return new(stream).open(c, &private{src}, &m, status{fwd: fwdBypass, collapsed: true}), nil
}

// private streams a body that is neither stored nor shared.
type private struct{ *source }

func (p *private) interrupt() { p.source.interrupt(ErrResponseClosed) }

func (p *private) Close() error {
	defer p.cache.streams.leave()
	return p.source.Close()
}
