package cache

import (
	"context"
	"fmt"
	"io"
	"sync/atomic"
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

	cancel   context.CancelCauseFunc // of the Fetcher's context; nil for an entry of a tier
	cause    atomic.Pointer[error]   // why it was interrupted
	unfollow func() bool             // ends what follow began; nil: nothing did

	calls atomic.Int64 // that have begun and ended: odd while one waits for the origin
	fill  *fill        // to be told when a call has waited for OpTimeout; nil: none

	// Of cache.sources.
	next, prev *source
	seen       int64 // calls, at the last look
	since      int64 // when that was seen first, on the cache's clock
}

// open begins the source's life, which a Close ends, with a call that waits for
// the origin.
func (s *source) open(c *DaramjweeCache) {
	s.cache, s.size = c, -1
	s.calls.Store(1)
	c.sources.add(s)
}

// interrupt ends the source with an error, and a Fetch or a Read that waits for
// the origin with it. Only the first one counts.
func (s *source) interrupt(cause error) {
	if s.cause.CompareAndSwap(nil, &cause) && s.cancel != nil {
		s.cancel(cause)
	}
}

// follow has the source end with its only caller.
func (s *source) follow(ctx context.Context) {
	s.unfollow = context.AfterFunc(ctx, func() { s.interrupt(ctx.Err()) })
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
		s.calls.Add(1)
		if !returned { // a Goexit goes on from here
			n, err = 0, unwound(recover())
			s.err = err
		}
	}()
	s.calls.Add(1)
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
	s.cache.sources.remove(s)
	if s.unfollow != nil {
		s.unfollow()
	}
	if s.cancel != nil {
		defer s.cancel(nil)
	}
	if s.body == nil {
		return nil
	}
	return s.body.Close()
}
