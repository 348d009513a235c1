package httpcache

import (
	"errors"
	"io"
	"net/http"
	"strconv"

	"github.com/daramjwee/daramjwee/cache"
)

// serve answers with a response of the cache. of is what a fetch brought beside a miss.
func (x *exchange) serve(resp *cache.Response, of told) {
	m, size, status := resp.Metadata(), resp.Size(), resp.Status()
	if status.Hit && x.serveHit(resp) {
		return
	}
	// RFC 9111 section 5.1: the answer to this very request has no Age, unless it
	// came with one.
	aged := status.Hit || status.Collapsed || of.aged
	if !status.Hit && of.empty {
		size = 0
	}
	h := newAdder(x.w.Header(), m.Header.Len()+4) // and the four that are set below
	code := fromEntry(h, m.Header)
	if aged {
		h.set("Age", ageField(m))
	}
	h.add("Cache-Status", cacheStatus(x.name, status))
	if code == http.StatusOK && notModified(x.r.Header, m.ETag, modifiedAt(m)) {
		x.serveNotModified(resp)
		return
	}
	if !has(h.Header, "Content-Type") {
		h.Header["Content-Type"] = nil // net/http guesses none then
	}
	if content, seeks := resp.ReadSeeker(); seeks && code == http.StatusOK {
		h.set("Accept-Ranges", "bytes")
		if x.servePartial(resp, content) {
			return
		}
	}
	if size >= 0 {
		h.set("Content-Length", strconv.FormatInt(size, 10))
	}
	x.w.WriteHeader(code)
	if x.r.Method == http.MethodHead {
		return
	}
	var body io.Writer = x.w
	if size < 0 { // as ReverseProxy: what comes in pieces goes out in pieces
		body = newFlushing(x.w)
	}
	_, err := resp.WriteTo(body)
	x.cutShort(err)
}

// cutShort ends the connection after an error, so that the client does not take
// what it got for whole.
func (x *exchange) cutShort(err error) {
	if err != nil {
		x.logFailure("httpcache: answer cut short", err)
		panic(http.ErrAbortHandler)
	}
}

// serveNotModified tells the client that its copy is current. A fill goes on: the
// next client may have none.
func (x *exchange) serveNotModified(resp *cache.Response) {
	withoutContent(x.w.Header())
	x.w.WriteHeader(http.StatusNotModified)
	if s := resp.Status(); s.Hit || !s.Stored || x.r.Method == http.MethodHead {
		return
	}
	flush(x.w)
	if _, err := resp.WriteTo(io.Discard); err != nil {
		x.logFailure("httpcache: fill cut short", err)
	}
}

// withoutContent removes what a 304 does not say (RFC 9110 section 15.4.5).
func withoutContent(h http.Header) {
	for _, name := range []string{"Content-Type", "Content-Length", "Content-Encoding", "Content-Language", "Content-Range"} {
		h.Del(name)
	}
	if has(h, "Etag") {
		h.Del("Last-Modified")
	}
}

// flushing sends every Write on its way at once. Without ReadFrom it hides that
// of the ResponseWriter, which would wait for more.
type flushing struct{ w http.ResponseWriter }

func newFlushing(w http.ResponseWriter) flushing {
	flush(w) // the header
	return flushing{w}
}

func (f flushing) Write(p []byte) (int, error) {
	n, err := f.w.Write(p)
	if err == nil {
		err = flush(f.w)
	}
	return n, err
}

func flush(w http.ResponseWriter) error {
	if err := http.NewResponseController(w).Flush(); !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	return nil
}
