package disk

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"iter"
	"strings"
	"time"

	"github.com/daramjwee/daramjwee/cache/store"
	"github.com/daramjwee/daramjwee/internal/sieve"
)

// file is an entry of the index: one version of a key, in one file. A new
// version is a new file; a 304 changes meta, size and the record's place.
type file struct {
	key, name string
	body
	blocks blockState
	node   sieve.Node[*file]

	// Store.mu guards the following.
	meta      *store.Metadata // replaced, never written to: readers share it
	weight    int64           // bytes of the file: what it counts
	recordOff int64           // of the record in force
	end       int64           // of its footer; bytes behind it are a torn append
	modified  time.Time       // of the file when its blocks were last trusted
	readers   int             // open entries, and the writer until its release
	gone      bool            // no longer in the index
}

func newFile(key, name string, f footer, m *store.Metadata, weight int64, modified time.Time) *file {
	x := &file{
		key: key, name: name, body: f.body, blocks: newBlockState(f.blocks()),
		meta: m, weight: weight, recordOff: f.recordOff, end: f.end(), modified: modified,
	}
	x.node.Value = x
	return x
}

const (
	suffix  = ".entry"
	nameLen = 2*sha256.Size + len(suffix)
)

// nameOf returns the file name of a key.
func nameOf(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:]) + suffix
}

// isName reports whether a file name can have come from nameOf.
func isName(name string) bool {
	return len(name) == nameLen && strings.HasSuffix(name, suffix) && isHex(name[:2*sha256.Size])
}

func isHex(s string) bool { return strings.Trim(s, "0123456789abcdef") == "" }

// detach takes f out of the index. Its file is the caller's to remove. It wants mu.
func (s *Store) detach(f *file) {
	delete(s.index, f.key)
	s.queue.Remove(&f.node)
	s.committed -= f.weight
	f.gone = true
	if f.readers > 0 {
		s.pinned += f.weight
	}
}

// attach enters f into the index. It wants mu.
func (s *Store) attach(f *file) {
	s.index[f.key] = f
	s.queue.Push(&f.node)
	s.committed += f.weight
}

// release ends what the readers count of f began with.
func (s *Store) release(f *file) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f.readers--
	if f.gone && f.readers == 0 {
		s.pinned -= f.weight
	}
}

// remove unlinks files that were detached, each unless a newer version of its
// key has taken the name over meanwhile. The caller is inside the store and
// holds no lock of a name.
func (s *Store) remove(files []*file) {
	for _, f := range files {
		lock := s.nameLock(f.key)
		lock.Lock()
		s.mu.Lock()
		taken := s.index[f.key] != nil
		s.mu.Unlock()
		if !taken {
			s.unlink(f.name)
		}
		lock.Unlock()
	}
}

// unlink removes a file where the caller can do nothing about a failure.
func (s *Store) unlink(name string) {
	if err := s.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.log.Warn("disk: file cannot be removed", "dir", s.dir, "name", name, "error", err)
	}
}

// drop removes f, which was found damaged, if it still is its key's entry. The
// caller is inside the store and holds no lock of a name.
func (s *Store) drop(f *file, cause error) {
	s.mu.Lock()
	current := !f.gone
	if current {
		s.detach(f)
		s.corrupt++
	}
	s.mu.Unlock()
	if current {
		s.log.Warn("disk: damaged entry removed", "dir", s.dir, "name", f.name, "error", cause)
		s.remove([]*file{f})
	}
}

// Stat implements store.Store.
func (s *Store) Stat(ctx context.Context, key string) (*store.Metadata, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.leave()
	s.mu.Lock()
	defer s.mu.Unlock()
	if f := s.index[key]; f != nil {
		return f.meta, nil
	}
	return nil, store.ErrNotFound
}

// Delete implements store.Store. After an error the entry is no longer served,
// but its file may come back when the directory is opened again: call again.
func (s *Store) Delete(ctx context.Context, key string) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.leave()
	lock := s.nameLock(key)
	lock.Lock()
	defer lock.Unlock()
	s.mu.Lock()
	if f := s.index[key]; f != nil {
		s.detach(f)
	}
	s.mu.Unlock()
	// Also where the index has nothing: an earlier removal may have failed.
	err := s.root.Remove(nameOf(key))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil && s.durable {
		err = syncDir(s.root)
	}
	return wrap("delete", err)
}

// List implements store.Lister.
func (s *Store) List() iter.Seq2[string, *store.Metadata] {
	return func(yield func(string, *store.Metadata) bool) {
		type pair struct {
			key  string
			meta *store.Metadata
		}
		if s.enter(context.Background()) != nil {
			return
		}
		s.mu.Lock()
		pairs := make([]pair, 0, len(s.index))
		for key, f := range s.index {
			pairs = append(pairs, pair{key, f.meta})
		}
		s.mu.Unlock()
		s.leave() // before the loop, which may take its time, and call the store
		for _, p := range pairs {
			if !yield(p.key, p.meta) {
				return
			}
		}
	}
}
