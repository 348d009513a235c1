package cache

import (
	"io"

	"github.com/daramjwee/daramjwee/cache/store"
	"github.com/daramjwee/daramjwee/internal/fence"
)

// Response is the body of a key and what is known of it. Its caller reads it
// from one goroutine and must close it. Close may be called from another
// goroutine, more than once, and never waits for a Read or a WriteTo that is
// under way: one that waits for the origin is ended, unless others read the same
// body.
type Response struct {
	fence  fence.Fence
	body   store.Body // from off on, or a *stream
	off    int64
	cache  *DaramjweeCache
	meta   *store.Metadata
	status status
}

// stream is a Response and its body, which has a position of its own, and no use for
// that of a Response: a fill's, or that of a tier which is no store.BodyOpener.
type stream struct {
	resp Response
	from io.ReadCloser
}

func (s *stream) open(c *DaramjweeCache, from io.ReadCloser, m *store.Metadata, how status) *Response {
	s.from = from
	s.resp.body, s.resp.cache, s.resp.meta, s.resp.status = s, c, m, how
	return &s.resp
}

func (s *stream) ReadAt(p []byte, _ int64) (int, error) { return s.from.Read(p) }

func (s *stream) WriteFrom(w io.Writer, _ int64) (int64, error) {
	if wt, ok := s.from.(io.WriterTo); ok {
		return wt.WriteTo(w)
	}
	return s.resp.cache.BufferPool.CopyBuffer(w, s.from)
}

func (s *stream) Release() { s.from.Close() } // there is nobody to tell

func (s *stream) interrupt() {
	if waiting, ok := s.from.(interface{ interrupt() }); ok {
		waiting.interrupt()
	}
}

// Read implements io.Reader. After Close it returns ErrResponseClosed.
func (r *Response) Read(p []byte) (int, error) {
	if !r.fence.Enter() {
		return 0, ErrResponseClosed
	}
	defer r.leave()
	n, err := r.body.ReadAt(p, r.off)
	if r.off += int64(n); n > 0 && err == io.EOF {
		err = nil // at the next call
	}
	return n, err
}

// WriteTo implements io.WriterTo, so that io.Copy uses the pool's buffers, or
// none where the tier writes by itself.
func (r *Response) WriteTo(w io.Writer) (int64, error) {
	if !r.fence.Enter() {
		return 0, ErrResponseClosed
	}
	defer r.leave()
	n, err := r.body.WriteFrom(w, r.off)
	r.off += n
	return n, err
}

func (r *Response) leave() {
	if r.fence.Leave() {
		r.body.Release() // Close has returned already
	}
}

// Close ends the response. Its error is that of the tier or the origin, and says
// nothing about what was read before.
func (r *Response) Close() error {
	first, release := r.fence.Close()
	s, streams := r.body.(*stream)
	switch {
	case release && streams:
		return s.from.Close()
	case release:
		r.body.Release()
	case first && streams:
		s.interrupt()
	}
	return nil
}

// Metadata describes the entry. It is shared: do not change it.
func (r *Response) Metadata() *store.Metadata { return r.meta }

// Size is the length of the body in bytes, -1 while it is unknown.
func (r *Response) Size() int64 { return r.meta.Size }
