package compare

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/daramjwee/daramjwee/cache"
	"github.com/daramjwee/daramjwee/cache/store"
	"github.com/daramjwee/daramjwee/cache/store/disk"
	"github.com/daramjwee/daramjwee/cache/store/memory"
	"github.com/daramjwee/daramjwee/strategy"
)

// Stdlib is the name of the row with pooling off.
const Stdlib = "stdlib"

// Tier is one tier of the cache that is measured.
type Tier struct {
	Disk     bool  // on disk; else in memory
	MaxBytes int64 // above 0
	// Dir is where a disk tier makes its directory, which the end of the run
	// removes. It must exist; "" is the directory for temporary files.
	Dir string
}

// rig is a fresh cache whose every buffer comes from one strategy.
type rig struct {
	*cache.DaramjweeCache
	pools []func() strategy.BufferPoolStats
	undo  []func() error // in reverse
}

// never is a freshness that no run outlives.
const never = 365 * 24 * time.Hour

func open(name string, tiers []Tier) (_ *rig, err error) {
	var buffers strategy.BufferPoolConfig
	if name != Stdlib {
		buffers = strategy.DefaultConfig()
		buffers.Strategy = name
	}
	r := new(rig)
	defer func() {
		if err != nil {
			r.close()
		}
	}()
	var list []store.Store
	for _, t := range tiers {
		s, err := r.openTier(t, buffers)
		if err != nil {
			return nil, err
		}
		list = append(list, s)
	}
	c, err := cache.New(
		cache.WithTiers(list...),
		cache.WithBufferPoolAdvanced(buffers),
		cache.WithFreshness(never, never),
	)
	if err != nil {
		return nil, err
	}
	r.DaramjweeCache = c
	r.undo = append(r.undo, c.Close)
	if why := c.Stats().StrategyError; why != "" { // it would be noop that is measured
		return nil, errors.New(why)
	}
	r.pools = append(r.pools, func() strategy.BufferPoolStats { return c.Stats().BufferPool })
	return r, nil
}

func (r *rig) openTier(t Tier, buffers strategy.BufferPoolConfig) (store.Store, error) {
	if !t.Disk {
		m, err := memory.New(memory.Options{MaxBytes: t.MaxBytes, BufferPool: buffers})
		if err != nil {
			return nil, fmt.Errorf("memory tier: %w", err)
		}
		r.undo = append(r.undo, m.Close)
		r.pools = append(r.pools, func() strategy.BufferPoolStats { return m.Stats().BufferPool })
		return m, nil
	}
	pool, err := strategy.New(buffers)
	if err != nil {
		return nil, err
	}
	r.undo = append(r.undo, func() error { return strategy.Close(pool) })
	dir, err := os.MkdirTemp(t.Dir, "daramjwee-compare-")
	if err != nil {
		return nil, fmt.Errorf("disk tier: %w", err)
	}
	r.undo = append(r.undo, func() error { return os.RemoveAll(dir) })
	d, err := disk.Open(dir, disk.Options{MaxBytes: t.MaxBytes, BufferPool: pool})
	if err != nil {
		return nil, fmt.Errorf("disk tier: %w", err)
	}
	r.undo = append(r.undo, d.Close)
	r.pools = append(r.pools, pool.Stats)
	return d, nil
}

// close closes the cache, then what is left: closing twice is closing once, and a
// tier that a cache has taken over may be asked as well.
func (r *rig) close() error {
	var errs []error
	for i := len(r.undo) - 1; i >= 0; i-- {
		errs = append(errs, r.undo[i]())
	}
	return errors.Join(errs...)
}

// lent sums up what all pools were asked for, and what they had.
func (r *rig) lent() (gets, hits int64) {
	for _, stats := range r.pools {
		s := stats()
		gets, hits = gets+s.TotalGets, hits+s.PoolHits
	}
	return gets, hits
}
