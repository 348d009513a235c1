package memory

import (
	"runtime"
	"sync/atomic"
)

// detach takes an entry out of the index and the queue. It wants mu, and reports
// whether the caller is to free the entry: nobody reads it.
func (s *Store) detach(e *entry) (idle bool) {
	s.index.remove(e)
	return s.forget(e)
}

// forget is detach of an entry that the index has another one in the place of. If it
// is read it is pinned, until its last reader closes or, in case that is forgotten,
// until the collector finds it.
func (s *Store) forget(e *entry) (idle bool) {
	s.queue.Remove(&e.node)
	s.room.committed -= e.weight
	if e.refs.CompareAndSwap(indexed, 0) {
		return true
	}
	p := &pin{pinned: &s.room.pinned, weight: e.weight}
	e.pin = p // what readers look for when they are the last
	if e.refs.Add(-indexed) == 0 {
		return true
	}
	s.room.busy.Add(-e.read)
	s.room.pinned.Add(p.weight)
	runtime.AddCleanup(e, (*pin).settle, p)
	return false
}

// pin is the weight of an entry in room.pinned. It can be settled twice.
type pin struct {
	pinned  *atomic.Int64
	weight  int64
	settled atomic.Bool
}

func (p *pin) settle() {
	if !p.settled.Swap(true) {
		p.pinned.Add(-p.weight)
	}
}

// free puts the blocks of entries that nothing refers to.
func free(entries []*entry) {
	for _, e := range entries {
		e.putBlocks()
	}
}
