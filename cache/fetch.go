package cache

import (
	"context"
	"errors"
	"io"
	"runtime/debug"
	"time"

	"github.com/daramjwee/daramjwee/cache/store"
)

var (
	errTimeout = errors.New("cache: the origin took too long")
	errGoexit  = errors.New("cache: the origin's code ended its goroutine")
)

// asked opens the source of a fetch. Its Fetcher will get the caller's values,
// but not the caller's end: that would cut the body (the commonest fault of such
// caches), and others may be reading it.
func (s *source) asked(c *DaramjweeCache, ctx context.Context) context.Context {
	if ctx.Done() != nil {
		ctx = context.WithoutCancel(ctx)
	}
	ctx, s.cancel = context.WithCancelCause(ctx)
	s.open(c)
	return ctx
}

// fetch asks the origin. ctx is from asked. On every error the source is closed.
func (c *DaramjweeCache) fetch(ctx context.Context, key string, s *source, f Fetcher, old *store.Metadata) (res *FetchResult, err error) {
	c.counts.fetches.Add(1)
	began, returned := c.observedSince(), false
	defer func() {
		if !returned {
			err = unwound(recover())
		}
		if began != 0 {
			c.observe(ctx, Event{Kind: EventFetch, Key: key, Tier: -1, Elapsed: time.Duration(c.clock() - began), Err: err})
		}
		if err != nil {
			c.fetchFailed(s, res, err)
		}
	}()
	res, err = f.Fetch(ctx, old)
	returned = true
	s.calls.Add(1)
	if err == nil && res == nil {
		err = errors.New("cache: Fetcher returned neither a result nor an error")
	}
	if cause := s.interrupted(); cause != nil && (err == nil || errors.Is(err, context.Canceled)) {
		err = cause // more telling than "context canceled", and a body whose context has ended is no good
	}
	if err == nil {
		s.deliver(res)
	}
	return res, err
}

func (c *DaramjweeCache) fetchFailed(s *source, res *FetchResult, err error) {
	if res != nil {
		s.body = res.Body
	}
	s.Close()
	switch {
	case errors.Is(err, ErrNotModified):
		c.counts.notModified.Add(1)
	case !errors.Is(err, ErrNotFound):
		c.counts.fetchErrors.Add(1)
	}
}

// deliver gives the source its body.
func (s *source) deliver(res *FetchResult) {
	s.body, s.size = res.Body, res.Metadata.Size
	if s.body == nil {
		s.body = io.NopCloser(eof{})
	}
	if s.size <= 0 { // 0 is what a Fetcher that does not know leaves
		s.size = -1
	}
}

type eof struct{}

func (eof) Read([]byte) (int, error) { return 0, io.EOF }

// unwound is the error for a call that did not return: it panicked with v, or
// ended its goroutine.
func unwound(v any) error {
	if v == nil {
		return errGoexit
	}
	return &PanicError{Value: v, Stack: debug.Stack()}
}
