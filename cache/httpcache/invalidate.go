package httpcache

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/daramjwee/daramjwee/cache"
)

// invalidate forgets what an unsafe request has changed, before its answer goes
// out (RFC 9111 section 4.4): the target, and what Location and Content-Location
// name at the same origin. An answer that tells of an error changed nothing.
func (x *exchange) invalidate(res *http.Response) {
	switch x.r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace: // RFC 9110 section 9.2.1
		return
	}
	if res.StatusCode < 200 || res.StatusCode >= 400 {
		return
	}
	x.forget(everyKey(x.url)...)
	for _, name := range []string{"Location", "Content-Location"} {
		if u := x.sameOrigin(res.Header.Get(name)); u != nil {
			x.forget(everyKey(u)...)
		}
	}
}

// sameOrigin resolves a reference that the origin made. It is nil when it leads
// elsewhere: section 4.4 keeps one origin from invalidating another's entries.
func (x *exchange) sameOrigin(ref string) *url.URL {
	if ref == "" {
		return nil
	}
	u, err := x.url.Parse(ref)
	if err != nil || u.Scheme != x.url.Scheme || !strings.EqualFold(u.Hostname(), x.url.Hostname()) || port(u) != port(x.url) {
		return nil
	}
	u.Host, u.User, u.Fragment, u.RawFragment = x.url.Host, nil, "", ""
	return u
}

func port(u *url.URL) string {
	if p := u.Port(); p != "" {
		return p
	}
	if u.Scheme == "https" {
		return "443"
	}
	return "80"
}

// forget deletes entries, also when the client has left meanwhile.
func (x *exchange) forget(keys ...string) {
	ctx := context.WithoutCancel(x.r.Context())
	for _, k := range keys {
		if err := x.cache.Delete(ctx, k); err != nil && !errors.Is(err, cache.ErrCacheClosed) {
			x.log.Warn("httpcache: entry not deleted", "key", k, "err", err)
		}
	}
}
