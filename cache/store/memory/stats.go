package memory

import (
	"github.com/daramjwee/daramjwee/cache/store"
	"github.com/daramjwee/daramjwee/strategy"
)

// Stats is a snapshot of a Store. Bytes are those of the package comment: the
// capacity of blocks, and the estimate of the rest.
type Stats struct {
	Entries     int64 // committed entries
	Bytes       int64 // of them; never more than MaxBytes, and with PinnedBytes and StagedBytes neither, as long as all sizes are declared
	StagedBytes int64 // of writers that have neither committed nor aborted
	PinnedBytes int64 // of entries replaced, deleted or aborted while they were read or held, until the last one is done; in no other count
	MaxBytes    int64 // the limit
	Evictions   int64 // entries removed to make room, since New

	BufferPool strategy.BufferPoolStats // of the pool that the blocks come from; exact copies of small bodies do not
}

// Stats returns a snapshot. It may be called at any time, after Close too.
func (s *Store) Stats() Stats {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return Stats{
		Entries:     int64(s.queue.Len()),
		Bytes:       s.room.committed,
		StagedBytes: s.room.staged + s.room.unknown,
		PinnedBytes: s.room.pinned.Load(),
		MaxBytes:    s.room.limit,
		Evictions:   s.room.evictions,
		BufferPool:  s.pool.Stats(),
	}
}

// Usage implements store.Measurer.
func (s *Store) Usage() store.Usage {
	n := s.Stats()
	return store.Usage{
		Entries: n.Entries, Bytes: n.Bytes, StagedBytes: n.StagedBytes, PinnedBytes: n.PinnedBytes,
		MaxBytes: n.MaxBytes, Evictions: n.Evictions,
	}
}
