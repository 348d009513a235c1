package command

import (
	"fmt"
	"log/slog"

	"github.com/daramjwee/daramjwee/cache/store"
	"github.com/daramjwee/daramjwee/cache/store/disk"
	"github.com/daramjwee/daramjwee/cache/store/memory"
	"github.com/daramjwee/daramjwee/strategy"
)

// tiers are the stores, and the pool that the disk tier borrows from: the memory
// tier and the cache open their own.
type tiers struct {
	list []store.Store
	pool strategy.BufferPool
}

func openTiers(s *settings, log *slog.Logger) (*tiers, error) {
	pool, err := strategy.New(s.cache.BufferPool)
	if err != nil {
		// The configuration is valid, so the strategy itself failed: the cache will
		// say so and go on without one, and so do the tiers.
		if pool, err = strategy.New(strategy.BufferPoolConfig{}); err != nil {
			return nil, err
		}
	}
	t := &tiers{pool: pool}
	if s.memoryMax > 0 {
		o := memory.Options{MaxBytes: s.memoryMax, BufferPool: s.blockPool()}
		m, err := memory.New(o)
		if err != nil { // as above
			log.Warn("memory tier: buffer pool strategy failed, going on without pooling", "strategy", o.BufferPool.Strategy, "err", err)
			o.BufferPool = strategy.BufferPoolConfig{}
			m, err = memory.New(o)
		}
		if err != nil {
			t.close(true)
			return nil, fmt.Errorf("daramjwee: memory tier: %w", err)
		}
		t.list = append(t.list, m)
	}
	if s.diskMax > 0 {
		d, err := disk.Open(s.diskDir, disk.Options{MaxBytes: s.diskMax, Durable: s.diskDurable, BufferPool: t.pool, Logger: log})
		if err != nil {
			t.close(true)
			return nil, fmt.Errorf("daramjwee: disk tier: %w", err)
		}
		t.list = append(t.list, d)
	}
	return t, nil
}

// close closes the pool, and the stores too when no cache has taken them over.
func (t *tiers) close(stores bool) {
	if stores {
		for _, s := range t.list {
			s.Close()
		}
	}
	strategy.Close(t.pool)
}
