package httpcache

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httputil"

	"github.com/daramjwee/daramjwee/cache"
)

// passThrough has the origin answer. status says why.
func (x *exchange) passThrough(status cache.Status) {
	x.proxy(x.transport, status)
}

// proxy is httputil.ReverseProxy's work: trailers, flushing, informational
// answers, and the end of both sides.
func (x *exchange) proxy(t http.RoundTripper, status cache.Status) {
	proxy := &httputil.ReverseProxy{
		Rewrite: x.rewrite, Transport: t, BufferPool: x.buffers, ErrorLog: x.errorLog,
		ModifyResponse: func(res *http.Response) error {
			if res.StatusCode == http.StatusSwitchingProtocols { // no Upgrade was passed on
				return fmt.Errorf("%w: %d", errUnasked, res.StatusCode)
			}
			x.invalidate(res)
			res.Header.Add("Cache-Status", cacheStatus(x.name, status))
			return nil
		},
		ErrorHandler: func(_ http.ResponseWriter, _ *http.Request, err error) { x.failed(err, status) },
	}
	proxy.ServeHTTP(x.w, x.r)
}

// rewrite makes the origin's request of the client's, for whatever is passed on
// and for every fetch.
func (x *exchange) rewrite(pr *httputil.ProxyRequest) {
	out := pr.Out
	out.URL, out.Host = x.url, "" // the URL's
	removeHopByHop(out.Header)    // once more: ReverseProxy puts Upgrade back
	if listContains(pr.In.Header["Te"], "trailers") {
		out.Header.Set("Te", "trailers")
	}
	for _, name := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"} {
		out.Header.Del(name) // anyone can write these
	}
	pr.SetXForwarded()
	if _, ok := out.Header["User-Agent"]; !ok {
		out.Header.Set("User-Agent", "") // else the Transport sends its own
	}
	if out.Method != http.MethodGet && out.Method != http.MethodHead {
		return
	}
	// An answer to these is for everybody, or of the representation that is: the
	// Host of one client, which can be anything, is not to end up in its links.
	out.Header.Del("X-Forwarded-Host")
	if encodings, ok := acceptedCodings(pr.In.Header); ok {
		if encodings == "" {
			encodings = "identity" // none at all would allow any (RFC 9110 section 12.5.3)
		}
		out.Header.Set("Accept-Encoding", encodings)
	}
}

// relayed is an answer that is not stored. Its handler takes it over from the
// cache: the client gets what passing through would have given it, for as long as
// it comes, without the cache's time-outs.
type relayed struct {
	*answer
	reason string
	taken  bool
}

func newRelayed(a *answer, reason string) *relayed {
	a.unlink()
	return &relayed{answer: a, reason: reason}
}

// Read implements io.Reader.
func (r *relayed) Read(p []byte) (int, error) { return r.Body.Read(p) }

// Close is the cache's, when no handler took the answer: after a refresh.
func (r *relayed) Close() error {
	if r.taken {
		return nil
	}
	defer r.cancel(nil)
	return r.Body.Close()
}

// relay passes on what a fetch brought, in place of the cache's response. It makes
// a 304 of it where the client's conditions, which the origin did not see, allow
// that.
func (x *exchange) relay(r *relayed, resp *cache.Response) {
	r.taken = true
	resp.Close()
	defer r.cancel(nil)
	defer context.AfterFunc(x.r.Context(), func() { r.cancel(context.Cause(x.r.Context())) })()
	res := r.Response
	status := resp.Status()
	status.Detail = r.reason
	if modified, _ := http.ParseTime(res.Header.Get("Last-Modified")); res.StatusCode == http.StatusOK &&
		notModified(x.r.Header, res.Header.Get("Etag"), modified) {
		res.Body.Close()
		res.StatusCode, res.Body, res.ContentLength, res.Trailer = http.StatusNotModified, http.NoBody, 0, nil
		withoutContent(res.Header)
		status.FwdStatus = http.StatusOK
	}
	x.proxy(roundTripperFunc(func(*http.Request) (*http.Response, error) { return res, nil }), status)
}

type roundTripperFunc func(*http.Request) (*http.Response, error)

func (f roundTripperFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
