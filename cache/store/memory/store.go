package memory

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/daramjwee/daramjwee/cache/store"
	"github.com/daramjwee/daramjwee/internal/sieve"
	"github.com/daramjwee/daramjwee/strategy"
)

var (
	_ store.Store           = (*Store)(nil)
	_ store.BodyOpener      = (*Store)(nil)
	_ store.MetadataUpdater = (*Store)(nil)
	_ store.Lister          = (*Store)(nil)
	_ store.Measurer        = (*Store)(nil)
)

// Store is a tier in memory. All methods are safe for concurrent use, and none
// waits for a reader or a writer.
type Store struct {
	pool  strategy.BufferPool
	block int64   // bytes of every block but an entry's last
	sizes []int64 // of the pool's classes, block the last

	done atomic.Bool // set under mu

	mu    sync.RWMutex // guards the following 3 fields, but for what reads the index
	index index
	queue sieve.Queue[*entry] // the same entries, in the order of eviction
	room  room
}

// New opens an empty tier. A faulty Options is an errors.Join of
// *strategy.ConfigError; any other error is that of the pool's strategy.
func New(o Options) (*Store, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	pool, err := strategy.New(o.BufferPool)
	if err != nil {
		return nil, fmt.Errorf("memory: %w", err)
	}
	return &Store{
		pool:  pool,
		block: int64(o.BufferPool.MaxBufferSize),
		sizes: classes(o.BufferPool),
		index: newIndex(o.MaxBytes),
		room:  room{limit: o.MaxBytes, slack: max(o.MaxBytes/4, min(o.MaxBytes, 1<<20))},
	}, nil
}

// Open implements store.Store. The entry is also an io.WriterTo and an
// io.ReaderAt.
func (s *Store) Open(ctx context.Context, key string) (store.Entry, error) {
	e, err := s.open(ctx, key)
	if err != nil {
		return nil, err
	}
	return &reader{entry: e, meta: e.meta.Load()}, nil
}

// OpenBody implements store.BodyOpener.
func (s *Store) OpenBody(ctx context.Context, key string) (store.Body, *store.Metadata, error) {
	e, err := s.open(ctx, key)
	if err != nil {
		return nil, nil, err
	}
	return e, e.meta.Load(), nil
}

// open returns an entry with a reference for the caller.
func (s *Store) open(ctx context.Context, key string) (*entry, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	for e := s.index.peek(key); e != nil; e = s.index.peek(key) {
		if e.ref() {
			e.node.Visit()
			return e, nil
		}
	}
	return nil, s.missing()
}

// Stat implements store.Store.
func (s *Store) Stat(ctx context.Context, key string) (*store.Metadata, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	e := s.index.peek(key)
	if e == nil {
		return nil, s.missing()
	}
	return e.meta.Load(), nil
}

// lookup wants mu.
func (s *Store) lookup(key string) (*entry, error) {
	if e := s.index.peek(key); e != nil {
		return e, nil
	}
	return nil, s.missing()
}

// missing is the error for a key that is not in the index.
func (s *Store) missing() error {
	if s.done.Load() {
		return store.ErrClosed
	}
	return store.ErrNotFound
}

// Delete implements store.Store.
func (s *Store) Delete(ctx context.Context, key string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	e, err := s.lookup(key)
	idle := e != nil && s.detach(e)
	s.mu.Unlock()
	if idle {
		e.putBlocks()
	}
	if err == store.ErrNotFound {
		return nil
	}
	return err
}

// UpdateMetadata implements store.MetadataUpdater. The error is ErrTooLarge, and
// nothing has changed, when the header has outgrown the tier.
func (s *Store) UpdateMetadata(ctx context.Context, key string, ifGeneration uint64, m store.Metadata) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m = m.Clone()
	s.mu.Lock()
	e, err := s.lookup(key)
	if err == nil && e.meta.Load().Generation != ifGeneration {
		err = store.ErrNotFound
	}
	var victims []*entry
	if err == nil {
		victims, err = s.reweigh(e, e.weight+overhead(key, &m)-overhead(key, e.meta.Load()))
	}
	if err == nil {
		m.Size = e.size
		e.meta.Store(&m)
	}
	s.mu.Unlock()
	free(victims)
	return err
}

// List implements store.Lister: the entries of the moment at which it is called
// upon.
func (s *Store) List() iter.Seq2[string, *store.Metadata] {
	return func(yield func(string, *store.Metadata) bool) {
		s.mu.RLock()
		entries := s.entries()
		s.mu.RUnlock()
		for _, e := range entries { // without the lock: the caller may delete
			if !yield(e.key, e.meta.Load()) {
				return
			}
		}
	}
}

// entries wants mu.
func (s *Store) entries() []*entry {
	all := make([]*entry, 0, s.queue.Len())
	for n := range s.queue.All {
		all = append(all, n.Value)
	}
	return all
}

// Close implements store.Store. Open entries read on, and what they hold is
// discarded when they are closed. Closing twice is closing once.
func (s *Store) Close() error {
	s.mu.Lock()
	if s.done.Load() {
		s.mu.Unlock()
		return nil
	}
	s.done.Store(true)
	all := slices.DeleteFunc(s.entries(), func(e *entry) bool { return !s.detach(e) })
	s.mu.Unlock()
	free(all)
	return strategy.Close(s.pool)
}
