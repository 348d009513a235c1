package cache

import (
	"context"
	"time"
)

// Observer is told what happens in a cache, for traces and logs. Observe is
// called by the goroutine that did it, so it must not block; it is called
// concurrently. ctx has the values of the caller that the event is due to, of the
// first one for a fill; it may have ended.
type Observer interface {
	Observe(ctx context.Context, e Event)
}

// ObserverFunc is a function that is an Observer.
type ObserverFunc func(ctx context.Context, e Event)

// Observe calls f.
func (f ObserverFunc) Observe(ctx context.Context, e Event) { f(ctx, e) }

// EventKind says what an Event is about.
type EventKind string

const (
	EventGet       EventKind = "get"        // a Get was answered: Status, or Err
	EventFetch     EventKind = "fetch"      // a call of a Fetcher returned
	EventFill      EventKind = "fill"       // a body from the origin was stored, or was not
	EventRefresh   EventKind = "refresh"    // a background refresh ended
	EventPromote   EventKind = "promote"    // a lower tier's entry was stored in tier 0, or was not
	EventPersist   EventKind = "persist"    // an entry was stored in a colder tier, or given up
	EventTierError EventKind = "tier error" // a call of a tier failed; who calls Get sees it only where nothing else has what is missing
)

// Event is one thing that happened. Fields that do not apply are zero.
type Event struct {
	Kind    EventKind
	Key     string
	Tier    int           // its place; -1: none
	Op      string        // EventTierError: what failed: "open", "commit" …
	Status  Status        // EventGet
	Bytes   int64         // of the body, as far as it was read
	Elapsed time.Duration // EventGet: until the Response; EventFetch: of the call; fills and promotes: from the first call to the last byte
	Err     error         // nil: it went well
}

// observedSince reads the clock when an Observer will want to know; else it is 0.
func (c *DaramjweeCache) observedSince() int64 {
	if c.cfg.Observer == nil {
		return 0
	}
	return c.clock()
}

func (c *DaramjweeCache) observe(ctx context.Context, e Event) {
	if c.cfg.Observer != nil {
		c.cfg.Observer.Observe(ctx, e)
	}
}

func (c *DaramjweeCache) observedGet(ctx context.Context, key string, f Fetcher) (*Response, error) {
	began := c.clock()
	r, err := c.get(ctx, key, f)
	e := Event{Kind: EventGet, Key: key, Tier: -1, Elapsed: time.Duration(c.clock() - began), Err: err}
	if r != nil {
		e.Status = r.Status()
	}
	c.cfg.Observer.Observe(ctx, e)
	return r, err
}

// observe tells how a fill that was staged ended; a refresh tells it by itself.
func (f *fill) observe(err error) {
	kind := EventFill
	switch {
	case f.cache.cfg.Observer == nil, f.kind == refreshing:
		return
	case f.kind == promoting:
		kind = EventPromote
	}
	f.cache.observe(f.first.ctx, Event{Kind: kind, Key: f.key, Tier: f.tier, Bytes: f.src.n,
		Elapsed: time.Duration(f.cache.clock() - f.began), Err: err})
}
