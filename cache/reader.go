package cache

import (
	"context"
	"errors"
	"io"
	"sync/atomic"

	"github.com/daramjwee/daramjwee/cache/store"
)

// reader is one caller's way through a fill. It is read by one goroutine;
// interrupt may be called beside that.
type reader struct {
	fill    *fill
	ctx     context.Context // ends its waits for others
	fetcher Fetcher         // to go on with, should the fill be of no use any more
	off     int64
	left    atomic.Bool // the Response was closed while a call was under way
	drains  bool        // for nobody, in the background

	own    *own    // read in the fill's stead
	asking *source // on its way to be that
}

// own is a source that one reader has for itself.
type own struct {
	*source
	rest []byte // pulled before, and not staged
}

func (o *own) Read(p []byte) (int, error) {
	if len(o.rest) == 0 {
		return o.source.Read(p)
	}
	n := copy(p, o.rest)
	o.rest = o.rest[n:]
	return n, nil
}

// extent is what was staged when it was looked at.
type extent struct {
	staged store.StagedReader
	moves  int32
	end    int64
}

// step is what a reader can do next.
type step int

const (
	stepOwn    step = iota // read its own source
	stepStaged             // read staged bytes
	stepPull               // it has the pull
	stepResume             // fetch again: the fill cannot give it what it needs
	stepEnd                // stop
)

// next waits until there is something to do.
func (r *reader) next() (step, extent, error) {
	f := r.fill
	for {
		f.mu.Lock()
		do, err := r.step()
		now := extent{f.staged, f.moves, f.frontier}
		var changed <-chan struct{}
		if do < 0 {
			changed = f.changed()
		}
		f.mu.Unlock()
		if do >= 0 {
			return do, now, err
		}
		select {
		case <-changed:
		case <-r.ctx.Done():
			return stepEnd, now, r.ctx.Err()
		}
	}
}

// step wants the fill's mu. A step below zero is to wait.
func (r *reader) step() (step, error) {
	f := r.fill
	switch {
	case r.left.Load():
		return stepEnd, ErrResponseClosed
	case r.own != nil:
		return stepOwn, nil
	case r.off < f.frontier:
		return stepStaged, nil
	case f.detached:
		return stepResume, nil
	case f.ended != nil && f.ended != io.EOF && f.kind == promoting:
		return stepResume, nil // the tier's failure is not the caller's
	case f.ended != nil:
		return stepEnd, f.ended
	case f.pulling != nil:
		return -1, nil
	}
	f.pulling = r
	return stepPull, nil
}

// Read implements io.Reader.
func (r *reader) Read(p []byte) (n int, err error) {
	for n == 0 && err == nil && len(p) > 0 {
		do, there, stop := r.next()
		switch do {
		case stepEnd:
			return 0, stop
		case stepOwn:
			return r.own.Read(p)
		case stepStaged:
			n, err = r.readStaged(p, there)
		case stepPull:
			n = copy(p, r.pull(&scratch{buf: p}))
		case stepResume:
			err = r.resume()
		}
		r.off += int64(n)
	}
	return n, err
}

// WriteTo implements io.WriterTo with the results of io.Copy. What it pulls into
// a staged entry it writes out of there, and has no buffer of its own.
func (r *reader) WriteTo(dst io.Writer) (n int64, err error) {
	buf := scratch{pool: r.fill.cache.BufferPool}
	defer buf.put()
	for {
		do, there, err := r.next()
		var p []byte
		switch do {
		case stepOwn:
			m, err := buf.pool.CopyBuffer(dst, r.own)
			return n + m, err
		case stepEnd:
			if err == io.EOF {
				err = nil
			}
			return n, err
		case stepStaged:
			p = buf.get()
			var m int
			m, err = r.readStaged(p, there)
			p = p[:m]
		case stepPull:
			p = r.pull(&buf)
		case stepResume:
			err = r.resume()
		}
		if err != nil {
			return n, err
		}
		m, err := write(dst, p)
		r.off += int64(m)
		n += int64(m)
		if err != nil {
			return n, err
		}
	}
}

// write writes p with the checks of io.Copy.
func write(dst io.Writer, p []byte) (n int, err error) {
	if len(p) == 0 {
		return 0, nil
	}
	n, err = dst.Write(p)
	if n < 0 || n > len(p) {
		if n = 0; err == nil {
			err = errInvalidWrite
		}
	}
	if err == nil && n < len(p) {
		err = io.ErrShortWrite
	}
	return n, err
}

var errInvalidWrite = errors.New("cache: invalid count from Write")

// readStaged reads bytes below the frontier. None and no error says to look again.
func (r *reader) readStaged(p []byte, there extent) (int, error) {
	p = p[:min(int64(len(p)), there.end-r.off)]
	n, err := there.staged.ReadAt(p, r.off)
	if n > 0 || err == nil {
		return n, nil
	}
	f := r.fill
	f.mu.Lock()
	moved, tier := there.moves != f.moves, f.tier
	f.mu.Unlock()
	if moved {
		return 0, nil
	}
	f.cache.tierFailed(tier, "read staged", f.key, err)
	return 0, r.resume()
}

// resume goes on without the fill: its tier failed, and another reader has the source.
func (r *reader) resume() error {
	f := r.fill
	src, err := f.cache.resume(r.ctx, f.key, r.fetcher, f.meta, r.off, func(s *source) {
		f.mu.Lock()
		defer f.mu.Unlock()
		if r.asking = s; r.left.Load() {
			s.interrupt(ErrResponseClosed)
		}
	})
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	r.own = &own{source: src}
	return nil
}

// interrupt ends a call that is under way, for a Close that found it there. It
// ends the source when nobody else wants it.
func (r *reader) interrupt() {
	f := r.fill
	r.left.Store(true)
	f.mu.Lock()
	src := r.asking
	if r.own != nil {
		src = r.own.source
	}
	if src == nil && f.pulling == r && f.interest() == 1 && !f.worthFinishing() {
		src = &f.src
		f.phase, f.result = phaseOver, result{}
	}
	f.broadcast()
	f.mu.Unlock()
	if src != nil {
		f.all.retire(f)
		src.interrupt(ErrResponseClosed)
	}
}

// Close leaves the fill.
func (r *reader) Close() error {
	r.leave(true)
	switch {
	case r.own == nil:
		return nil
	case r.own.source == &r.fill.src:
		return r.fill.done()
	}
	defer r.fill.cache.streams.leave()
	return r.own.Close()
}
