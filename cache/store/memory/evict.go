package memory

import "github.com/daramjwee/daramjwee/cache/store"

// publish puts a staged entry into the index, with the weight that it has now. On
// an error it is still staged.
func (s *Store) publish(e *entry, weight int64) error {
	victims := make([]*entry, 0, someVictims)
	s.mu.Lock()
	old := s.index.get(e.key)
	victims, err := s.makeRoom(e, old, weight, victims)
	if err == nil {
		s.unstage(e)
		e.weight, e.read = weight, weight
		s.room.busy.Add(e.read) // until the writer's reference goes
		e.refs.Add(indexed)
		s.index.put(e)
		s.queue.Push(&e.node, weight)
	}
	if err == nil && old != nil {
		e.node.Visit() // a key that is asked for again, as on a hit
		if s.forget(old) {
			victims = append(victims, old)
		}
	}
	s.mu.Unlock()
	free(victims)
	return err
}

// makeRoom evicts for a staged entry that takes the place of old, which may be nil
// and stays. It wants mu. What was promised its room has it already.
func (s *Store) makeRoom(e, old *entry, weight int64, victims []*entry) ([]*entry, error) {
	switch {
	case s.done.Load():
		return victims, store.ErrClosed
	case e.declared && weight <= e.promised:
		return victims, nil
	case weight > s.room.limit:
		return victims, store.ErrTooLarge
	case weight > s.room.available(s.room.unknown-e.weight):
		return s.detachRead(victims), store.ErrFull
	}
	extra := weight
	if e.declared {
		extra -= e.weight
	}
	if old != nil && !old.isRead() {
		extra -= old.weight
	}
	victims, ok := s.evict(victims, extra, old)
	if !ok { // somebody has just opened what there was
		return victims, store.ErrFull
	}
	return victims, nil
}

// reweigh changes the weight of a committed entry. It wants mu, and on an error
// nothing has changed.
func (s *Store) reweigh(e *entry, weight int64) (victims []*entry, err error) {
	if weight > e.weight && weight > s.room.limit-s.room.promised {
		return nil, store.ErrTooLarge
	}
	e.weight = weight
	s.queue.Reweigh(&e.node, weight)
	victims, _ = s.evict(nil, 0, nil)
	return victims, nil
}

// someVictims is as many as a write evicts without an allocation.
const someVictims = 8

// evict detaches entries that nobody reads, and not the one to keep, until extra bytes
// have room, and appends them to victims. It reports whether they have. It wants mu;
// the caller frees the victims, without mu, since that touches every block.
func (s *Store) evict(victims []*entry, extra int64, keep *entry) (_ []*entry, ok bool) {
	for s.spent()+extra > s.room.most(s.room.unknown) {
		n := s.queue.Evict(func(e *entry) bool { return e == keep || e.isRead() })
		if n == nil {
			return victims, false
		}
		s.room.evictions++
		if s.detach(n.Value) {
			victims = append(victims, n.Value)
		}
	}
	return victims, true
}

// detachRead is for when nothing can be evicted. It detaches the next entry that would
// be evicted were it not read, if there is one that was not asked for lately: entries
// whose readers were forgotten would keep their room for ever. Else it is evict.
func (s *Store) detachRead(victims []*entry) []*entry {
	if n := s.queue.EvictUnvisited(func(e *entry) bool { return !e.isRead() }); n != nil {
		s.room.evictions++
		if s.detach(n.Value) {
			victims = append(victims, n.Value)
		}
	}
	return victims
}
