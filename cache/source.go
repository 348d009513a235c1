package cache

import (
	"context"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

// source is a body on its way: it knows when the body is whole, holds it to its
// declared size, and ends one that stalls. It is read by one goroutine at a time;
// interrupt may be called beside that.
type source struct {
	cache *DaramjweeCache
	body  io.ReadCloser
	size  int64 // declared; -1: unknown
	n     int64 // read so far

	whole bool  // all of the body was read, and nothing too much
	err   error // how it ended; io.EOF also when it was cut at its declared size

	cancel context.CancelCauseFunc // of the Fetcher's context; nil for an entry of a tier
	cause  atomic.Pointer[error]   // why it was interrupted

	timer   *time.Timer
	waiting atomic.Int64 // since when a call waits for the origin, on the cache's clock; 0: none does, < 0: closed
	fill    *fill        // to be told when a call has waited for OpTimeout; nil: none

	next, prev *source // in cache.sources
}

// open begins the source's life, which a Close ends.
func (s *source) open(c *DaramjweeCache) {
	s.cache, s.size = c, -1
	s.waiting.Store(c.clock())
	s.timer = time.AfterFunc(c.cfg.OpTimeout, s.check)
	c.sources.add(s)
}

// check runs when the timer does. To arm the timer again here spares each Read
// a Reset.
func (s *source) check() {
	limit := s.cache.cfg.OpTimeout
	since := s.waiting.Load()
	waited := time.Duration(s.cache.clock() - since)
	switch {
	case since < 0:
	case since == 0:
		s.timer.Reset(limit)
	case waited < limit:
		s.timer.Reset(limit - waited)
	default:
		s.interrupt(fmt.Errorf("%w: nothing within %v: %w", errTimeout, limit, context.DeadlineExceeded))
		if s.fill != nil {
			s.fill.stall()
		}
	}
}

// interrupt ends the source with an error, and a Fetch or a Read that waits for
// the origin with it. Only the first one counts.
func (s *source) interrupt(cause error) {
	if s.cause.CompareAndSwap(nil, &cause) && s.cancel != nil {
		s.cancel(cause)
	}
}

// interrupted is what interrupt was called with, or nil.
func (s *source) interrupted() error {
	if cause := s.cause.Load(); cause != nil {
		return *cause
	}
	return nil
}

// Read offers the body one byte more than it declared, to notice that it is
// longer; the surplus is never handed out.
func (s *source) Read(p []byte) (int, error) {
	if s.err != nil || len(p) == 0 {
		return 0, s.err
	}
	if s.size >= 0 && int64(len(p)) > s.size-s.n+1 {
		p = p[:s.size-s.n+1]
	}
	n, err := s.readBody(p)
	s.n += int64(n)
	switch {
	case s.size >= 0 && s.n > s.size:
		n -= int(s.n - s.size)
		s.n, s.err = s.size, io.EOF
	case s.n == s.size && (err == nil || err == io.EOF), s.size < 0 && err == io.EOF:
		s.whole, s.err = true, io.EOF
	case err == io.EOF:
		s.err = fmt.Errorf("cache: body ended after %d of %d bytes: %w", s.n, s.size, io.ErrUnexpectedEOF)
	default:
		s.err = err
	}
	if n > 0 && s.err == io.EOF {
		return n, nil
	}
	return n, s.err
}

// readBody makes what unwinds a Read the end of the body: those who wait for its
// bytes have to hear of it.
func (s *source) readBody(p []byte) (n int, err error) {
	returned := false
	defer func() {
		s.waiting.Store(0)
		if !returned { // a Goexit goes on from here
			n, err = 0, unwound(recover())
			s.err = err
		}
	}()
	s.waiting.Store(s.cache.clock())
	n, err = s.body.Read(p)
	returned = true
	if cause := s.interrupted(); cause != nil {
		return 0, cause // others have heard of the end: what came after it is too late
	}
	if n < 0 || n > len(p) {
		return 0, fmt.Errorf("cache: body returned an invalid count of %d for %d bytes", n, len(p))
	}
	return n, err
}

// Close closes the body and ends its context. It is called once, when no Read is
// under way.
func (s *source) Close() error {
	s.waiting.Store(-1)
	s.timer.Stop()
	s.cache.sources.remove(s)
	if s.cancel != nil {
		defer s.cancel(nil)
	}
	if s.body == nil {
		return nil
	}
	return s.body.Close()
}

// sources are those that are open, so that Close can end them.
type sources struct {
	mu    sync.Mutex // guards the following 2 fields, and the links of each source
	first *source
	ended error // what those that come are interrupted with
}

func (l *sources) add(s *source) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s.next = l.first; s.next != nil {
		s.next.prev = s
	}
	l.first = s
	if l.ended != nil {
		s.interrupt(l.ended)
	}
}

func (l *sources) remove(s *source) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s.prev != nil {
		s.prev.next = s.next
	} else {
		l.first = s.next
	}
	if s.next != nil {
		s.next.prev = s.prev
	}
	s.next, s.prev = nil, nil
}

func (l *sources) interrupt(cause error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended = cause
	for s := l.first; s != nil; s = s.next {
		s.interrupt(cause)
	}
}
