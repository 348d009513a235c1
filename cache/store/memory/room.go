package memory

import (
	"sync/atomic"

	"github.com/daramjwee/daramjwee/cache/store"
	"github.com/daramjwee/daramjwee/internal/stripe"
)

// room is how the tier's bytes are spent. Store.mu guards all but pinned and busy.
// These hold whenever mu is free:
//
//	staged <= promised <= limit
//	committed + staged + pinned <= limit
//	unknown <= limit
//	committed + staged + pinned + unknown <= limit + slack
//
// The slack is for what may never be kept, and so evicts nothing: a quarter of the
// limit, or 1 MiB where that is more and the limit is not less.
//
// The second and the fourth give way where somebody opened what room was promised
// from, until it is closed.
type room struct {
	limit     int64
	slack     int64
	committed int64 // of the entries in the index
	staged    int64 // held by writers of a declared size
	promised  int64 // of the same writers: what they hold, or will by what they declared
	unknown   int64 // held by writers of an unknown size
	evictions int64

	pinned atomic.Int64   // of entries in none of the above whose blocks are not back yet
	busy   stripe.Counter // of committed entries that are read or held: eviction passes them by
}

// spent is what the tier has, but for what is staged with an unknown size. It wants
// mu.
func (s *Store) spent() int64 { return s.room.committed + s.room.staged + s.room.pinned.Load() }

// most is what spent may be beside so many bytes that are staged with an unknown
// size.
func (r *room) most(unknown int64) int64 { return min(r.limit, r.limit+r.slack-unknown) }

// available is what nobody was promised, and has or will have room when all is
// evicted that can be. It wants mu.
func (r *room) available(unknown int64) int64 {
	return r.most(unknown) - r.promised - r.pinned.Load() - r.busy.Load()
}

// promise counts what a declared size will need, or returns ErrTooLarge or ErrFull.
func (s *Store) promise(e *entry, bytes int64) (err error) {
	var victims []*entry
	s.mu.Lock()
	switch {
	case s.done.Load():
		err = store.ErrClosed
	case bytes > s.room.limit:
		err = store.ErrTooLarge
	case bytes > s.room.available(s.room.unknown):
		victims, err = s.detachRead(nil, bytes), store.ErrFull
	default:
		s.room.promised += bytes
		e.promised = bytes
	}
	s.mu.Unlock()
	free(victims)
	return err
}

// reserve counts up to most bytes as held by a staged entry, and returns how
// many. With fewer than least it returns an error and counts none.
func (s *Store) reserve(e *entry, least, most int64) (n int64, err error) {
	victims := make([]*entry, 0, someVictims)
	s.mu.Lock()
	switch {
	case s.done.Load():
		err = store.ErrClosed
	case e.declared:
		n, victims, err = s.reserveDeclared(e, least, most, victims)
	default:
		n, err = s.reserveUnknown(e, least, most)
	}
	s.mu.Unlock()
	free(victims)
	return n, err
}

func (s *Store) reserveDeclared(e *entry, least, most int64, victims []*entry) (int64, []*entry, error) {
	r := &s.room
	n := min(most, e.promised-e.weight+max(0, r.available(r.unknown)))
	switch {
	case e.weight+least > r.limit:
		return 0, victims, store.ErrTooLarge
	case n < least:
		return 0, victims, store.ErrFull
	}
	victims, _ = s.evict(victims, n, 0, nil) // what could have been may be read since, but a promise is a promise
	e.weight += n
	r.staged += n
	r.promised += max(e.weight-e.promised, 0)
	e.promised = max(e.weight, e.promised)
	return n, victims, nil
}

// reserveUnknown evicts nothing, for an entry that may never be kept, and leaves
// alone what was promised.
func (s *Store) reserveUnknown(e *entry, least, most int64) (int64, error) {
	r := &s.room
	taken := max(s.spent(), r.promised+r.pinned.Load()+r.busy.Load())
	n := min(most, min(r.limit, r.limit+r.slack-taken)-r.unknown)
	if n < least {
		return 0, r.outgrown(e)
	}
	e.weight += n
	r.unknown += n
	return n, nil
}

// outgrown is the error of an entry of unknown size that needs more room than there
// is: whether it may have it later.
func (r *room) outgrown(e *entry) error {
	if e.weight < r.slack-blockOverhead {
		return store.ErrFull
	}
	return store.ErrTooLarge
}

// stage counts an entry in what writers hold (1), or out of it (-1). It wants mu.
func (s *Store) stage(e *entry, n int64) {
	if e.declared {
		s.room.staged += n * e.weight
		s.room.promised += n * e.promised
	} else {
		s.room.unknown += n * e.weight
	}
}

// abandon drops a staged entry. The caller gives the writer's reference back.
func (s *Store) abandon(e *entry) {
	s.mu.Lock()
	s.stage(e, -1)
	s.room.pinned.Add(e.weight)
	s.mu.Unlock()
}
