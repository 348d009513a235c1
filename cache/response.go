package cache

import (
	"io"
	"strconv"
	"strings"
	"time"

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
	status Status
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

// Status says how the cache came to this response.
func (r *Response) Status() Status { return r.status }

// The reasons why a request went to the origin, in RFC 9211's words.
const (
	FwdMiss   = "uri-miss" // no tier had the key
	FwdStale  = "stale"    // an entry was there, but too old
	FwdBypass = "bypass"   // another caller's fetch could not be shared
)

// Status is what RFC 9211 has a cache say about a response.
type Status struct {
	Hit       bool          // served from a tier without asking the origin, or in its stead
	Fwd       string        // why the origin was asked; "" for a hit
	FwdStatus int           // 304 when the origin said that the entry is current
	Stored    bool          // storing the response was begun
	Collapsed bool          // joined another caller's fetch, or waited for it
	TTL       time.Duration // freshness left; negative: stale for so long
	Detail    string        // "tier-0" and so on; "stale-if-error" after it when the origin failed
}

// String formats the parameters as a member of Cache-Status has them.
func (s Status) String() string {
	var b strings.Builder
	add := func(param string) {
		if b.Len() > 0 {
			b.WriteString("; ")
		}
		b.WriteString(param)
	}
	if s.Hit {
		add("hit")
	}
	if s.Fwd != "" {
		add("fwd=" + s.Fwd)
	}
	if s.FwdStatus != 0 {
		add("fwd-status=" + strconv.Itoa(s.FwdStatus))
	}
	if s.Hit || s.Stored {
		add("ttl=" + strconv.FormatInt(int64(s.TTL/time.Second), 10))
	}
	if s.Stored {
		add("stored")
	}
	if s.Collapsed {
		add("collapsed")
	}
	if s.Detail != "" {
		add("detail=" + s.Detail)
	}
	return b.String()
}
