package conformance

import (
	"context"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/daramjwee/daramjwee/cache/store"
)

// plainStore is a correct tier that owes nothing to those of this module: one
// lock, bodies as plain slices that the garbage collector frees, and eviction of
// what was used least recently. It has everything optional.
type plainStore struct {
	max int64

	mu     sync.Mutex // guards the following
	index  map[string]*plainEntry
	order  []*plainEntry // used least recently first
	used   int64         // bytes of committed bodies
	staged int64         // declared bytes of writers that have not ended
	closed bool
	saved  map[string]*plainEntry // the index at Close: what a disk would keep
}

// plainEntry is not written to once it is in the index; a new meta is a new entry.
type plainEntry struct {
	key  string
	body []byte
	meta *store.Metadata
}

func newPlainStore(max int64, index map[string]*plainEntry) *plainStore {
	s := &plainStore{max: max, index: make(map[string]*plainEntry)}
	for _, e := range index {
		s.put(e)
	}
	return s
}

// enter takes the lock, unless the call is to be refused.
func (s *plainStore) enter(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return store.ErrClosed
	}
	return nil
}

func (s *plainStore) Open(ctx context.Context, key string) (store.Entry, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	e := s.index[key]
	if e == nil {
		return nil, store.ErrNotFound
	}
	s.touch(e)
	return &plainReader{body: e.body, meta: e.meta}, nil
}

func (s *plainStore) Stat(ctx context.Context, key string) (*store.Metadata, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	if e := s.index[key]; e != nil {
		return e.meta, nil
	}
	return nil, store.ErrNotFound
}

func (s *plainStore) Create(ctx context.Context, key string, m store.Metadata) (store.Writer, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	if m.Size > s.max-s.staged {
		return nil, store.ErrTooLarge
	}
	s.staged += max(m.Size, 0)
	s.evict(0)
	return &plainWriter{s: s, key: strings.Clone(key), meta: m.Clone()}, nil
}

func (s *plainStore) Delete(ctx context.Context, key string) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()
	s.drop(s.index[key])
	return nil
}

func (s *plainStore) UpdateMetadata(ctx context.Context, key string, ifGeneration uint64, m store.Metadata) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()
	e := s.index[key]
	if e == nil || e.meta.Generation != ifGeneration {
		return store.ErrNotFound
	}
	m = m.Clone()
	m.Size = e.meta.Size
	s.put(&plainEntry{key: e.key, body: e.body, meta: &m})
	return nil
}

func (s *plainStore) List() iter.Seq2[string, *store.Metadata] {
	return func(yield func(string, *store.Metadata) bool) {
		s.mu.Lock()
		all := slices.Clone(s.order)
		s.mu.Unlock()
		for _, e := range all {
			if !yield(e.key, e.meta) {
				return
			}
		}
	}
}

func (s *plainStore) Close() error {
	if s.enter(background) != nil {
		return nil
	}
	defer s.mu.Unlock()
	s.closed, s.saved = true, maps.Clone(s.index)
	clear(s.index)
	s.order = nil
	return nil
}

// The rest wants mu.

// put makes e the entry of its key.
func (s *plainStore) put(e *plainEntry) {
	s.drop(s.index[e.key])
	s.evict(int64(len(e.body)))
	s.index[e.key] = e
	s.order = append(s.order, e)
	s.used += int64(len(e.body))
}

func (s *plainStore) drop(e *plainEntry) {
	if e == nil {
		return
	}
	delete(s.index, e.key)
	s.order = slices.DeleteFunc(s.order, func(o *plainEntry) bool { return o == e })
	s.used -= int64(len(e.body))
}

func (s *plainStore) touch(e *plainEntry) {
	s.order = append(slices.DeleteFunc(s.order, func(o *plainEntry) bool { return o == e }), e)
}

func (s *plainStore) evict(extra int64) {
	for len(s.order) > 0 && s.used+s.staged+extra > s.max {
		s.drop(s.order[0])
	}
}
