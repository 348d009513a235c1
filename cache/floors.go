package cache

import (
	"hash/maphash"
	"sync/atomic"
)

// floors counts the keys that have a floor, by their hash. A hit takes the lock of all
// keys only if one with the hash of its own has: else a Set of any key, and the
// persists that follow it, would have all hits queue for that lock.
type floors struct {
	seed   maphash.Seed
	all    atomic.Int64 // so that nothing is hashed where there are none
	byHash [1024]atomic.Int32
}

func (f *floors) of(key string) *atomic.Int32 {
	return &f.byHash[maphash.String(f.seed, key)%uint64(len(f.byHash))]
}

// add counts a key in (1) or out (-1).
func (f *floors) add(key string, n int32) {
	f.of(key).Add(n)
	f.all.Add(int64(n))
}

// may reports whether a key may have a floor.
func (f *floors) may(key string) bool { return f.all.Load() > 0 && f.of(key).Load() > 0 }
