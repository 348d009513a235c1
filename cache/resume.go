package cache

import (
	"context"
	"fmt"
	"io"
	"strings"
)

// resume goes on without the fill: its tier failed, and another reader has the
// source. The reader fetches for itself and skips what it has. Two answers of an
// origin may be spliced only if they have the same strong validator and the same
// size (RFC 9110, section 8.8.1); else the body ends here, as one that was cut.
func (r *reader) resume() error {
	f, c := r.fill, r.fill.cache
	c.counts.resumes.Add(1)
	err := r.fetchRest()
	if err == nil {
		return nil
	}
	c.counts.resumesFailed.Add(1)
	return fmt.Errorf("cache: %q cannot be read on from byte %d: %w", f.key, r.off, err)
}

func (r *reader) fetchRest() error {
	f, c := r.fill, r.fill.cache
	if !isStrong(f.meta.ETag) || r.fetcher == nil {
		return fmt.Errorf("it has no strong validator: %w", io.ErrUnexpectedEOF)
	}
	res, src, err := c.fetchAlone(r.ctx, f.key, r.fetcher, func(s *source) {
		f.mu.Lock()
		defer f.mu.Unlock()
		r.asking = s
	})
	if err != nil {
		return fmt.Errorf("%w: %w", io.ErrUnexpectedEOF, err)
	}
	if err := r.skip(res, src); err != nil {
		src.Close()
		c.streams.leave()
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	r.own = &own{source: src}
	return nil
}

// skip brings a second answer to where the first one was lost.
func (r *reader) skip(res *FetchResult, src *source) error {
	m := r.fill.meta
	if res.Metadata.ETag != m.ETag || src.size != m.Size {
		return fmt.Errorf("the origin's answer changed from %s, %d bytes, to %s, %d bytes: %w",
			m.ETag, m.Size, res.Metadata.ETag, src.size, io.ErrUnexpectedEOF)
	}
	n, err := r.fill.cache.BufferPool.CopyBuffer(io.Discard, &io.LimitedReader{R: src, N: r.off})
	if err == nil && n < r.off {
		err = io.ErrUnexpectedEOF
	}
	return err
}

func isStrong(etag string) bool { return strings.HasPrefix(etag, `"`) }

// fetchAlone asks the origin for one caller, who gets the source, and a place at
// the gate with it.
func (c *DaramjweeCache) fetchAlone(ctx context.Context, key string, f Fetcher, begun func(*source)) (res *FetchResult, src *source, err error) {
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
	begun(src)
	stop := context.AfterFunc(ctx, func() { src.interrupt(context.Cause(ctx)) })
	res, err = c.fetch(fctx, key, src, f, nil)
	stop()
	if err != nil {
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
