package httpcache

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptrace"
	"net/http/httputil"
	"net/textproto"
	"sync"
	"time"

	"github.com/daramjwee/daramjwee/cache/store"
)

// asker sends the requests of a fetch. It outlives its exchange when a refresh
// uses it, and touches nothing of the client's request or answer then.
type asker struct {
	*exchange
	hints  informational
	once   sync.Once
	header http.Header // of the requests; set by prepare
}

// prepare makes the header that the origin gets: the one that passing through
// would send, without what is about the client's own copy: a fetch is of the whole.
func (f *asker) prepare() {
	f.once.Do(func() {
		out := &http.Request{Method: http.MethodGet, Header: f.r.Header.Clone()}
		f.rewrite(&httputil.ProxyRequest{In: f.r, Out: out})
		for _, name := range []string{"If-None-Match", "If-Modified-Since", "Range", "If-Range"} {
			out.Header.Del(name)
		}
		f.header = out.Header
	})
}

// answer is what the origin said, and when.
type answer struct {
	*http.Response
	requested, received time.Time
	conditional         bool // a 304 was asked for

	cancel context.CancelCauseFunc // ends the body
	unlink func() bool             // from the context of the Fetch
}

// drop closes an answer that nobody reads.
func (a *answer) drop() {
	a.Body.Close()
	a.unlink()
	a.cancel(nil)
}

// ask sends one request, conditional when old has a validator. The answer's
// context follows ctx until unlink.
func (f *asker) ask(ctx context.Context, old *store.Metadata) (*answer, error) {
	f.prepare()
	own, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	a := &answer{requested: time.Now(), cancel: cancel}
	a.unlink = context.AfterFunc(ctx, func() { cancel(context.Cause(ctx)) })
	own = httptrace.WithClientTrace(own, &httptrace.ClientTrace{Got1xxResponse: f.hints.forward})
	req := (&http.Request{
		Method: http.MethodGet, URL: f.url, Header: f.header.Clone(),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}).WithContext(own)
	a.conditional = setConditions(req.Header, old)
	res, err := f.transport.RoundTrip(req)
	a.Response, a.received = res, time.Now()
	if err == nil && res.StatusCode == http.StatusNotModified && !a.conditional {
		a.Body.Close()
		err = fmt.Errorf("%w: %d", errUnasked, res.StatusCode)
	}
	if err != nil {
		a.unlink()
		cancel(nil)
		return nil, err
	}
	return a, nil
}

// informational forwards 1xx answers (RFC 9110 section 15.2) while the client
// waits for the final one.
type informational struct {
	mu sync.Mutex // guards w, and its use against end
	w  http.ResponseWriter
}

func (i *informational) forward(code int, header textproto.MIMEHeader) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.w == nil || code == http.StatusContinue || code == http.StatusSwitchingProtocols {
		return nil
	}
	h := i.w.Header()
	final := maps.Clone(h)
	clear(h)
	maps.Copy(h, http.Header(header))
	i.w.WriteHeader(code)
	clear(h)
	maps.Copy(h, final)
	return nil
}

// end is called before anything else is written.
func (i *informational) end() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.w = nil
}
