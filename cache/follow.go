package cache

import (
	"context"
	"time"

	"github.com/daramjwee/daramjwee/cache/store"
)

// follower is a Get that found another one's fill under way.
type follower struct {
	collapsed bool
	patience  *time.Timer // OpTimeout over all its waits for an answer; nil before the first
	result
}

// mark says of a hit, if there is one, that its caller waited, and whether it is what
// the fill that was waited for brought. That answers those who asked before the origin
// answered, however short its freshness is: else an entry that must be revalidated each
// time would be so one caller after the other (RFC 9111, section 4, allows one answer
// for requests that were waiting).
func (w *follower) mark(h *Response) {
	if h != nil && w.collapsed {
		h.status.collapsed, h.status.validated = true, w.gen != 0 && h.meta.Generation == w.gen
	}
}

// join waits for the origin's answer to another caller, and returns a reader of
// the body, or nil when there is none to share: then w.result says why. The error
// is the caller's context's, or the cache's.
//
// One who has waited for OpTimeout (where the tier lets nobody read along, the
// other caller's client may be slow) fetches for itself, as nginx does after
// proxy_cache_lock_timeout. One who comes to a body that is stale already, since
// its only client is slow, finds it as if it were stored: it asks the origin.
func (w *follower) join(ctx context.Context, f *fill, fetcher Fetcher) (*reader, error) {
	f.mu.Lock()
	if f.phase != phaseOver && f.writer != nil && !f.usable(now()) {
		f.mu.Unlock()
		f.all.retire(f)
		w.result = result{}
		return nil, nil
	}
	if !w.collapsed {
		w.collapsed = true
		f.cache.counts.collapsed.Add(1)
	}
	answered := f.answered
	r := &reader{fill: f, ctx: ctx, fetcher: fetcher}
	f.waiting++
	for f.phase == phaseAsking {
		changed := f.changed()
		f.mu.Unlock()
		late, err := w.wait(ctx, f.cache, changed)
		f.mu.Lock()
		if late || err != nil {
			w.result = result{outcome: outcomePrivate}
			r.giveUp()
			return nil, err
		}
	}
	switch {
	case f.phase == phaseOpen && answered && !f.usable(now()):
		w.result = result{}
		r.giveUp()
	case f.phase == phaseOpen:
		f.waiting--
		f.readers++
		f.cache.counts.tiers[f.tier].collapsed.Add(1)
		f.mu.Unlock()
		return r, nil
	default:
		f.waiting--
		w.result = f.result
		if answered && w.outcome <= outcomeAbsent {
			w.result = result{} // it is as old as its answer, however long the body took
		}
		f.mu.Unlock()
	}
	f.all.retire(f) // whoever ended the fill may not have come to that: do not find it again
	return nil, nil
}

// usable reports whether what is read would be served at a time, were it stored. It
// wants mu.
func (f *fill) usable(at time.Time) bool {
	left := f.cache.cfg.freshnessLeft(f.tier, f.meta, at.Sub(f.meta.StoredAt))
	return left > 0 || f.cache.cfg.whileRevalidate(f.meta, left)
}

// wait reports late when the patience has run out.
func (w *follower) wait(ctx context.Context, c *DaramjweeCache, changed <-chan struct{}) (late bool, err error) {
	if w.patience == nil {
		w.patience = time.NewTimer(c.cfg.OpTimeout)
	}
	select {
	case <-changed:
		return false, nil
	case <-w.patience.C:
		return true, nil
	case <-ctx.Done():
		return false, ctx.Err()
	case <-c.ctx.Done():
		return false, ErrCacheClosed
	}
}

// giveUp ends the wait of one who has not joined. It wants mu, and unlocks it.
func (r *reader) giveUp() {
	f := r.fill
	f.waiting--
	open := f.phase == phaseOpen
	if open { // it may be the last one whom the fill was kept for
		f.readers++
	}
	nobody := f.headless && !f.answered && f.waiting == 0
	f.mu.Unlock()
	if open {
		r.leave(true)
	}
	if nobody {
		f.src.interrupt(context.Canceled)
	}
}

// ask has the origin asked on behalf of all who want the fill. The Fetch ends
// with the caller's context only when nobody else waits for the answer.
func (f *fill) ask(ctx context.Context, fetcher Fetcher, old *store.Metadata) (*FetchResult, error) {
	f.mu.Lock()
	f.answered = false // it may have been, to a refresh
	f.mu.Unlock()
	fctx := f.src.asked(f.cache, ctx)
	if ctx.Done() != nil {
		defer context.AfterFunc(ctx, func() { f.orphan(context.Cause(ctx)) })()
	}
	defer func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.answered = true
	}()
	return f.cache.fetch(fctx, f.key, &f.src, fetcher, old)
}

// orphan says that the context of the one who leads has ended.
func (f *fill) orphan(cause error) {
	f.mu.Lock()
	f.headless = true
	nobody := !f.answered && f.waiting == 0
	f.mu.Unlock()
	if nobody {
		f.src.interrupt(cause)
	}
}

func (w *follower) stop() {
	if w.patience != nil {
		w.patience.Stop()
	}
}
