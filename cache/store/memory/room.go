package memory

import (
	"sync/atomic"

	"github.com/daramjwee/daramjwee/cache/store"
)

// room is how the tier's bytes are spent; those of committed entries are the
// weight of Store.queue. Store.mu guards all but pinned. Three inequalities hold
// whenever mu is free:
//
//	staged <= promised <= limit, so that evicting everything makes enough room
//	committed + staged <= limit
//	unknown <= limit
type room struct {
	limit     int64
	staged    int64 // held by writers of a declared size
	promised  int64 // of the same writers: what they hold, or will by what they declared
	unknown   int64 // held by writers of an unknown size
	evictions int64

	pinned atomic.Int64 // of entries in none of the above whose blocks are not back yet
}

// promise counts what a declared size will need, or returns ErrTooLarge.
func (s *Store) promise(e *entry, bytes int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.done.Load() {
		return store.ErrClosed
	}
	if bytes > s.room.limit-s.room.promised {
		return store.ErrTooLarge
	}
	s.room.promised += bytes
	e.promised = bytes
	return nil
}

// reserve counts up to most bytes as held by a staged entry, and returns how
// many. With fewer than least it returns an error, and nothing has changed.
func (s *Store) reserve(e *entry, least, most int64) (int64, error) {
	s.mu.Lock()
	if s.done.Load() {
		s.mu.Unlock()
		return 0, store.ErrClosed
	}
	r := &s.room
	free := r.limit - r.unknown
	if e.declared {
		free = r.limit - r.promised + e.promised - e.weight // what is promised to nobody else
	}
	n := min(most, free)
	if n < least {
		s.mu.Unlock()
		return 0, store.ErrTooLarge
	}
	e.weight += n
	if e.declared {
		r.staged += n
		r.promised += max(e.weight-e.promised, 0)
		e.promised = max(e.weight, e.promised)
	} else {
		r.unknown += n
	}
	victims := s.evict(make([]*entry, 0, someVictims), 0)
	s.mu.Unlock()
	unref(victims)
	return n, nil
}

// unstage takes an entry out of what writers hold. It wants mu.
func (s *Store) unstage(e *entry) {
	if e.declared {
		s.room.staged -= e.weight
		s.room.promised -= e.promised
	} else {
		s.room.unknown -= e.weight
	}
}

// abandon drops a staged entry. The caller gives the writer's reference back.
func (s *Store) abandon(e *entry) {
	s.mu.Lock()
	s.unstage(e)
	s.room.pinned.Add(e.weight)
	s.mu.Unlock()
}

// publish puts a staged entry into the index, with the weight that it has now. On
// an error it is still staged.
func (s *Store) publish(e *entry, weight int64) error {
	s.mu.Lock()
	if s.done.Load() {
		s.mu.Unlock()
		return store.ErrClosed
	}
	if weight > s.room.limit-s.room.promised+e.promised { // a declared size has its promise
		s.mu.Unlock()
		return store.ErrTooLarge
	}
	s.unstage(e)
	e.weight = weight
	e.refs.Add(1)
	victims := make([]*entry, 0, someVictims)
	old := s.index.get(e.key)
	if old != nil { // first, so that nothing is evicted for what it gives back
		s.unqueue(old)
		victims = append(victims, old)
	}
	victims = s.evict(victims, weight) // before the push, so that e is not among them
	s.queue.Push(&e.node, weight)
	if old != nil {
		e.node.Visit() // a key that is asked for again, as on a hit
	}
	s.index.put(e)
	s.mu.Unlock()
	unref(victims)
	return nil
}

// reweigh changes the weight of a committed entry. It wants mu, and on an error
// nothing has changed.
func (s *Store) reweigh(e *entry, weight int64) (victims []*entry, err error) {
	if weight > e.weight && weight > s.room.limit-s.room.promised {
		return nil, store.ErrTooLarge
	}
	e.weight = weight
	s.queue.Reweigh(&e.node, weight)
	return s.evict(nil, 0), nil
}

// someVictims is as many as a write evicts without an allocation.
const someVictims = 8

// evict detaches entries until extra bytes have room, and appends them to victims.
// It wants mu; the caller gives the references back, without mu, since that may
// touch every block.
func (s *Store) evict(victims []*entry, extra int64) []*entry {
	for s.queue.Weight()+s.room.staged+extra > s.room.limit {
		n := s.queue.Evict()
		if n == nil {
			break
		}
		s.detach(n.Value)
		s.room.evictions++
		victims = append(victims, n.Value)
	}
	return victims
}

// detach takes an entry out of the index. It wants mu; the caller gives the
// index's reference back.
func (s *Store) detach(e *entry) {
	s.index.remove(e)
	s.unqueue(e)
}

func (s *Store) unqueue(e *entry) {
	s.queue.Remove(&e.node)
	s.room.pinned.Add(e.weight)
}

func unref(entries []*entry) {
	for _, e := range entries {
		e.unref()
	}
}
