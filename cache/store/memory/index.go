package memory

import (
	"hash/maphash"
	"math/bits"
	"sync/atomic"
)

// index finds the committed entries by key: a hash table whose chains run through
// the entries. Store.mu guards every change, and a walk over all of it; acquire and
// peek read beside that, without a lock.
type index struct {
	seed  maphash.Seed
	heads []atomic.Pointer[entry] // a power of two
	len   int
}

// The table does not grow, so that no write has to wait for it. It has a place for
// every 2 KiB of the limit, which makes up to 0.8 percent of that with the next power
// of two. An entry weighs a quarter of that, so no chain is longer than four on
// average; past 8 GiB entries may be expected to be larger.
const (
	bytesPerHead = 2 << 10
	mostHeads    = 1 << 22
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

func (x *index) head(key string) *atomic.Pointer[entry] {
	return &x.heads[maphash.String(x.seed, key)&uint64(len(x.heads)-1)]
}

// peek returns the entry of a key, or nil, without a reference: the blocks are not
// the caller's to look at.
func (x *index) peek(key string) *entry {
	head := x.head(key)
	e := head.Load()
	for e != nil && e.key != key {
		if e = e.next.Load(); e == removed {
			e = head.Load()
		}
	}
	return e
}

// acquire is peek with a reference for the caller.
func (x *index) acquire(key string) *entry {
	for {
		e := x.peek(key)
		if e == nil || e.ref() {
			return e
		}
	}
}

// link returns what points to the entry of a key, or to the end of its chain. It
// wants Store.mu.
func (x *index) link(key string) *atomic.Pointer[entry] {
	at := x.head(key)
	for e := at.Load(); e != nil && e.key != key; e = at.Load() {
		at = &e.next
	}
	return at
}

// put gives an entry the place of its key, and of the entry that had it before: no
// reader finds neither.
func (x *index) put(e *entry) {
	at := x.link(e.key)
	old := at.Load()
	if old == nil {
		x.len++
		at.Store(e)
		return
	}
	e.next.Store(old.next.Load())
	at.Store(e)
	old.next.Store(removed)
}

func (x *index) remove(e *entry) {
	x.link(e.key).Store(e.next.Load())
	e.next.Store(removed)
	x.len--
}

func (x *index) all() []*entry {
	all := make([]*entry, 0, x.len)
	for i := range x.heads {
		for e := x.heads[i].Load(); e != nil; e = e.next.Load() {
			all = append(all, e)
		}
	}
	return all
}
