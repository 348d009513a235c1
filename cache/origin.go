package cache

import (
	"context"
	"io"

	"github.com/daramjwee/daramjwee/cache/store"
)

// Fetcher asks the origin for the entry of one key. Fetchers that are given for
// one key must mean the same resource: only one of them is asked at a time, and
// all callers get what it brings.
type Fetcher interface {
	// Fetch returns a body and its metadata. old describes the entry that the
	// cache holds, nil if none: a Fetcher that can ask conditionally returns
	// ErrNotModified when it is still current. ErrNotFound says that the origin
	// has nothing. Any other error is shared with the callers who wait for the
	// same key, or answered with a stale entry where that is allowed.
	//
	// ctx carries the caller's values. While Fetch runs it ends after OpTimeout, or
	// with the caller's own when nobody else waits for the answer; later it lives
	// until the body is closed, or given up. Fetch may be called again for the same
	// caller, as long as he reads: who goes on with another answer when his tier has
	// failed does that, beside the call of a refresh too, and that context and body end
	// with the caller's.
	Fetch(ctx context.Context, old *store.Metadata) (*FetchResult, error)
}

// FetcherFunc is a function that is a Fetcher.
type FetcherFunc func(ctx context.Context, old *store.Metadata) (*FetchResult, error)

// Fetch calls f.
func (f FetcherFunc) Fetch(ctx context.Context, old *store.Metadata) (*FetchResult, error) {
	return f(ctx, old)
}

// FetchResult is the origin's answer. The cache closes the Body once; a nil one
// is empty.
type FetchResult struct {
	Body io.ReadCloser
	// Metadata of the entry. Size is the length of the body if it is known: a body
	// that ends earlier is an error and not stored, a longer one is cut there, and
	// not stored when the read that completes it brings more (nobody waits for
	// another one). 0 and -1 stand for an unknown size. A zero StoredAt is now.
	// Negative and Generation are the cache's own.
	Metadata store.Metadata
	// NoStore has the body streamed to this one caller, and neither stored nor
	// shared. Callers who wait for the same key fetch for themselves.
	NoStore bool
}
