package disk

import "github.com/daramjwee/daramjwee/cache/store"

// room is how the tier's bytes are spent. Store.mu guards it. Two inequalities
// hold whenever mu is free: staged <= promised <= limit, so that evicting every
// entry always makes enough room, and committed + staged <= limit.
type room struct {
	limit     int64
	committed int64 // files of the index
	staged    int64 // written by writers that have not ended, with what Commit will add
	promised  int64 // what those writers may need: the declared size, or what is staged
	loose     int64 // written by writers of unknown size, which evict nothing before Commit: beside the limit, and at most looseLimit
	pinned    int64 // files no longer in the index, or never, that readers or holds keep open
	evictions int64
	corrupt   int64
}

// reserve counts bytes as promised and as staged, and evicts until they fit. The
// files that it returns are detached: the caller removes them before it writes,
// holding no lock of a name. On ErrTooLarge nothing has changed.
func (s *Store) reserve(promised, staged int64) (victims []*file, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if promised > s.limit-s.promised {
		return nil, store.ErrTooLarge
	}
	s.promised += promised
	s.staged += staged
	return s.evict(), nil
}

// reserveLoose counts bytes of an entry of unknown size. It evicts nothing: nobody
// can tell yet whether the entry will fit.
func (s *Store) reserveLoose(n int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n > s.looseLimit()-s.loose {
		return store.ErrTooLarge
	}
	s.loose += n
	return nil
}

// unstage takes what is counted of a writer back. It wants mu.
func (s *Store) unstage(w *writer) {
	s.promised -= w.promised
	s.staged -= w.staged
	s.loose -= w.loose
	w.promised, w.staged, w.loose = 0, 0, 0
}

// looseLimit is an eighth of the limit; in a tier so small that this is less than a
// block, as much as fits.
func (r *room) looseLimit() int64 { return min(r.limit, max(r.limit/8, blockSize)) }

// evict detaches entries until the limit is kept. It wants mu.
func (s *Store) evict() (victims []*file) {
	for s.committed+s.staged > s.limit {
		n := s.queue.Evict(nil)
		if n == nil {
			break
		}
		s.detach(n.Value)
		s.evictions++
		victims = append(victims, n.Value)
	}
	return victims
}

// Stats is a snapshot of a Store. Bytes are those of files, with the format's
// overhead; what the file system adds is not counted.
type Stats struct {
	Entries     int64 // committed entries
	Bytes       int64 // of their files; Bytes + StagedBytes exceeds MaxBytes by what writers of unknown size hold
	StagedBytes int64 // of writers that have neither committed nor aborted
	PinnedBytes int64 // of files replaced, evicted, deleted or aborted while they were read or held, until the last one is done; in no other count
	MaxBytes    int64 // the limit

	Evictions int64 // entries removed to make room, since the directory was opened
	Corrupt   int64 // entries removed as damaged, unreadable or missing, those found when the directory was opened included
	Swept     int64 // staged files of a crashed process removed when the directory was opened
}

// Stats returns a snapshot. It may be called at any time, after Close too.
func (s *Store) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Stats{
		Entries: int64(len(s.index)), Bytes: s.committed, StagedBytes: s.staged + s.loose, PinnedBytes: s.pinned, MaxBytes: s.limit,
		Evictions: s.evictions, Corrupt: s.corrupt, Swept: s.swept,
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
