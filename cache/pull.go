package cache

import (
	"bytes"
	"errors"
	"io"

	"github.com/daramjwee/daramjwee/cache/store"
	"github.com/daramjwee/daramjwee/strategy"
)

// pull reads the source once, stages what it brings and returns that: in the
// memory of the staged entry where the tier is a DirectWriter, else in buf. It is
// for the one whom fill.pulling names, and passes the pull on.
func (r *reader) pull(buf *scratch) (got []byte) {
	f := r.fill
	returned := false
	var rest []byte
	defer func() {
		if !returned && f.src.err == nil { // a tier panicked, and bytes are missing
			f.src.err = errGoexit
		}
		f.pulled(r, len(got), rest)
	}()
	got, rest = f.pull(buf)
	returned = true
	return got
}

// pull returns as rest what it has read and could not stage.
func (f *fill) pull(buf *scratch) (got, rest []byte) {
	from := f.tee
	if from == nil {
		direct := f.writer.(store.DirectWriter)
		if room := direct.Next(); len(room) > 0 {
			n, _ := f.src.Read(room) // its error is src.err
			if n == 0 {
				return nil, nil
			}
			if f.failed = direct.Advance(n); f.failed != nil {
				return nil, bytes.Clone(room[:n]) // the room is lost with the staged entry
			}
			return room[:n], nil
		}
		from = f.newTee() // there may be nothing to come; else Write says why there is no room
	}
	p := buf.get()
	n, _ := from.Read(p)
	return p[:n], nil
}

func (f *fill) newTee() io.Reader { return f.cache.BufferPool.TeeReader(&f.src, (*tap)(f)) }

// pulled passes the pull on after n bytes. When the tier failed, r has the source
// from now on, after the bytes that could not be staged.
func (f *fill) pulled(r *reader, n int, rest []byte) {
	f.mu.Lock()
	f.pulling = nil
	if f.failed != nil {
		f.detached, r.own = true, &own{source: &f.src, rest: rest}
	} else {
		f.frontier += int64(n)
		if f.ended == nil {
			f.ended = f.src.err
		}
	}
	settle := !f.settled && (f.detached || f.ended != nil)
	f.settled = f.settled || settle
	f.byWorker = r.drains
	f.broadcast()
	f.mu.Unlock()
	if settle {
		f.settle()
	}
}

// stall ends a fill whose source has kept a call waiting for OpTimeout. The call
// may never return: those who wait are told now, and new callers ask anew.
func (f *fill) stall() {
	err := f.src.interrupted()
	f.over(result{outcome: outcomeFailed, err: err})
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.pulling != nil && f.ended == nil {
		f.ended = err
		f.broadcast()
	}
}

// tap is what the tee writes to. It never fails: a tier's trouble is not the
// caller's.
type tap fill

func (t *tap) Write(p []byte) (int, error) {
	f := (*fill)(t)
	n, err := f.writer.Write(p)
	for errors.Is(err, store.ErrTooLarge) && f.spill(err) {
		var m int
		m, err = f.writer.Write(p[n:])
		n += m
	}
	if err == nil && n != len(p) {
		err = io.ErrShortWrite
	}
	f.failed = err
	return len(p), nil
}

// spill moves a body that has outgrown its tier, or the room that readers leave
// there, to the next one that takes it and lets others read along, staged bytes
// first. Once the body is whole, that tier is told its size.
func (f *fill) spill(why error) bool {
	f.refused(why)
	if f.kind == promoting {
		return false
	}
	m := *f.meta
	if f.src.whole {
		m.Size = f.src.n
	}
	next, tier, err := f.cache.spill(f.writer, f.key, m, f.tier)
	if err != nil {
		f.refused(err)
		return false
	}
	old := f.writer
	f.mu.Lock()
	f.fillTier(next, tier)
	f.staged = next.(store.StagedReader)
	f.moves++
	f.mu.Unlock()
	old.Abort()
	release(old) // a ReadAt that comes too late looks for the new one
	return true
}

// refused remembers that a tier may have room another time.
func (f *fill) refused(why error) { f.full = f.full || errors.Is(why, store.ErrFull) }

// scratch is a buffer that is borrowed when it is first needed.
type scratch struct {
	pool strategy.BufferPool // nil: buf is the caller's own
	buf  []byte
}

func (s *scratch) get() []byte {
	if s.buf == nil {
		s.buf = s.pool.Get(0)
	}
	return s.buf
}

func (s *scratch) put() {
	if s.buf != nil && s.pool != nil {
		s.pool.Put(s.buf)
	}
}
