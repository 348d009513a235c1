package command

import (
	"encoding/json"
	"net/http"
	"runtime/metrics"
	"time"

	"github.com/daramjwee/daramjwee/cache"
	"github.com/daramjwee/daramjwee/cache/store/disk"
	"github.com/daramjwee/daramjwee/cache/store/memory"
	"github.com/daramjwee/daramjwee/strategy"
)

// statistics is what GET /stats answers with. Names are those of the Go API.
type statistics struct {
	UptimeSeconds float64
	UnderWay      int64 // requests of clients now
	Cache         cache.Stats
	Memory        *memory.Stats             `json:",omitempty"`
	Disk          *disk.Stats               `json:",omitempty"`
	DiskPool      *strategy.BufferPoolStats `json:",omitempty"` // what the disk tier borrowed; the cache's own is Cache.BufferPool
	Go            map[string]uint64         // of the whole process, see runtime/metrics
}

// goMetrics cost a microsecond to read, and stop nothing.
var goMetrics = map[string]string{
	"GCCycles":       "/gc/cycles/total:gc-cycles",
	"AllocatedBytes": "/gc/heap/allocs:bytes", // since the start
	"HeapBytes":      "/memory/classes/heap/objects:bytes",
	"TotalBytes":     "/memory/classes/total:bytes",
	"Goroutines":     "/sched/goroutines:goroutines",
}

func readMetrics() map[string]uint64 {
	all := make(map[string]uint64, len(goMetrics))
	for name, metric := range goMetrics {
		sample := []metrics.Sample{{Name: metric}}
		metrics.Read(sample)
		if sample[0].Value.Kind() == metrics.KindUint64 {
			all[name] = sample[0].Value.Uint64()
		}
	}
	return all
}

// pools are all that lent buffers.
func (s *statistics) pools() []strategy.BufferPoolStats {
	all := []strategy.BufferPoolStats{s.Cache.BufferPool}
	if s.Memory != nil {
		all = append(all, s.Memory.BufferPool)
	}
	if s.DiskPool != nil {
		all = append(all, *s.DiskPool)
	}
	return all
}

func (s *server) statistics() statistics {
	all := statistics{
		UptimeSeconds: time.Since(s.started).Seconds(),
		UnderWay:      s.underWay.Load(),
		Cache:         s.cache.Stats(),
		Go:            readMetrics(),
	}
	for _, tier := range s.tiers.list {
		switch tier := tier.(type) {
		case *memory.Store:
			st := tier.Stats()
			all.Memory = &st
		case *disk.Store:
			st := tier.Stats()
			all.Disk = &st
			pool := s.tiers.pool.Stats()
			all.DiskPool = &pool
		}
	}
	return all
}

// adminHandler is on a port of its own: whatever path it had on the other one
// would be the origin's.
func (s *server) adminHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /stats", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		e.Encode(s.statistics())
	})
	return mux
}

// summary is what the last line of the log says.
func (s *server) summary() []any {
	if s.cache == nil {
		return nil
	}
	st := s.statistics()
	c, g := st.Cache, st.Go
	var gets, hits, active int64
	for _, p := range st.pools() {
		gets, hits, active = gets+p.TotalGets, hits+p.PoolHits, active+p.ActiveBuffers
	}
	return []any{
		"hits", c.Hits, "stale_hits", c.StaleHits, "misses", c.Misses, "fetches", c.Fetches,
		"strategy", c.Strategy, "pool_gets", gets, "pool_hits", hits, "pool_active", active,
		"gc_cycles", g["GCCycles"], "allocated_bytes", g["AllocatedBytes"], "heap_bytes", g["HeapBytes"],
	}
}
