package memory

import (
	"context"
	"iter"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/daramjwee/daramjwee/cache/store"
	"github.com/daramjwee/daramjwee/internal/sieve"
	"github.com/daramjwee/daramjwee/strategy"
)

// Options of a Store. The zero value is right: 64 MiB, without pooling.
type Options struct {
	// MaxBytes bounds blocks, keys and metadata; 0: 64 MiB.
	MaxBytes int64
	// BufferPool selects the strategy that lends the blocks; its zero value is
	// disabled, so that blocks are plain allocations. The store opens a pool of
	// its own and closes it.
	BufferPool strategy.BufferPoolConfig
}

const (
	defaultMaxBytes = 64 << 20
	entryOverhead   = 512 // structs, map slot and queue node of an entry, rounded up
)

// Store is a store.Store in memory.
type Store struct {
	pool      strategy.BufferPool
	blockSize int   // of every block but an entry's last one
	max       int64 // bytes

	mu         sync.RWMutex // guards the following 5 fields; a hit takes it for reading
	index      map[string]*item
	order      sieve.Queue[*item]
	reserved   int64 // room held by staged entries of a declared size
	undeclared int64 // bytes of staged entries of unknown size
	closed     bool

	pinned, evictions atomic.Int64
}

var (
	_ store.Store           = (*Store)(nil)
	_ store.MetadataUpdater = (*Store)(nil)
	_ store.Lister          = (*Store)(nil)
)

// New opens an empty store. A faulty option is a *strategy.ConfigError.
func New(o Options) (*Store, error) {
	if o.MaxBytes < 0 {
		return nil, &strategy.ConfigError{Field: "MaxBytes", Value: o.MaxBytes, Allowed: "0 (64 MiB), or 1 byte and more"}
	}
	if o.MaxBytes == 0 {
		o.MaxBytes = defaultMaxBytes
	}
	pool, err := strategy.New(o.BufferPool)
	if err != nil {
		return nil, err
	}
	probe := pool.Get(0)
	defer pool.Put(probe)
	return &Store{pool: pool, blockSize: len(probe), max: o.MaxBytes, index: make(map[string]*item)}, nil
}

// item is a committed entry.
type item struct {
	key    string
	meta   atomic.Pointer[store.Metadata]
	blocks blocks
	weight int64
	node   sieve.Node[*item]
	refs   atomic.Int64 // the index's, and one per open Entry
}

// release gives one reference back. The index's is always among those counted
// until the item leaves it, so the last one out is never surprised by a new one.
func (s *Store) release(it *item) {
	if it.refs.Add(-1) == 0 {
		it.blocks.putAll(s.pool)
		s.pinned.Add(-it.weight)
	}
}

// forget takes an item out of the index. The caller holds mu for writing.
func (s *Store) forget(it *item) {
	delete(s.index, it.key)
	s.order.Remove(&it.node)
	s.pinned.Add(it.weight) // until the last reader closes, which may be now
	s.release(it)
}

// Open implements store.Store.
func (s *Store) Open(ctx context.Context, key string) (store.Entry, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return nil, store.ErrClosed
	}
	it := s.index[key]
	if it == nil {
		return nil, store.ErrNotFound
	}
	it.refs.Add(1)
	it.node.Visit()
	return &entry{store: s, item: it, meta: it.meta.Load()}, nil
}

// Stat implements store.Store.
func (s *Store) Stat(ctx context.Context, key string) (*store.Metadata, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return nil, store.ErrClosed
	}
	if it := s.index[key]; it != nil {
		return it.meta.Load(), nil
	}
	return nil, store.ErrNotFound
}

// Delete implements store.Store.
func (s *Store) Delete(ctx context.Context, key string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return store.ErrClosed
	}
	if it := s.index[key]; it != nil {
		s.forget(it)
	}
	return nil
}

// UpdateMetadata implements store.MetadataUpdater. The entry's weight stays what
// it was when it was committed.
func (s *Store) UpdateMetadata(ctx context.Context, key string, ifGeneration uint64, m store.Metadata) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return store.ErrClosed
	}
	it := s.index[key]
	if it == nil || it.meta.Load().Generation != ifGeneration {
		return store.ErrNotFound
	}
	m.Size = it.blocks.size
	it.meta.Store(&m)
	return nil
}

// List implements store.Lister.
func (s *Store) List() iter.Seq2[string, *store.Metadata] {
	return func(yield func(string, *store.Metadata) bool) {
		s.mu.RLock()
		items := make([]*item, 0, len(s.index))
		for _, it := range s.index {
			items = append(items, it)
		}
		s.mu.RUnlock()
		for _, it := range items {
			if !yield(it.key, it.meta.Load()) {
				return
			}
		}
	}
}

// Close lets go of all entries. Those that are open can be read to their end.
func (s *Store) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	for _, it := range s.index {
		s.forget(it)
	}
	s.mu.Unlock()
	return strategy.Close(s.pool)
}

// Stats is a snapshot of a Store.
type Stats struct {
	Entries     int   // committed entries
	Bytes       int64 // their blocks, keys, metadata and overhead
	StagedBytes int64 // room held by entries that are being written
	PinnedBytes int64 // of entries no longer in the store that readers still have open
	Evictions   int64 // entries removed to make room
	BufferPool  strategy.BufferPoolStats
}

// Stats returns a snapshot.
func (s *Store) Stats() Stats {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return Stats{
		Entries: len(s.index), Bytes: s.order.Weight(), StagedBytes: s.reserved + s.undeclared,
		PinnedBytes: s.pinned.Load(), Evictions: s.evictions.Load(), BufferPool: s.pool.Stats(),
	}
}

// weigh is what an entry counts beside its blocks.
func weigh(key string, m *store.Metadata) int64 {
	n := entryOverhead + len(key) + len(m.ETag)
	for name, value := range m.Header.All() {
		n += len(name) + len(value) + 32 // two string headers
	}
	return int64(n)
}

// clone keeps key and validator from aliasing memory that the caller reuses.
func clone(key string, m store.Metadata) (string, store.Metadata) {
	m.ETag = strings.Clone(m.ETag)
	return strings.Clone(key), m
}
