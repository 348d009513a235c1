package disk

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"

	"github.com/gofrs/flock"

	"github.com/daramjwee/daramjwee/cache/store"
	"github.com/daramjwee/daramjwee/internal/sieve"
	"github.com/daramjwee/daramjwee/strategy"
)

var (
	_ store.Store           = (*Store)(nil)
	_ store.MetadataUpdater = (*Store)(nil)
	_ store.Lister          = (*Store)(nil)
)

// Store is a tier in a directory. All methods are safe for concurrent use.
//
// Its locks are taken in this order, and none is held while a stream is read or
// written: life; then the lock of a name, held while a file is opened, renamed,
// removed or appended to; then mu, held across no system call at all.
type Store struct {
	dir     string
	root    *os.Root
	lock    *flock.Flock
	pool    strategy.BufferPool // nil: allocate
	log     *slog.Logger
	durable bool
	block   int64         // bytes of a block in new files
	stages  atomic.Uint64 // numbers the staged files

	// life is held shared by calls that touch names, and whole by Close, so
	// that the directory is not given up under a call.
	life   sync.RWMutex
	closed bool // guarded by life

	// names are striped by key. Who renames, removes or appends to the file of
	// a key holds its lock; who looks it up and opens it holds it shared. So an
	// entry of the index and the file under its name belong together.
	names [256]sync.RWMutex
	seed  maphash.Seed

	mu      sync.Mutex // guards the following
	index   map[string]*file
	queue   sieve.Queue[*file]
	writers map[*writer]struct{}
	room
	swept int64
}

// enter lets a call into the store, unless it is closed or ctx is done. The call
// ends with leave, and does not enter again before.
func (s *Store) enter(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.life.RLock()
	if s.closed {
		s.life.RUnlock()
		return store.ErrClosed
	}
	return nil
}

func (s *Store) leave() { s.life.RUnlock() }

// nameLock returns the lock of the file of a key.
func (s *Store) nameLock(key string) *sync.RWMutex {
	return &s.names[maphash.String(s.seed, key)%uint64(len(s.names))]
}

// Open implements store.Store. The first block of the entry is sound.
func (s *Store) Open(ctx context.Context, key string) (store.Entry, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.leave()
	e, err := s.openEntry(key)
	if e == nil {
		return nil, err
	}
	if err == nil {
		if err = e.checkFirst(); err == nil {
			return e, nil
		}
	}
	e.Close()
	if !errors.Is(err, ErrCorrupt) {
		return nil, wrap("open", err)
	}
	s.drop(e.file, err)
	return nil, store.ErrNotFound
}

// openEntry opens the file of a key. With an error, an Entry is returned if
// there is one to close.
func (s *Store) openEntry(key string) (*entry, error) {
	lock := s.nameLock(key)
	lock.RLock()
	defer lock.RUnlock()
	s.mu.Lock()
	f := s.index[key]
	if f == nil {
		s.mu.Unlock()
		return nil, store.ErrNotFound
	}
	f.readers++
	f.node.Visit()
	e := &entry{s: s, file: f, meta: f.meta}
	modified := f.modified
	s.mu.Unlock()

	var err error
	if e.fd, err = s.root.Open(f.name); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			err = fmt.Errorf("%w: %w", ErrCorrupt, err)
		}
		return e, err
	}
	info, err := e.fd.Stat()
	if err != nil {
		return e, err
	}
	if info.Size() < f.tableEnd() {
		return e, fmt.Errorf("%w: cut to %d bytes", ErrCorrupt, info.Size())
	}
	if !info.ModTime().Equal(modified) { // someone wrote to it: what was checked counts no more
		f.blocks.reset()
		s.mu.Lock()
		f.modified = info.ModTime()
		s.mu.Unlock()
	}
	return e, nil
}

// Close implements store.Store. It saves the order of eviction, aborts the
// writers that are left and gives the directory up. It waits for the calls
// inside, which are short, and for no stream.
func (s *Store) Close() error {
	s.life.Lock()
	closed := s.closed
	s.closed = true
	s.life.Unlock()
	if closed {
		return nil
	}
	s.mu.Lock()
	writers := s.writers
	s.writers = nil
	s.mu.Unlock()
	for w := range writers {
		w.Abort()
	}
	s.saveOrder()
	s.sweep()
	return wrap("close", errors.Join(s.root.Close(), s.lock.Close()))
}

// buffer lends n bytes from the pool; free gives them back.
func (s *Store) buffer(n int64) []byte {
	if s.pool == nil {
		return make([]byte, n)
	}
	return s.pool.Get(int(n))
}

func (s *Store) free(b []byte) {
	if s.pool != nil {
		s.pool.Put(b)
	}
}

// wrap says that an error is ours. A nil error stays nil.
func wrap(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("disk: %s: %w", doing, err)
}
