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
	drains  bool            // for nobody, in the background
	off     int64
	left    atomic.Bool // the Response was closed while a call was under way

	rest   []byte  // pulled and not staged: to be read before own
	own    *source // read in the fill's stead, by this reader alone
	asking *source // on its way to be that

	// As next found them.
	staged store.StagedReader
	moves  int
	limit  int64 // the frontier
}

// step is what a reader can do next.
type step int

const (
	stepOwn    step = iota // read its own source
	stepStaged             // read staged bytes, up to limit
	stepPull               // it has the pull
	stepResume             // fetch again: the fill cannot give it what it needs
	stepEnd                // stop
)

// next waits until there is something to do.
func (r *reader) next() (step, error) {
	f := r.fill
	for {
		f.mu.Lock()
		do, err := r.step()
		var changed <-chan struct{}
		if do < 0 {
			changed = f.changed()
		}
		f.mu.Unlock()
		if do >= 0 {
			return do, err
		}
		select {
		case <-changed:
		case <-r.ctx.Done():
			return stepEnd, r.ctx.Err()
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
		r.staged, r.moves, r.limit = f.staged, f.moves, f.frontier
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
		var do step
		switch do, err = r.next(); do {
		case stepOwn:
			if len(r.rest) == 0 {
				return r.own.Read(p)
			}
			n = copy(p, r.rest)
			r.rest = r.rest[n:]
		case stepStaged:
			n, err = r.readStaged(p)
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
		do, err := r.next()
		var p []byte
		switch do {
		case stepOwn:
			m, err := r.writeOwn(dst)
			return n + m, err
		case stepEnd:
			if err == io.EOF {
				err = nil
			}
			return n, err
		case stepStaged:
			p = buf.get()
			var m int
			m, err = r.readStaged(p)
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

func (r *reader) writeOwn(dst io.Writer) (int64, error) {
	n, err := write(dst, r.rest)
	r.rest = r.rest[n:]
	if err != nil {
		return int64(n), err
	}
	m, err := r.fill.cache.BufferPool.CopyBuffer(dst, r.own)
	return int64(n) + m, err
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
func (r *reader) readStaged(p []byte) (int, error) {
	p = p[:min(int64(len(p)), r.limit-r.off)]
	n, err := r.staged.ReadAt(p, r.off)
	if n > 0 || err == nil {
		return n, nil
	}
	f := r.fill
	f.mu.Lock()
	moved, tier := r.moves != f.moves, f.tier
	f.mu.Unlock()
	if moved {
		return 0, nil
	}
	f.cache.tierFailed(tier, "read staged", f.key, err)
	return 0, r.resume()
}

// interrupt ends a call that is under way, for a Close that found it there. It
// ends the source when nobody else wants it.
func (r *reader) interrupt() {
	f := r.fill
	r.left.Store(true)
	f.mu.Lock()
	src := r.own
	if src == nil {
		src = r.asking
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
	switch r.own {
	case nil:
		return nil
	case &r.fill.src:
		return r.fill.done()
	}
	defer r.fill.cache.streams.leave()
	return r.own.Close()
}
