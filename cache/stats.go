package cache

import (
	"sync/atomic"

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
	Resumes        int64 // callers who fetched again to read on, since the tier of a fill they had joined failed
	ResumeFailures int64 // those of them whose body ended there all the same: no strong validator, or another answer
	Superseded     int64 // values dropped because a newer one, a Set or a Delete came first

	Promotes        int64 // entries of lower tiers committed to tier 0
	Persists        int64 // entries copied to a colder tier
	PersistFailures int64 // those that failed
	Refreshes       int64 // background refreshes that ended well
	RefreshFailures int64 // those that did not
	Dropped         int64 // background work that found the queue full
	Queued          int64 // background work that waits now

	Tiers []TierStats // by tier, the nearest first

	BufferPool    strategy.BufferPoolStats
	Strategy      string // the strategy in use: a registered name, "disabled", or "custom" for WithPool
	StrategyError string // why the configured strategy could not be opened and noop took its place; "" normally
}

// TierStats counts what the cache asked of one tier.
type TierStats struct {
	Hits   int64 // Gets that this tier served
	Errors int64 // calls that failed; a miss is not a failure
}

type counters struct {
	hits, staleHits, negativeHits, misses, bypasses, collapsed    atomic.Int64
	fetches, fetchErrors, notModified                             atomic.Int64
	fills, aborts, finishes, detached, superseded                 atomic.Int64
	resumes, resumesFailed                                        atomic.Int64
	promotes, persists, persistFailures, refreshes, refreshFailed atomic.Int64
	dropped                                                       atomic.Int64

	tiers []tierCounters
}

type tierCounters struct{ hits, errors atomic.Int64 }

// Stats returns a snapshot. It may be called at any time, also after Close.
func (c *DaramjweeCache) Stats() Stats {
	n := &c.counts
	s := Stats{
		Hits: n.hits.Load(), StaleHits: n.staleHits.Load(), NegativeHits: n.negativeHits.Load(),
		Misses: n.misses.Load(), Bypasses: n.bypasses.Load(), Collapsed: n.collapsed.Load(),
		Fetches: n.fetches.Load(), FetchErrors: n.fetchErrors.Load(), NotModified: n.notModified.Load(),
		Fills: n.fills.Load(), Aborts: n.aborts.Load(), Finishes: n.finishes.Load(), Resumes: n.resumes.Load(), ResumeFailures: n.resumesFailed.Load(), Detached: n.detached.Load(), Superseded: n.superseded.Load(),
		Promotes: n.promotes.Load(), Persists: n.persists.Load(), PersistFailures: n.persistFailures.Load(),
		Refreshes: n.refreshes.Load(), RefreshFailures: n.refreshFailed.Load(),
		Dropped: n.dropped.Load(), Queued: int64(c.background.waiting()),
		BufferPool: c.BufferPool.Stats(), Strategy: c.strategy, StrategyError: c.strategyError,
	}
	for i := range n.tiers {
		s.Tiers = append(s.Tiers, TierStats{Hits: n.tiers[i].hits.Load(), Errors: n.tiers[i].errors.Load()})
	}
	return s
}
