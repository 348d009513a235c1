package disk

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/daramjwee/daramjwee/cache/store"
)

// bodyOf is the only body that a key may have in a generation.
func bodyOf(key string, generation uint64) []byte {
	return bytes.Repeat(fmt.Appendf(nil, "%s %d|", key, generation), int(generation%60))
}

// Readers, writers, deleters and updaters of a few keys in a tier that is too
// small for them: whatever is read is one generation, whole, with its metadata.
func TestConcurrency(t *testing.T) {
	for _, limit := range []int64{1 << 20, 6_000} {
		dir := t.TempDir()
		s := openDir(t, dir, Options{MaxBytes: limit, BufferPool: newStrictPool(t)})
		var wg sync.WaitGroup
		for g := range 8 {
			wg.Go(func() {
				r := rand.New(rand.NewPCG(uint64(g), 0))
				for i := range 400 {
					if err := step(s, r, uint64(g*1000+i)); err != nil {
						t.Error(err)
						return
					}
					if st := s.Stats(); st.Bytes+st.StagedBytes > limit+s.looseLimit() || min(st.Bytes, st.StagedBytes, st.PinnedBytes) < 0 {
						t.Errorf("%+v", st)
					}
				}
			})
		}
		wg.Wait()
		sizes(t, s)
		st := s.Stats()
		require.Zero(t, st.StagedBytes)
		require.Zero(t, st.PinnedBytes)
		require.Zero(t, st.Corrupt)
		require.Zero(t, s.promised)
		_, staged := onDisk(t, dir)
		require.Zero(t, staged)
		require.NoError(t, s.Close())

		s = openDir(t, dir, Options{MaxBytes: limit})
		require.Equal(t, Stats{Entries: st.Entries, Bytes: st.Bytes, MaxBytes: limit}, s.Stats())
		for k, m := range s.List() {
			requireEntry(t, s, k, bodyOf(k, m.Generation))
		}
	}
}

// step does one random thing and returns what must not happen.
func step(s *Store, r *rand.Rand, generation uint64) error {
	key := fmt.Sprint("key", r.IntN(4))
	switch r.IntN(12) {
	case 0, 1, 2:
		b := bodyOf(key, generation)
		m := store.Metadata{Size: -1, Generation: generation, ETag: fmt.Sprint(len(b))}
		if r.IntN(2) == 0 {
			m.Size = int64(len(b))
		}
		w, err := s.Create(ctx, key, m)
		if err != nil {
			return except(err, store.ErrTooLarge)
		}
		defer w.Abort()
		for len(b) > 0 {
			n := min(len(b), 1+r.IntN(100))
			if _, err := w.Write(b[:n]); err != nil {
				return except(err, store.ErrTooLarge)
			}
			b = b[n:]
		}
		if r.IntN(5) == 0 {
			return w.Abort()
		}
		return except(w.Commit(ctx), store.ErrTooLarge)
	case 3:
		return s.Delete(ctx, key)
	case 4, 5:
		m, err := s.Stat(ctx, key)
		if err != nil {
			return except(err, store.ErrNotFound)
		}
		next := *m
		next.TTL++
		return except(s.UpdateMetadata(ctx, key, m.Generation, next), store.ErrNotFound, store.ErrTooLarge)
	case 6:
		return together(s, key)
	}
	e, err := s.Open(ctx, key)
	if err != nil {
		return except(err, store.ErrNotFound)
	}
	defer e.Close()
	m := e.Metadata()
	var b bytes.Buffer
	if r.IntN(2) == 0 {
		_, err = b.ReadFrom(e)
	} else {
		_, err = e.(*entry).WriteTo(&b)
	}
	if err != nil {
		return err
	}
	if want := bodyOf(key, m.Generation); !bytes.Equal(want, b.Bytes()) || m.ETag != fmt.Sprint(len(want)) || m.Size != int64(len(want)) {
		return fmt.Errorf("%s: generation %d has %d bytes, want %d", key, m.Generation, b.Len(), len(want))
	}
	return nil
}

// together checks what the lock of a name is for: the index and the file that
// lies under the name say the same.
func together(s *Store, key string) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.leave()
	lock := s.nameLock(key)
	lock.RLock()
	defer lock.RUnlock()
	s.mu.Lock()
	f := s.index[key]
	s.mu.Unlock()
	if f == nil {
		return nil
	}
	onDisk, err := s.readFile(f.name)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !reflect.DeepEqual(onDisk.meta, f.meta) || onDisk.end != f.end || onDisk.weight != f.weight || onDisk.body != f.body {
		return fmt.Errorf("%s: the file has %+v, the index %+v", key, onDisk.meta, f.meta)
	}
	return nil
}

// except returns err unless it is one of those that may happen.
func except(err error, allowed ...error) error {
	for _, a := range allowed {
		if errors.Is(err, a) {
			return nil
		}
	}
	return err
}

// Close in the middle of everything: calls return ErrClosed and leave nothing behind.
func TestCloseUnderLoad(t *testing.T) {
	for round := range 10 {
		dir := t.TempDir()
		s, err := openSmall(dir, Options{MaxBytes: 20_000})
		require.NoError(t, err)
		var wg sync.WaitGroup
		started := make(chan struct{}, 6)
		for g := range 6 {
			wg.Go(func() {
				r := rand.New(rand.NewPCG(uint64(g), uint64(round)))
				for i := 0; ; i++ {
					err := step(s, r, uint64(g*1000+i))
					if errors.Is(err, store.ErrClosed) {
						return
					}
					if err != nil {
						t.Error(err)
						return
					}
					if i == 20 {
						started <- struct{}{}
					}
				}
			})
		}
		for range 6 {
			<-started
		}
		require.NoError(t, s.Close())
		again := openDir(t, dir, Options{MaxBytes: 20_000})
		require.Zero(t, again.Stats().Swept)
		wg.Wait()
		for k, m := range again.List() {
			requireEntry(t, again, k, bodyOf(k, m.Generation))
		}
		require.Zero(t, again.Stats().Corrupt)
		require.NoError(t, again.Close())
	}
}
