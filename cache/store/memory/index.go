package memory

import (
	"hash/maphash"
	"math/bits"
	"sync/atomic"
)

// index finds the committed entries by key: a hash table whose chains run through
// the entries. Store.mu guards every change; peek reads beside that, without a lock.
type index struct {
	seed  maphash.Seed
	heads []atomic.Pointer[entry] // a power of two
}

// The table does not grow, so that no write has to wait for it. It has a place for
// every KiB of the limit, which makes up to 1.6 percent of that with the next power
// of two. An entry weighs half a KiB at least, so no chain is longer than two on
// average; past 8 GiB entries may be expected to be larger. With half the places, hits
// of entries of 1 KiB took 7 percent longer.
const (
	bytesPerHead = 1 << 10
	mostHeads    = 1 << 23
)

func newIndex(limit int64) index {
	heads := min(max(limit/bytesPerHead, 1), mostHeads)
	return index{
		seed:  maphash.MakeSeed(),
		heads: make([]atomic.Pointer[entry], 1<<bits.Len64(uint64(heads-1))),
	}
}

// removed is what follows an entry that was taken out. Who comes to it begins anew,
// and a removed entry that is still read keeps no others from the collector.
var removed = new(entry)

func (x *index) hash(key string) uint64 { return maphash.String(x.seed, key) }

func (x *index) head(hash uint64) *atomic.Pointer[entry] {
	return &x.heads[hash&uint64(len(x.heads)-1)]
}

// peek returns the entry of a key, or nil, without a reference: the blocks are not
// the caller's to look at.
func (x *index) peek(key string) *entry {
	hash := x.hash(key)
	head := x.head(hash)
	e := head.Load()
	for e != nil && !e.has(hash, key) {
		if e = e.next.Load(); e == removed {
			e = head.Load()
		}
	}
	return e
}

// has compares the hash first: the key is in memory of its own, and to fetch that
// for every entry of a chain costs as much again.
func (e *entry) has(hash uint64, key string) bool { return e.hash == hash && e.key == key }

// link returns what points to the entry of like's key, or to the end of its chain.
// It wants Store.mu.
func (x *index) link(like *entry) *atomic.Pointer[entry] {
	at := x.head(like.hash)
	for e := at.Load(); e != nil && !e.has(like.hash, like.key); e = at.Load() {
		at = &e.next
	}
	return at
}

// put gives an entry the place of the one that had its key before, so that no reader
// finds neither, or the first of its chain: what came last is mostly asked for first.
func (x *index) put(e *entry) {
	at := x.link(e)
	old := at.Load()
	if old == nil {
		head := x.head(e.hash)
		e.next.Store(head.Load())
		head.Store(e)
		return
	}
	e.next.Store(old.next.Load())
	at.Store(e)
	old.next.Store(removed)
}

func (x *index) remove(e *entry) {
	x.link(e).Store(e.next.Load())
	e.next.Store(removed)
}
