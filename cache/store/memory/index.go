package memory

import (
	"hash/maphash"
	"sync"
)

// index finds the committed entries by key. It is in shards, so that readers of
// different keys have no lock in common. Store.mu guards every change, and a walk
// over all of it; a shard's own lock lets acquire read beside that.
type index struct {
	seed   maphash.Seed
	shards [64]shard
	len    int
}

type shard struct {
	mu      sync.RWMutex
	entries map[string]*entry
	_       [128 - 32]byte // no shard shares a cache line, or the pair of them that is fetched at once
}

func (x *index) shard(key string) *shard {
	return &x.shards[maphash.String(x.seed, key)%uint64(len(x.shards))]
}

// acquire returns the entry of a key with a reference for the caller, or nil. It
// and peek are the methods that want no lock of Store's.
func (x *index) acquire(key string) *entry {
	s := x.shard(key)
	s.mu.RLock()
	defer s.mu.RUnlock()
	e := s.entries[key]
	if e != nil {
		e.ref() // the index still has its own
	}
	return e
}

// peek is acquire without a reference: the blocks are not the caller's to look at.
func (x *index) peek(key string) *entry {
	s := x.shard(key)
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.entries[key]
}

func (x *index) get(key string) *entry { return x.shard(key).entries[key] }

// put gives an entry the place of its key, and of the entry that had it before: no
// reader finds neither.
func (x *index) put(e *entry) {
	s := x.shard(e.key)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.entries == nil {
		s.entries = make(map[string]*entry)
	}
	x.len -= len(s.entries)
	s.entries[e.key] = e
	x.len += len(s.entries)
}

func (x *index) remove(e *entry) {
	s := x.shard(e.key)
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.entries, e.key)
	x.len--
}

func (x *index) all() []*entry {
	all := make([]*entry, 0, x.len)
	for i := range x.shards {
		for _, e := range x.shards[i].entries {
			all = append(all, e)
		}
	}
	return all
}
