package cache

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/daramjwee/daramjwee/cache/store"
)

// hit reads an entry where it lies. Should its tier fail, or have less of it than there
// was to be, the origin has the rest. It is read by one goroutine; interrupt may be called
// beside that.
type hit struct {
	cache   *DaramjweeCache
	tier    int
	key     string
	ctx     context.Context // ends what it has of the origin
	fetcher Fetcher

	entry  store.Entry
	meta   *store.Metadata
	off    int64
	failed error // why the entry is not read any more
	ended  error // why nothing is
	rest   *source

	mu     sync.Mutex // guards what follows
	asking *source    // on its way to be rest
	left   bool       // the Response was closed while a call was under way
}

// Read implements io.Reader.
func (h *hit) Read(p []byte) (n int, err error) {
	if h.failed == nil {
		n, err = h.entry.Read(p)
		h.off += int64(n)
		if err = h.judge(err); h.failed == nil || n > 0 {
			return n, err
		}
	}
	if err := h.resume(); err != nil {
		return 0, err
	}
	return h.rest.Read(p)
}

// WriteTo implements io.WriterTo.
func (h *hit) WriteTo(dst io.Writer) (n int64, err error) {
	if to, ok := h.entry.(io.WriterTo); ok && h.failed == nil {
		n, err = to.WriteTo(dst)
		h.off += n
		switch {
		case err == nil && h.off >= h.meta.Size:
			return n, nil
		case err == nil:
			err = io.EOF
		case !errors.Is(err, store.ErrUnreadable): // that of dst, for all we know
			return n, err
		}
		if err = h.judge(err); h.failed == nil {
			return n, err
		}
	}
	m, err := h.cache.BufferPool.CopyBuffer(dst, struct{ io.Reader }{h})
	return n + m, err
}

// judge tells the end of an entry from the failure of its tier, which the caller does not
// hear of as long as there is another way. What is said after the last byte may be about
// all of them, and is the caller's.
func (h *hit) judge(err error) error {
	switch size := h.meta.Size; {
	case err == nil, h.off >= size:
		return err
	case err == io.EOF:
		err = fmt.Errorf("%w after %d of %d bytes", io.ErrUnexpectedEOF, h.off, size)
	}
	h.failed = err
	h.cache.tierErred(h.ctx, h.tier, "read", h.key, err)
	return nil
}

// resume sees to it that there is a rest.
func (h *hit) resume() error {
	if h.rest == nil && h.ended == nil {
		src, err := h.cache.resume(h.ctx, h.key, h.fetcher, h.meta, h.off, h.begun)
		if err != nil {
			h.ended = fmt.Errorf("%w, after %w", err, h.failed)
		}
		h.rest = src
	}
	return h.ended
}

func (h *hit) begun(s *source) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.asking = s; h.left {
		s.interrupt(ErrResponseClosed)
	}
}

// interrupt ends a call that waits for the origin.
func (h *hit) interrupt() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.left = true; h.asking != nil {
		h.asking.interrupt(ErrResponseClosed)
	}
}

// Close implements io.Closer.
func (h *hit) Close() error {
	if h.rest != nil {
		defer h.cache.streams.leave()
		defer h.rest.Close() // says nothing of the tier
	}
	return h.entry.Close()
}
