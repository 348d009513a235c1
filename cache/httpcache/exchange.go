package httpcache

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"github.com/daramjwee/daramjwee/cache"
)

// exchange is one request on its way to an answer.
type exchange struct {
	*Handler
	w   http.ResponseWriter
	r   *http.Request
	url *url.URL // at the origin
	key string
	cc  directives // of the request
}

// get answers from the cache, which asks the origin by way of a fetch.
func (x *exchange) get() {
	f := &fetch{asker: asker{exchange: x}}
	f.hints.w = x.w
	resp, err := x.cache.Get(x.r.Context(), x.key, f)
	f.hints.end()
	if err != nil {
		x.failed(err, cache.Status{Fwd: "miss"})
		return
	}
	defer resp.Close()
	status := resp.Status()
	if !status.Hit { // a client that has gone does not wait for a silent origin
		stop := context.AfterFunc(x.r.Context(), func() { resp.Close() })
		defer stop()
	}
	if status.Hit && status.TTL <= 0 {
		f.prepare() // a refresh may use f after this handler has returned
	}
	switch last := f.told(); {
	case status.Hit && !accepts(x.cc, resp.Metadata(), status.TTL):
		resp.Close()
		x.passThrough(cache.Status{Fwd: "request"})
	case !status.Hit && last.relay != nil: // after a hit it is the refresh's
		x.relay(last.relay, resp)
	default:
		x.serve(resp, last)
	}
}

// lookup answers from a fresh entry, if there is one that the client accepts.
func (x *exchange) lookup() (answered bool) {
	resp, err := x.cache.Lookup(x.r.Context(), x.key)
	if errors.Is(err, cache.ErrNotFound) {
		return false
	}
	if err != nil {
		x.failed(err, cache.Status{Fwd: "miss"})
		return true
	}
	defer resp.Close()
	if !accepts(x.cc, resp.Metadata(), resp.Status().TTL) {
		return false
	}
	x.serve(resp, told{})
	return true
}
