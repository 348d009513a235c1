package httpcache

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/daramjwee/daramjwee/cache"
	"github.com/daramjwee/daramjwee/cache/store"
)

// fetch is the Fetcher of one exchange. A refresh may call it beside a client who reads
// on after a tier's failure.
type fetch struct {
	asker
	last atomic.Pointer[told]
}

// told is what is to be known of an answer beside what the cache keeps.
type told struct {
	relay *relayed // it is not stored
	aged  bool     // it came with an Age
	empty bool     // and is known to have no content: to the cache 0 is an unknown size
}

// told is of the last answer, if there was one.
func (f *fetch) told() told {
	if last := f.last.Load(); last != nil {
		return *last
	}
	return told{}
}

// statusError is a server error for which a stale entry can stand in.
type statusError int

func (e statusError) Error() string { return fmt.Sprintf("httpcache: origin answered %d", int(e)) }

var errUnasked = errors.New("httpcache: origin answered what was not asked for")

// Fetch implements cache.Fetcher: it says what an answer of the origin means for
// the entry, and hands on, to this caller alone, whatever must not be stored.
func (f *fetch) Fetch(ctx context.Context, old *store.Metadata) (*cache.FetchResult, error) {
	var last told
	defer func() { f.last.Store(&last) }()
	a, err := f.ask(ctx, old)
	if err != nil {
		return nil, err
	}
	last.aged = has(a.Header, "Age")
	if a.StatusCode == http.StatusNotModified {
		m, ok := f.revalidated(old, a)
		a.drop()
		if ok {
			return &cache.FetchResult{Metadata: m}, cache.ErrNotModified
		}
		// It speaks of another representation, or forbids to go on storing.
		if a, err = f.ask(ctx, nil); err != nil {
			return nil, err
		}
		last.aged = has(a.Header, "Age")
	}
	if old != nil && isServerError(a.StatusCode) && f.mayServeStale(old, a.received) {
		a.drop()
		return nil, statusError(a.StatusCode)
	}
	m := f.metadata(a.StatusCode, a.Header.Clone(), a)
	if reason := f.unstorable(a, m); reason != "" {
		if old != nil && replaces(a.StatusCode) {
			f.forget(f.key)
		}
		last.relay = newRelayed(a, reason)
		return &cache.FetchResult{Body: last.relay, NoStore: true}, nil
	}
	m.Size, last.empty = a.ContentLength, a.ContentLength == 0
	return &cache.FetchResult{Body: a.Body, Metadata: m}, nil
}

// metadata describes the entry that h, which it changes, is the header of.
func (f *fetch) metadata(status int, h http.Header, a *answer) store.Metadata {
	if !has(h, "Date") { // RFC 9110 section 6.6.1: whoever stores records one
		h.Set("Date", a.received.UTC().Format(http.TimeFormat))
	}
	m := store.Metadata{ETag: h.Get("Etag"), StoredAt: a.received.Add(-initialAge(h, a.requested, a.received))}
	if t, err := http.ParseTime(h.Get("Last-Modified")); err == nil {
		m.LastModified = t
	}
	setFreshness(&m, status, h, a.received, f.config.NegativeFreshness)
	m.Header = toEntry(status, h)
	return m
}

// revalidated is what a 304 makes of the entry that it was asked about (RFC 9111
// section 4.3.4); not ok when it must not be used.
func (f *fetch) revalidated(old *store.Metadata, a *answer) (m store.Metadata, ok bool) {
	if !a.conditional || !selects(a.Header, old) {
		return m, false
	}
	h := update(old.Header, a.Header)
	if unstorable(http.StatusOK, h) != "" {
		return m, false
	}
	return f.metadata(http.StatusOK, h, a), true
}

func (f *fetch) unstorable(a *answer, m store.Metadata) (reason string) {
	switch reason = unstorable(a.StatusCode, a.Header); {
	case reason != "":
		return reason
	case a.StatusCode == http.StatusNotFound && m.TTL < 0 && f.config.NegativeFreshness < 0:
		return "status" // the cache is configured to remember no "not found"
	case m.TTL < 0 && m.StaleWhileRevalidate < 0 && m.StaleIfError < 0 && m.ETag == "" && !has(a.Header, "Last-Modified"):
		return "no-validator" // no use without asking, and nothing to ask with
	}
	return unstorableBody(a.Response)
}

// isServerError are the errors of RFC 5861 section 4.
func isServerError(status int) bool {
	switch status {
	case http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// mayServeStale is the cache's own rule, asked before a server error's body is
// given up: where the cache has nothing to answer with, the client gets that.
func (f *fetch) mayServeStale(old *store.Metadata, now time.Time) bool {
	ttl, window := old.TTL, old.StaleIfError
	if ttl == 0 {
		ttl = f.config.Freshness
	}
	if window == 0 {
		window = f.config.StaleIfError
	}
	return window > 0 && ageOf(old, now) < max(ttl, 0)+window
}

// replaces reports whether an answer that is not stored shows that the stale
// entry is no longer what the origin has. Other errors may be this client's own,
// or pass.
func replaces(status int) bool {
	return status < 400 || status == http.StatusNotFound || status == http.StatusGone
}
