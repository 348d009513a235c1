package disk

import (
	"errors"
	"fmt"
	"hash/maphash"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/gofrs/flock"
)

// ErrLocked is returned by Open when another Store, of this process or another,
// has the directory.
var ErrLocked = errors.New("in use by another store")

const (
	lockName    = "daramjwee.lock"
	scanWorkers = 8 // files that are read at once; more does not help even fast disks much
)

// Open opens the tier in dir, which it creates if it does not exist. It reads
// the end of each stored file, removes damaged ones and what a crash has left,
// and evicts what is over the limit. The errors are a *strategy.ConfigError,
// ErrLocked, which names the lock file, or the operating system's own.
func Open(dir string, o Options) (*Store, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	s, err := open(dir, o, blockSize)
	if err != nil {
		return nil, fmt.Errorf("disk: open %s: %w", dir, err)
	}
	return s, nil
}

func open(dir string, o Options, block int64) (*Store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	s := &Store{
		dir: dir, root: root, pool: o.BufferPool, log: o.Logger, durable: o.Durable, block: block,
		seed: maphash.MakeSeed(), index: make(map[string]*file), writers: make(map[*writer]struct{}),
		room: room{limit: o.MaxBytes},
	}
	if s.lock, err = lockDir(root, dir); err != nil {
		root.Close()
		return nil, err
	}
	if err := s.load(); err != nil {
		root.Close()
		s.lock.Close()
		return nil, err
	}
	return s, nil
}

// lockDir takes the lock of a directory, or returns ErrLocked at once.
func lockDir(root *os.Root, dir string) (*flock.Flock, error) {
	// Through root first: the lock file cannot be a way out of the directory.
	fd, err := root.OpenFile(lockName, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	fd.Close()
	path := filepath.Join(dir, lockName)
	lock := flock.New(path, flock.SetFlag(os.O_RDWR))
	switch ok, err := lock.TryLock(); {
	case err != nil:
		return nil, fmt.Errorf("lock %s: %w", path, err)
	case !ok:
		return nil, fmt.Errorf("%s: %w", path, ErrLocked)
	}
	return lock, nil
}

// load brings the index up from the directory.
func (s *Store) load() error {
	if err := s.probe(); err != nil {
		return err
	}
	s.swept = s.sweep()
	found, err := s.readDir(".")
	if err != nil {
		return err
	}
	files := s.readFiles(slices.DeleteFunc(found, func(d fs.DirEntry) bool {
		return !isName(d.Name()) || !d.Type().IsRegular()
	}))
	s.loadOrder().sort(files)
	s.mu.Lock()
	for _, f := range files {
		s.attach(f)
	}
	victims := s.evict()
	s.mu.Unlock()
	s.remove(victims)
	return nil
}

// readFiles reads the ends of the files found, and removes those that are bad.
func (s *Store) readFiles(found []fs.DirEntry) []*file {
	files := make([]*file, len(found))
	var next, corrupt atomic.Int64
	var wg sync.WaitGroup
	for range min(len(found), scanWorkers, 2*runtime.GOMAXPROCS(0)) {
		wg.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(found)); i = next.Add(1) - 1 {
				name := found[i].Name()
				f, err := s.readFile(name)
				switch {
				case err == nil:
					files[i] = f
				case errors.Is(err, ErrCorrupt):
					corrupt.Add(1)
					s.log.Warn("disk: damaged entry removed", "dir", s.dir, "name", name, "error", err)
					s.unlink(name)
				default: // it may be sound: the next start will see
					s.log.Warn("disk: stored file cannot be read", "dir", s.dir, "name", name, "error", err)
				}
			}
		})
	}
	wg.Wait()
	s.corrupt = corrupt.Load()
	return slices.DeleteFunc(files, func(f *file) bool { return f == nil })
}

// readFile reads the end of one file.
func (s *Store) readFile(name string) (*file, error) {
	fd, err := s.root.Open(name)
	if err != nil {
		return nil, err
	}
	defer fd.Close()
	info, err := fd.Stat()
	if err != nil {
		return nil, err
	}
	foot, key, m, err := parseFile(fd, info.Size())
	if err != nil {
		return nil, err
	}
	if nameOf(key) != name {
		return nil, fmt.Errorf("%w: it holds another key", ErrCorrupt)
	}
	return newFile(key, name, foot, &m, info.Size(), info.ModTime()), nil
}
