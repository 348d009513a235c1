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
	stream stream // nil: body, from off on
	body   store.Body
	off    int64
	cache  *DaramjweeCache
	meta   *store.Metadata
	status status
}

// stream is where a response reads from: an entry of a tier, or a fill.
type stream = io.ReadCloser

// Read implements io.Reader. After Close it returns ErrResponseClosed.
func (r *Response) Read(p []byte) (int, error) {
	if !r.fence.Enter() {
		return 0, ErrResponseClosed
	}
	defer r.leave()
	if r.body != nil {
		n, err := r.body.ReadAt(p, r.off)
		if r.off += int64(n); n > 0 {
			err = nil // at the next call
		}
		return n, err
	}
	return r.stream.Read(p)
}

// WriteTo implements io.WriterTo, so that io.Copy uses the pool's buffers, or
// none where the tier writes by itself.
func (r *Response) WriteTo(w io.Writer) (int64, error) {
	if !r.fence.Enter() {
		return 0, ErrResponseClosed
	}
	defer r.leave()
	if r.body != nil {
		n, err := r.body.WriteFrom(w, r.off)
		r.off += n
		return n, err
	}
	if wt, ok := r.stream.(io.WriterTo); ok {
		return wt.WriteTo(w)
	}
	return r.cache.BufferPool.CopyBuffer(w, r.stream)
}

func (r *Response) leave() {
	if r.fence.Leave() {
		r.release() // Close has returned already, so there is nobody to tell
	}
}

func (r *Response) release() error {
	if r.body != nil {
		r.body.Release()
		return nil
	}
	return r.stream.Close()
}

// Close ends the response. Its error is that of the tier or the origin, and says
// nothing about what was read before.
func (r *Response) Close() error {
	first, release := r.fence.Close()
	if release {
		return r.release()
	}
	if waiting, ok := r.stream.(interface{ interrupt() }); ok && first {
		waiting.interrupt()
	}
	return nil
}

// Metadata describes the entry. It is shared: do not change it.
func (r *Response) Metadata() *store.Metadata { return r.meta }

// Size is the length of the body in bytes, -1 while it is unknown.
func (r *Response) Size() int64 { return r.meta.Size }
