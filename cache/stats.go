package cache

import (
	"sync/atomic"

	"github.com/daramjwee/daramjwee/cache/store"
	"github.com/daramjwee/daramjwee/internal/stripe"
	"github.com/daramjwee/daramjwee/strategy"
)

// Stats is a snapshot of a cache's counters, all of them since New. Each Get
// that returned a Response or ErrNotFound is one of Hits, StaleHits, Misses and
// Bypasses; NegativeHits are among the Hits.
type Stats struct {
	Hits         int64 // served fresh from a tier
	StaleHits    int64 // served stale from a tier: refreshed behind, or because the origin failed
	NegativeHits int64 // hits that answered "not found"
	Misses       int64 // served by a fetch of the caller's own or one it joined, revalidations included
	Bypasses     int64 // served by a fetch that was neither stored nor shared, because another one of the key could not be shared
	Collapsed    int64 // Gets that joined another caller's fetch or waited for it, however they were served then

	Fetches     int64 // calls of a Fetcher, refreshes included
	FetchErrors int64 // those that failed; ErrNotFound and ErrNotModified are no failures
	NotModified int64 // those that found the entry current

	Fills          int64 // bodies from the origin committed to a tier
	Aborts         int64 // fills and promotes that ended before they were whole
	Finishes       int64 // those that all their callers left, and that were finished in the background
	Detached       int64 // fills and promotes whose tier failed or had no room; their callers got the whole body
	Resumes        int64 // callers who fetched again to read on, since the tier that they read from failed
	ResumeFailures int64 // those of them whose body ended there all the same: no strong validator, or another answer
	Superseded     int64 // values dropped because a newer one, a Set or a Delete came first

	Promotes         int64 // entries of lower tiers committed to tier 0
	PromotesDeferred int64 // hits of lower tiers that were not promoted because PromoteWithin asks for another one first
	Persists         int64 // entries copied to a colder tier
	PersistFailures  int64 // those that failed: at their last try, or because there was nothing to copy any more
	PersistsTooLarge int64 // those that the colder tier could not hold
	Refreshes        int64 // background refreshes that ended well
	RefreshFailures  int64 // those that did not

	// Background work: persists, new metadata for colder tiers, refreshes. In every
	// snapshot Scheduled == Run+Dropped+Deduplicated+Queued+Running.
	Scheduled    int64 // asked for, and decided on; a caller who waits for a place is not
	Run          int64 // done, well or not
	Dropped      int64 // not done: the queue was full, or Close ran out of time
	Deduplicated int64 // persists whose place a newer or the same entry of the key took before they were done
	Queued       int64 // waits now: for a worker, for an older persist of its key and tier, or for another try
	Running      int64 // is being done now, by a worker or by a caller

	Blocked int64 // callers who waited, by OverflowBlock or OverflowInline, whatever came of it
	Inlined int64 // done by their callers, by OverflowInline; or by the worker whose refresh asked for it
	Retried int64 // tries after the first

	Tiers []TierStats // by tier, the nearest first

	BufferPool    strategy.BufferPoolStats
	Strategy      string // the strategy in use: a registered name, "disabled", or "custom" for WithPool
	StrategyError string // why the configured strategy could not be opened and noop took its place; "" normally
}

// TierStats counts what the cache asked of one tier.
type TierStats struct {
	Hits      int64 // Gets that this tier served, stale ones included
	StaleHits int64 // those of them past their freshness
	Misses    int64 // look-ups that found nothing here, or nothing that may be served
	Errors    int64 // calls that failed; a miss is not a failure, nor is a call that ended with its context

	Fills     int64 // bodies from the origin committed here
	Collapsed int64 // Gets that read along a fill of this tier
	Promotes  int64 // entries of lower tiers committed here
	Persists  int64 // entries of nearer tiers committed here
	Aborts    int64 // fills and promotes of this tier that ended before they were whole
	Detached  int64 // those that this tier failed, or had no room for

	Usage store.Usage // of a store.Measurer, as both of ours are; else zero
}

type counters struct {
	negativeHits, misses, bypasses, collapsed                     atomic.Int64
	fetches, fetchErrors, notModified                             atomic.Int64
	fills, aborts, finishes, detached, superseded                 atomic.Int64
	resumes, resumesFailed                                        atomic.Int64
	promotes, persists, persistFailures, refreshes, refreshFailed atomic.Int64
	persistsTooLarge                                              atomic.Int64

	tiers []tierCounters
}

type tierCounters struct {
	hits                                                   stripe.Counter // all that a fresh hit counts
	staleHits, misses, errors                              atomic.Int64
	fills, collapsed, promotes, persists, aborts, detached atomic.Int64
}

func (n *tierCounters) snapshot() TierStats {
	stale := n.staleHits.Load() // before the hits that they are among
	return TierStats{
		Hits: n.hits.Load(), StaleHits: stale, Misses: n.misses.Load(), Errors: n.errors.Load(),
		Fills: n.fills.Load(), Collapsed: n.collapsed.Load(), Promotes: n.promotes.Load(),
		Persists: n.persists.Load(), Aborts: n.aborts.Load(), Detached: n.detached.Load(),
	}
}

// Stats returns a snapshot. It may be called at any time, also after Close.
func (c *DaramjweeCache) Stats() Stats {
	n, b := &c.counts, c.background.stats()
	s := Stats{
		NegativeHits: n.negativeHits.Load(),
		Misses:       n.misses.Load(), Bypasses: n.bypasses.Load(), Collapsed: n.collapsed.Load(),
		Fetches: n.fetches.Load(), FetchErrors: n.fetchErrors.Load(), NotModified: n.notModified.Load(),
		Fills: n.fills.Load(), Aborts: n.aborts.Load(), Finishes: n.finishes.Load(), Detached: n.detached.Load(),
		Resumes: n.resumes.Load(), ResumeFailures: n.resumesFailed.Load(), Superseded: n.superseded.Load(),
		Promotes: n.promotes.Load(), PromotesDeferred: c.admission.count(),
		Persists: n.persists.Load(), PersistFailures: n.persistFailures.Load(), PersistsTooLarge: n.persistsTooLarge.Load(),
		Refreshes: n.refreshes.Load(), RefreshFailures: n.refreshFailed.Load(),
		Scheduled: b.scheduled, Run: b.run, Dropped: b.dropped, Deduplicated: b.deduplicated,
		Queued: b.waiting, Running: b.running, Blocked: b.blocked, Inlined: b.inlined, Retried: b.retried,
		BufferPool: c.BufferPool.Stats(), Strategy: c.strategy, StrategyError: c.strategyError,
	}
	for i := range n.tiers {
		tier := n.tiers[i].snapshot()
		s.Hits += tier.Hits - tier.StaleHits
		s.StaleHits += tier.StaleHits
		if m, ok := c.cfg.Tiers[i].(store.Measurer); ok {
			tier.Usage = m.Usage()
		}
		s.Tiers = append(s.Tiers, tier)
	}
	return s
}
