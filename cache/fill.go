package cache

import (
	"context"
	"errors"
	"io"

	"github.com/daramjwee/daramjwee/cache/store"
)

// fill streams a body to a caller while it stages the same bytes in a tier, and
// publishes them when the body is whole. It is the stream of a Response; the
// Response's fence keeps Close out of Read.
type fill struct {
	cache *DaramjweeCache
	src   *source
	tee   io.Reader // src, by way of the pool's TeeReader into tap
	meta  store.Metadata
	tier  int
	staged
	flight *flight // of a fetch; nil for a promote

	settled bool // published or dropped
}

// staged is the entry in the making and the work that it belongs to.
type staged struct {
	writer store.Writer
	work   *work
	failed error // of the tier: the caller reads on without it
}

// cacheAndTeeStream answers a miss: the caller reads the origin's body, and the
// nearest tier that has room for it is filled on the way. When none has, the
// body is the caller's alone and those who wait are told to fetch for themselves.
func (c *DaramjweeCache) cacheAndTeeStream(ctx context.Context, w *work, fl *flight, res *FetchResult, src *source) (stream, *store.Metadata, bool) {
	m := c.fetched(res.Metadata, w, src.size)
	if !res.NoStore {
		if writer, tier, err := c.create(ctx, w.key, m); err == nil {
			f := &fill{cache: c, src: src, meta: m, tier: tier, staged: staged{writer: writer, work: w}, flight: fl}
			f.tee = c.BufferPool.TeeReader(src, tap{f})
			return f, &f.meta, true
		}
	}
	w.end()
	fl.end(result{outcome: outcomePrivate})
	return c.direct(src), &m, false
}

// tap is what the tee writes to. It never fails: a tier's trouble is not the
// caller's.
type tap struct{ f *fill }

func (t tap) Write(p []byte) (int, error) {
	f := t.f
	if f.failed == nil {
		n, err := f.writer.Write(p)
		if errors.Is(err, store.ErrTooLarge) && f.spill() {
			n2 := 0
			n2, err = f.writer.Write(p[n:])
			n += n2
		}
		if err == nil && n != len(p) {
			err = io.ErrShortWrite
		}
		if err != nil {
			f.detach(err)
		}
	}
	return len(p), nil
}

// spill moves a body of unknown size that has outgrown its tier to the next one
// that takes it, staged bytes first.
func (f *fill) spill() bool {
	from, ok := f.writer.(store.StagedReader)
	if !ok || f.flight == nil {
		return false
	}
	c := f.cache
	for tier := f.tier + 1; tier < len(c.cfg.Tiers); tier++ {
		next, err := c.cfg.Tiers[tier].Create(c.ctx, f.work.key, f.meta)
		if err != nil {
			continue
		}
		if _, err = c.BufferPool.CopyBuffer(next, &stagedBytes{from: from}); err != nil {
			next.Abort()
			continue
		}
		f.writer.Abort()
		f.writer, f.tier = next, tier
		return true
	}
	return false
}

// stagedBytes reads a staged entry up to its frontier.
type stagedBytes struct {
	from store.StagedReader
	off  int64
}

func (s *stagedBytes) Read(p []byte) (int, error) {
	n, err := s.from.ReadAt(p, s.off)
	s.off += int64(n)
	return n, err
}

// detach gives the staged entry up as soon as the tier fails, so that nobody
// waits for it any longer.
func (f *fill) detach(err error) {
	f.failed = err
	f.writer.Abort()
	f.cache.counts.detached.Add(1)
	if !errors.Is(err, store.ErrTooLarge) {
		f.cache.tierFailed(f.tier, "write", f.work.key, err)
	}
	if f.flight != nil {
		f.flight.end(result{outcome: outcomePrivate})
	}
}

func (f *fill) Read(p []byte) (int, error) {
	n, err := f.tee.Read(p)
	f.settleWhenEnded()
	return n, err
}

func (f *fill) WriteTo(w io.Writer) (int64, error) {
	n, err := f.cache.BufferPool.CopyBuffer(w, f.tee)
	f.settleWhenEnded()
	return n, err
}

// interrupt ends a Read that waits for the origin, for a Close that found it
// there. It is safe to call beside everything else.
func (f *fill) interrupt() { f.src.interrupt() }

// Close drops what is not whole by now.
func (f *fill) Close() error {
	f.settle()
	return f.src.Close()
}

func (f *fill) settleWhenEnded() {
	if f.src.whole || f.src.err != nil {
		f.settle()
	}
}

// settle publishes a whole entry and drops any other, once.
func (f *fill) settle() {
	if f.settled {
		return
	}
	f.settled = true
	c := f.cache
	defer c.streams.leave()
	var end result
	switch {
	case f.failed != nil:
		end.outcome = outcomePrivate
	case f.src.whole:
		if err := c.commit(f.work, f.tier, f.writer, f.meta.Generation, f.tier); err != nil {
			end.outcome = outcomePrivate
		} else if f.flight == nil {
			c.counts.promotes.Add(1)
		} else {
			c.counts.fills.Add(1)
			end.gen = f.meta.Generation
			c.scheduleSetToStore(f.work.key, f.tier, f.meta.Generation)
		}
	default:
		f.writer.Abort()
		c.counts.aborts.Add(1)
		if f.src.err == io.EOF { // longer than it declared
			end.outcome = outcomePrivate
		} else if f.src.err != nil && !f.src.interrupted() {
			end = result{outcome: outcomeFailed, err: f.src.err}
		}
	}
	if f.flight != nil {
		f.flight.end(end)
	} else {
		c.promoting.remove(f.work.key)
	}
	f.work.end()
}

// fetched completes the metadata that an origin or a caller gave.
func (c *DaramjweeCache) fetched(m store.Metadata, w *work, size int64) store.Metadata {
	m.Size, m.Generation, m.Negative = size, w.gen, false
	if m.StoredAt.IsZero() {
		m.StoredAt = now()
	}
	return m
}

// direct streams a body that is not stored.
func (c *DaramjweeCache) direct(src *source) stream { return &direct{source: src, cache: c} }

type direct struct {
	*source
	cache *DaramjweeCache
}

func (d *direct) Close() error {
	defer d.cache.streams.leave()
	return d.source.Close()
}
