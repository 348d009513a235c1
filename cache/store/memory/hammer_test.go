package memory_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/daramjwee/daramjwee/cache/store"
	"github.com/daramjwee/daramjwee/cache/store/memory"
)

// TestHammer has writers, readers and deleters of a few keys under a tight limit.
// Every body says by its metadata what it must be, so that one byte of another
// entry is seen; all sizes are declared, so the limit holds at every moment, but for
// what came to be read when its room was promised to another.
func TestHammer(t *testing.T) {
	const keys, rounds = 8, 250
	each(t, 12*block, func(t *testing.T, s *memory.Store) {
		var workers, sampler sync.WaitGroup
		stop := make(chan struct{})
		sampler.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					if got := s.Stats(); got.Bytes+got.StagedBytes > got.MaxBytes+8*whole(3) || min(got.StagedBytes, got.PinnedBytes) < 0 {
						t.Errorf("beyond the limit: %+v", got)
						return
					}
				}
			}
		})
		for g := range uint64(8) {
			rng := rand.New(rand.NewPCG(g, 1))
			workers.Go(func() {
				for i := range uint64(rounds) {
					key := fmt.Sprint(rng.IntN(keys))
					switch rng.IntN(8) {
					case 0, 1, 2:
						hammerWrite(t, s, key, g*rounds+i, rng)
					case 3:
						if err := s.Delete(ctx, key); err != nil {
							t.Error(err)
						}
					case 4:
						if m, err := s.Stat(ctx, key); err == nil {
							s.UpdateMetadata(ctx, key, m.Generation, *m)
						}
					default:
						hammerRead(t, s, key, rng)
					}
				}
			})
		}
		workers.Wait()
		close(stop)
		sampler.Wait()
		for key := range s.List() {
			hammerRead(t, s, key, rand.New(rand.NewPCG(1, 1)))
		}
		requireSettled(t, s)
	})
}

func hammerWrite(t *testing.T, s *memory.Store, key string, seed uint64, rng *rand.Rand) {
	size := rng.IntN(3 * block)
	w, err := s.Create(ctx, key, store.Metadata{Size: int64(size), Generation: seed})
	if errors.Is(err, store.ErrTooLarge) {
		return // the others were promised the tier, or read it
	}
	if err != nil {
		t.Error(err)
		return
	}
	defer w.Abort()
	data := pattern(seed, size)
	if rng.IntN(5) == 0 {
		data = data[:size/2]
	}
	var follower sync.WaitGroup
	follower.Go(func() {
		p := make([]byte, 3*block)
		n, err := w.(store.StagedReader).ReadAt(p, 0)
		if err == nil || !bytes.Equal(p[:n], pattern(seed, n)) {
			t.Errorf("staged: wrong bytes, or %v", err)
		}
	})
	if _, err := io.Copy(w, onlyReader{bytes.NewReader(data)}); err != nil {
		t.Errorf("what was promised: %v", err)
	}
	if len(data) == size && rng.IntN(5) > 0 {
		if err := w.Commit(ctx); err != nil {
			t.Error(err)
		}
	} else {
		w.Abort()
	}
	follower.Wait()
}

func hammerRead(t *testing.T, s *memory.Store, key string, rng *rand.Rand) {
	e, err := s.Open(ctx, key)
	if err == store.ErrNotFound {
		return
	}
	if err != nil {
		t.Error(err)
		return
	}
	defer e.Close()
	want := pattern(e.Metadata().Generation, int(e.Size()))
	var closer sync.WaitGroup
	defer closer.Wait()
	early := rng.IntN(4) == 0
	if early {
		closer.Go(func() { e.Close() })
	}
	var got bytes.Buffer
	if rng.IntN(2) == 0 {
		_, err = e.(io.WriterTo).WriteTo(&got)
	} else {
		_, err = io.CopyBuffer(onlyWriter{&got}, onlyReader{e}, make([]byte, 1+rng.IntN(block)))
	}
	switch {
	case early && err == store.ErrClosed:
		want = want[:got.Len()]
	case err != nil:
		t.Errorf("read: %v", err)
	}
	if !bytes.Equal(want, got.Bytes()) {
		t.Errorf("%d bytes read are not those of generation %d", got.Len(), e.Metadata().Generation)
	}
}

// Writers of unknown sizes, too large ones among them, beside readers: what is
// committed stays within the limit, and afterwards all the room is back.
func TestHammerUnknownSizes(t *testing.T) {
	each(t, 12*block, func(t *testing.T, s *memory.Store) {
		var wg sync.WaitGroup
		var committed atomic.Int64
		for g := range uint64(6) {
			rng := rand.New(rand.NewPCG(g, 2))
			wg.Go(func() {
				for i := range uint64(150) {
					key, seed := fmt.Sprint(rng.IntN(6)), g*150+i
					w, err := s.Create(ctx, key, store.Metadata{Size: -1, Generation: seed})
					if err != nil {
						continue // all of them together have staged one MaxBytes
					}
					if _, err := w.Write(pattern(seed, rng.IntN(14*block))); err == nil {
						switch err := w.Commit(ctx); err {
						case nil:
							committed.Add(1)
						case store.ErrFull:
						default:
							t.Error(err)
						}
					}
					w.Abort()
					hammerRead(t, s, key, rng)
					if got := s.Stats(); got.Bytes > got.MaxBytes || got.StagedBytes > got.MaxBytes {
						t.Errorf("beyond the limit: %+v", got)
					}
				}
			})
		}
		wg.Wait()
		require.NotZero(t, committed.Load())
		put(t, s, "all", -1, pattern(1, 11*block)) // an entry need not be left: what is refused can take one out that is read
		require.NotZero(t, s.Stats().Entries)
		requireSettled(t, s)
	})
}
