package httpcache

import (
	"net/http"
	"time"

	"github.com/daramjwee/daramjwee/cache"
	"github.com/daramjwee/daramjwee/cache/store"
)

// refuse returns the status of requests that no cache and no origin is asked
// about, 0 for all others.
func refuse(r *http.Request) int {
	switch {
	case r.URL.Opaque != "": // "GET mailto:x" has no path to join
		return http.StatusBadRequest
	case r.Method == http.MethodConnect: // a gateway is no tunnel
		return http.StatusNotImplemented
	case listContains(r.Header["Upgrade"], "websocket"):
		// RFC 9110 section 7.8 allows to ignore Upgrade, and h2c is: an answer in
		// HTTP/1.1 is as good. A WebSocket client can do nothing with one.
		return http.StatusNotImplemented
	}
	return 0
}

// requestDirectives reads Cache-Control, or without it Pragma (RFC 9111 section
// 5.4).
func requestDirectives(h http.Header) directives {
	if lines, ok := h["Cache-Control"]; ok {
		return parseCacheControl(lines)
	}
	if listContains(h["Pragma"], "no-cache") {
		return parseCacheControl([]string{"no-cache"})
	}
	return directives{}
}

// bypass returns why a request goes to the origin without a look at the cache:
// the value of fwd in RFC 9211 section 2.2 and a word of detail, "" if it does
// not. identity tells whether an answer that is not encoded will do.
func bypass(r *http.Request, cc directives, identity bool) (fwd, detail string) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return "method", ""
	}
	for _, b := range []struct {
		detail string
		yes    bool
	}{
		{"authorization", has(r.Header, "Authorization")},
		{"precondition", has(r.Header, "If-Match", "If-Unmodified-Since")},
		{"content", r.ContentLength != 0}, // it may select the answer, and is not part of the key
		{"no-store", cc.has("no-store")},
	} {
		if b.yes {
			return cache.FwdBypass, b.detail
		}
	}
	if !identity {
		return cache.FwdBypass, "encoding"
	}
	if age, present, valid := cc.seconds("max-age"); cc.has("no-cache") || present && (age == 0 || !valid) {
		return "request", ""
	}
	return "", ""
}

// accepts reports whether a stored answer is what the client will have (RFC 9111
// sections 5.2.1.1 and 5.2.1.3).
func accepts(cc directives, m *store.Metadata, ttl time.Duration) bool {
	if most, present, _ := cc.seconds("max-age"); present && ageNow(m) > most {
		return false
	}
	fresh, present, valid := cc.seconds("min-fresh")
	return !present || valid && ttl >= fresh
}

func has(h http.Header, names ...string) bool {
	for _, name := range names {
		if _, ok := h[name]; ok {
			return true
		}
	}
	return false
}
