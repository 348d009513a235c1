package cache

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"time"

	"github.com/daramjwee/daramjwee/cache/store"
)

var (
	errTimeout = errors.New("cache: the origin took too long")
	errGoexit  = errors.New("cache: Fetcher ended its goroutine")
)

// fetch asks the origin. The context it gives the Fetcher ends with the caller's
// and after OpTimeout, but only until the Fetcher returns: cancelling it later
// would cut the body (the commonest fault of such caches). From then on it ends
// with the source. On every error there is no source.
func (c *DaramjweeCache) fetch(ctx context.Context, f Fetcher, old *store.Metadata) (*FetchResult, *source, error) {
	c.counts.fetches.Add(1)
	fctx, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	unlinkCaller := context.AfterFunc(ctx, func() { cancel(context.Cause(ctx)) })
	unlinkCache := context.AfterFunc(c.ctx, func() { cancel(ErrCacheClosed) })
	timer := time.AfterFunc(c.cfg.OpTimeout, func() { cancel(errTimeout) })

	res, err := call(fctx, f, old)

	inTime := timer.Stop()
	unlinkCaller()
	if err == nil && res == nil {
		err = errors.New("cache: Fetcher returned neither a result nor an error")
	}
	if cause := context.Cause(fctx); cause != nil && (err == nil || errors.Is(err, context.Canceled)) {
		err = cause // more telling than "context canceled", and a body whose context has ended is no good
	}
	if err == nil {
		src := newSource(res)
		src.ctx, src.cancel, src.unlink = fctx, cancel, unlinkCache
		src.stalled, src.timeout = timer, c.cfg.OpTimeout
		return res, src, nil
	}
	if res != nil && res.Body != nil {
		res.Body.Close()
	}
	unlinkCache()
	cancel(nil)
	if errors.Is(err, errTimeout) && !inTime {
		err = fmt.Errorf("%w: no answer within %v: %w", errTimeout, c.cfg.OpTimeout, context.DeadlineExceeded)
	}
	switch {
	case errors.Is(err, ErrNotModified):
		c.counts.notModified.Add(1)
	case !errors.Is(err, ErrNotFound):
		c.counts.fetchErrors.Add(1)
	}
	return res, nil, err
}

// call turns a panic of the Fetcher into an error. A Fetcher that calls Goexit
// takes its goroutine along: the deferred calls of fetch's callers see errGoexit
// as the flight's end.
func call(ctx context.Context, f Fetcher, old *store.Metadata) (res *FetchResult, err error) {
	defer func() {
		if v := recover(); v != nil {
			res, err = nil, &PanicError{Value: v, Stack: debug.Stack()}
		}
	}()
	return f.Fetch(ctx, old)
}

// source is a body on its way: it knows when the body is whole, holds it to its
// declared size, and ends an origin that stalls. It is read by one goroutine.
type source struct {
	body io.ReadCloser
	size int64 // declared; -1: unknown
	n    int64 // read so far

	whole bool  // all of the body was read, and nothing too much
	err   error // how it ended; io.EOF also when it was cut at its declared size

	ctx     context.Context // the Fetcher's; nil for an entry of a tier
	stalled *time.Timer     // cancels ctx
	timeout time.Duration
	cancel  context.CancelCauseFunc // of ctx
	unlink  func() bool             // ctx from the cache's
}

func newSource(res *FetchResult) *source {
	s := &source{body: res.Body, size: res.Metadata.Size}
	if s.body == nil {
		s.body = io.NopCloser(eof{})
	}
	if s.size <= 0 { // 0 is what a Fetcher that does not know leaves
		s.size = -1
	}
	return s
}

type eof struct{}

func (eof) Read([]byte) (int, error) { return 0, io.EOF }

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

func (s *source) readBody(p []byte) (int, error) {
	if s.stalled == nil {
		return s.body.Read(p)
	}
	s.stalled.Reset(s.timeout)
	n, err := s.body.Read(p)
	if !s.stalled.Stop() && err != nil && err != io.EOF {
		err = fmt.Errorf("%w: no bytes within %v: %w", errTimeout, s.timeout, context.DeadlineExceeded)
	}
	if n < 0 || n > len(p) {
		return 0, fmt.Errorf("cache: body returned an invalid count of %d for %d bytes", n, len(p))
	}
	return n, err
}

// Close closes the body and ends its context. It is called once.
func (s *source) Close() error {
	err := s.body.Close()
	if s.cancel != nil {
		s.unlink()
		s.cancel(nil)
	}
	return err
}

// interrupt ends a Read that waits for the origin. It is safe to call beside it.
func (s *source) interrupt() {
	if s.cancel != nil {
		s.cancel(ErrResponseClosed)
	}
}

// interrupted tells the end that its own reader asked for from the origin's.
func (s *source) interrupted() bool {
	return s.ctx != nil && errors.Is(context.Cause(s.ctx), ErrResponseClosed)
}
