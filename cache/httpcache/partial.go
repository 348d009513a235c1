package httpcache

import (
	"errors"
	"io"
	"net/http"
	"strconv"

	"github.com/daramjwee/daramjwee/cache"
)

// http.ServeContent would do much of this, but answers 416 to units that it does
// not know and 206 to "bytes=-0", takes every date for a strong validator, and
// copies with buffers of its own.

// getRange answers a GET with a Range from an entry, fresh or stale inside its
// window. Without one the range passes through, and nothing is stored: a client
// that wants the end of a large body does not wait for all of it.
func (x *exchange) getRange() {
	f := &fetch{asker: asker{exchange: x}} // of a refresh, and of what a tier fails to give
	resp, err := x.cache.LookupStale(x.r.Context(), x.key, f)
	switch {
	case errors.Is(err, cache.ErrNotFound):
		x.passThrough(cache.Status{Fwd: "miss", Detail: "range"})
		return
	case err != nil:
		x.failed(err, cache.Status{Fwd: "miss"})
		return
	}
	defer resp.Close()
	if resp.Status().TTL <= 0 {
		f.prepare() // the refresh may use f after this handler has returned
	}
	_, seeks := resp.ReadSeeker()
	switch {
	case !accepts(x.cc, resp.Metadata(), resp.Status().TTL):
		resp.Close()
		x.passThrough(cache.Status{Fwd: "request"})
	case !seeks:
		resp.Close()
		x.passThrough(cache.Status{Fwd: cache.FwdBypass, Detail: "range"})
	default:
		x.serve(resp, told{})
	}
}

// servePartial answers with the ranges of an entry that the client asked for. It
// reports false when the client gets all of it. The header is that of the whole
// answer so far.
func (x *exchange) servePartial(resp *cache.Response, content io.ReadSeeker) (served bool) {
	if x.r.Method != http.MethodGet || !ifRange(x.r.Header, resp.Metadata()) { // RFC 9110 section 14.2: Range is for GET alone
		return false
	}
	size, h := resp.Size(), x.w.Header()
	ranges, ok := parseRange(x.r.Header["Range"], size)
	switch {
	case !ok:
		x.rangeNotSatisfiable(size)
	case len(ranges) == 0:
		return false
	case len(ranges) == 1:
		withoutDigest(h)
		h.Set("Content-Range", ranges[0].contentRange(size))
		h.Set("Content-Length", strconv.FormatInt(ranges[0].length, 10))
		x.w.WriteHeader(http.StatusPartialContent)
		x.cutShort(x.copyRange(x.w, content, ranges[0]))
	case has(h, "Content-Encoding"): // the multipart would be taken for the encoded one
		return false
	default:
		withoutDigest(h)
		x.serveParts(content, size, ranges)
	}
	return true
}

// rangeNotSatisfiable is about none of the entry's fields (RFC 9110 section
// 15.5.17).
func (x *exchange) rangeNotSatisfiable(size int64) {
	h := x.w.Header()
	status := h["Cache-Status"]
	clear(h)
	h["Cache-Status"] = status
	h.Set("Accept-Ranges", "bytes")
	h.Set("Content-Range", "bytes */"+strconv.FormatInt(size, 10))
	fail(x.w, http.StatusRequestedRangeNotSatisfiable)
}

// copyRange copies one range with the pool's buffers.
func (x *exchange) copyRange(dst io.Writer, content io.ReadSeeker, r byteRange) error {
	if _, err := content.Seek(r.start, io.SeekStart); err != nil {
		return err
	}
	n, err := x.cache.BufferPool.CopyBuffer(dst, io.LimitReader(content, r.length))
	if err == nil && n < r.length {
		err = io.ErrUnexpectedEOF
	}
	return err
}

// withoutDigest removes what is about the content of the whole answer (RFC 9530
// section 2), and not about the representation.
func withoutDigest(h http.Header) {
	h.Del("Content-Digest")
	h.Del("Content-Md5")
}
