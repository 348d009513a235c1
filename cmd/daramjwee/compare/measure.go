package compare

import (
	"context"
	"runtime"
	"time"

	"github.com/daramjwee/daramjwee/cache"
)

// Figures are those of one run, of the time after its warm-up.
type Figures struct {
	Operations  int64   `json:"operations"`  // requests that were answered whole
	Bytes       int64   `json:"bytes"`       // of their bodies
	Seconds     float64 `json:"seconds"`     // from the first to the last
	P50         float64 `json:"p50"`         // seconds from Get to Close
	P99         float64 `json:"p99"`         // likewise
	AllocBytes  uint64  `json:"alloc_bytes"` // of the whole process
	Allocs      uint64  `json:"allocs"`      // likewise
	Collections uint32  `json:"collections"`
	Pause       float64 `json:"pause"`     // seconds for which collections stopped the program, together
	PeakHeap    uint64  `json:"peak_heap"` // bytes
	PoolGets    int64   `json:"pool_gets"`
	PoolHits    int64   `json:"pool_hits"`
	Gets        int64   `json:"gets"` // requests that the cache counted
	Hits        int64   `json:"hits"` // those that a tier answered
}

// measure runs a workload once.
func measure(ctx context.Context, name string, r *requests) (f Figures, err error) {
	runtime.GC() // what the last run left; twice, since sync.Pool lives through one
	runtime.GC()
	rig, err := open(name, r.Tiers)
	if err != nil {
		return f, err
	}
	c := &clients{rig: rig, requests: r, each: make([]client, r.Clients)}
	hangs := false
	defer func() {
		if hangs { // and would have Close wait
			return
		}
		if e := rig.close(); err == nil {
			err = e
		}
	}()
	if err = c.warmUp(ctx, r.Duration/4); err == nil {
		err = c.measure(ctx, r.Duration, &f)
	}
	hangs = err == errHangs
	if err == nil {
		err = ctx.Err()
	}
	return f, err
}

// measure fills in the figures of a run. ReadMemStats stops the world, before and
// after the run and not in it; what it counts is exact, where runtime/metrics
// leaves out what lies in the caches of the processors.
func (c *clients) measure(ctx context.Context, d time.Duration, f *Figures) error {
	c.next.Store(0)
	var before, after runtime.MemStats
	stats := c.Stats()
	gets, hits := c.lent()
	heap := watchHeap()
	runtime.ReadMemStats(&before)
	start := time.Now()
	err := c.run(ctx, d)
	f.Seconds = time.Since(start).Seconds()
	runtime.ReadMemStats(&after)
	f.PeakHeap = heap.end()
	if err != nil {
		return err
	}

	var all latencies
	for i := range c.each {
		all.merge(&c.each[i].latencies)
		f.Bytes += c.each[i].bytes
	}
	f.Operations = all.total
	f.P50, f.P99 = all.quantile(0.50)/1e9, all.quantile(0.99)/1e9
	f.AllocBytes = after.TotalAlloc - before.TotalAlloc
	f.Allocs = after.Mallocs - before.Mallocs
	f.Collections = after.NumGC - before.NumGC
	f.Pause = float64(after.PauseTotalNs-before.PauseTotalNs) / 1e9
	f.PoolGets, f.PoolHits = c.lent()
	f.PoolGets, f.PoolHits = f.PoolGets-gets, f.PoolHits-hits
	f.Hits, f.Gets = served(c.Stats())
	h, g := served(stats)
	f.Hits, f.Gets = f.Hits-h, f.Gets-g
	return nil
}

func served(s cache.Stats) (hits, gets int64) {
	hits = s.Hits + s.StaleHits
	return hits, hits + s.Misses + s.Bypasses
}
