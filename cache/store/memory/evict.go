package memory

import "github.com/daramjwee/daramjwee/cache/store"

// publish puts a staged entry into the index, with the weight that it has now. On
// an error it is still staged.
func (s *Store) publish(e *entry, weight int64) error {
	victims := make([]*entry, 0, someVictims)
	s.mu.Lock()
	old := s.index.link(e).Load()
	victims, err := s.makeRoom(e, old, weight, victims)
	if err == nil {
		e.weight, e.read = weight, weight
		s.room.busy.Add(e.read) // until the writer's reference goes
		e.refs.Add(indexed)
		s.room.committed += weight
		s.queue.Push(&e.node) // before somebody opens it, which Visit records
		s.index.put(e)
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

// makeRoom counts an entry out of what is staged and evicts for it. What takes the
// place of old, which may be nil and stays for now, needs less. It wants mu. On an
// error the entry is staged as before.
func (s *Store) makeRoom(e, old *entry, weight int64, victims []*entry) (_ []*entry, err error) {
	if s.done.Load() {
		return victims, store.ErrClosed
	}
	s.stage(e, -1)
	switch {
	case e.declared && weight <= e.promised: // it has had its room
		return victims, nil
	case weight > s.room.limit:
		err = store.ErrTooLarge
	case weight > s.room.available(s.room.unknown):
		victims, err = s.detachRead(victims, weight), store.ErrFull
	default:
		extra := weight
		if old != nil && !old.isRead() {
			extra -= old.weight
		}
		var ok bool
		if victims, ok = s.evict(victims, extra, weight, old); !ok { // somebody has just opened what there was
			err = store.ErrFull
		}
	}
	if err != nil {
		s.stage(e, 1)
	}
	return victims, err
}

// reweigh changes the weight of a committed entry. It wants mu, and on an error
// nothing has changed.
func (s *Store) reweigh(e *entry, weight int64) (victims []*entry, err error) {
	if weight > e.weight && weight > s.room.limit-s.room.promised {
		return nil, store.ErrTooLarge
	}
	s.room.committed += weight - e.weight
	e.weight = weight
	victims, _ = s.evict(nil, 0, 0, nil)
	return victims, nil
}

// someVictims is as many as a write evicts without an allocation.
const someVictims = 8

// evict detaches entries that nobody reads, and not the one to keep, until extra bytes
// have room, and appends them to victims. It reports whether they have; it gives up when
// fewer than least are available any more. It wants mu; the caller frees the victims,
// without mu, since that touches every block.
func (s *Store) evict(victims []*entry, extra, least int64, keep *entry) (_ []*entry, ok bool) {
	for s.spent()+extra > s.room.most(s.room.unknown) {
		if least > 0 && least > s.room.available(s.room.unknown) {
			return victims, false
		}
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

// detachRead is for when readers are in the way of so many bytes, and will be when those
// of what is pinned already are done. It detaches the next entry that would be evicted
// were it not read, if there is one that was not asked for lately: entries whose readers
// were forgotten would keep their room for ever. It looks at no more than a thousand,
// since nobody else gets the lock meanwhile. Else it is evict.
func (s *Store) detachRead(victims []*entry, bytes int64) []*entry {
	room := s.room.available(s.room.unknown) + s.room.pinned.Load()
	if bytes <= room || bytes > room+s.room.busy.Load() {
		return victims
	}
	if n := s.queue.EvictUnvisited(func(e *entry) bool { return !e.isRead() }, 1000); n != nil {
		s.room.evictions++
		if s.detach(n.Value) {
			victims = append(victims, n.Value)
		}
	}
	return victims
}
