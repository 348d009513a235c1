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
	stream stream
	cache  *DaramjweeCache
	meta   *store.Metadata
	size   int64
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
	return r.stream.Read(p)
}

// WriteTo implements io.WriterTo, so that io.Copy uses the pool's buffers, or
// none where the tier writes by itself.
func (r *Response) WriteTo(w io.Writer) (int64, error) {
	if !r.fence.Enter() {
		return 0, ErrResponseClosed
	}
	defer r.leave()
	if wt, ok := r.stream.(io.WriterTo); ok {
		return wt.WriteTo(w)
	}
	return r.cache.BufferPool.CopyBuffer(w, r.stream)
}

func (r *Response) leave() {
	if r.fence.Leave() {
		r.stream.Close() // Close has returned already, so there is nobody to tell
	}
}

// Close ends the response. Its error is that of the tier or the origin, and says
// nothing about what was read before.
func (r *Response) Close() error {
	first, release := r.fence.Close()
	if release {
		return r.stream.Close()
	}
	if waiting, ok := r.stream.(interface{ interrupt() }); ok && first {
		waiting.interrupt()
	}
	return nil
}

// Metadata describes the entry. It is shared: do not change it.
func (r *Response) Metadata() *store.Metadata { return r.meta }

// Size is the length of the body in bytes, -1 while it is unknown.
func (r *Response) Size() int64 { return r.size }
