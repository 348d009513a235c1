package cache

import (
	"context"
	"sync"
	"time"
)

// flights makes sure that one caller at a time asks the origin for a key.
type flights struct {
	mu    sync.Mutex // guards byKey
	byKey map[string]*flight
}

// flight is one caller's fetch, from before it asks the origin until its body is
// stored, or is known not to be.
type flight struct {
	all  *flights
	key  string
	once sync.Once
	done chan struct{} // closed once result is set

	result result
}

// result is how a flight ended.
type result struct {
	outcome outcome
	err     error  // of outcomeFailed
	gen     uint64 // of outcomeRetry: the entry that was stored or called current, 0 if none was
}

// outcome tells those who waited what to do.
type outcome int

const (
	outcomeRetry   outcome = iota // look again: an entry was stored, or the leader left before
	outcomePrivate                // the body could not be shared: fetch for yourself
	outcomeFailed                 // the origin failed: take its error
)

// join returns the key's flight. The one who leads it owes an end.
func (f *flights) join(key string) (fl *flight, leads bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if fl := f.byKey[key]; fl != nil {
		return fl, false
	}
	fl = &flight{all: f, key: key, done: make(chan struct{})}
	f.byKey[key] = fl
	return fl, true
}

// end lets the waiting callers go on. Only the first end counts.
func (fl *flight) end(r result) {
	fl.once.Do(func() {
		fl.all.mu.Lock()
		delete(fl.all.byKey, fl.key)
		fl.all.mu.Unlock()
		fl.result = r
		close(fl.done)
	})
}

// follower is a Get that found another one's fetch under way.
type follower struct {
	collapsed bool
	patience  *time.Timer // OpTimeout over all its waits; nil before the first
	result
}

// validated reports whether h is what the flight that was waited for brought. It
// answers those who asked before it ended however short its freshness is: else an
// entry that must be revalidated each time would be so one caller after the other
// (RFC 9111, section 4, allows one answer for requests that were waiting).
func (w *follower) validated(h hit) bool {
	return w.collapsed && w.gen != 0 && h.found() && h.meta.Generation == w.gen
}

// wait returns when the flight has ended, or an error when the caller's context
// or the cache has. One who waited for OpTimeout (the leader's client may be slow)
// fetches for itself, as nginx does after proxy_cache_lock_timeout.
func (w *follower) wait(ctx context.Context, c *DaramjweeCache, fl *flight) error {
	if !w.collapsed {
		w.collapsed = true
		w.patience = time.NewTimer(c.cfg.OpTimeout)
		c.counts.collapsed.Add(1)
	}
	select {
	case <-fl.done:
		w.result = fl.result
	case <-w.patience.C:
		w.result = result{outcome: outcomePrivate}
	case <-ctx.Done():
		return ctx.Err()
	case <-c.ctx.Done():
		return ErrCacheClosed
	}
	return nil
}

func (w *follower) stop() {
	if w.patience != nil {
		w.patience.Stop()
	}
}
