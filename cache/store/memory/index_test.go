package memory_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/daramjwee/daramjwee/cache/store"
	"github.com/daramjwee/daramjwee/cache/store/memory"
	"github.com/daramjwee/daramjwee/strategy"
)

// TestReplacedKeyIsAlwaysFound fails for an index that takes the old entry out
// before it has the new one, and for one that hands out an entry whose blocks are
// given back already.
func TestReplacedKeyIsAlwaysFound(t *testing.T) {
	const block = 64
	s, err := memory.New(memory.Options{MaxBytes: 1 << 20, BufferPool: strategy.BufferPoolConfig{
		Enabled: true, DefaultBufferSize: block, MinBufferSize: block, MaxBufferSize: block}})
	require.NoError(t, err)
	defer s.Close()
	body := func(generation uint64) []byte {
		return bytes.Repeat(binary.BigEndian.AppendUint64(nil, generation), block/8)
	}
	set := func(generation uint64) {
		w, err := s.Create(ctx, "key", store.Metadata{Size: block, Generation: generation})
		require.NoError(t, err)
		_, err = w.Write(body(generation))
		require.NoError(t, err)
		require.NoError(t, w.Commit(ctx))
	}
	look := func() error {
		e, err := s.Open(ctx, "key")
		if err != nil {
			return err
		}
		runtime.Gosched() // let it be replaced
		got, err := io.ReadAll(e)
		if want := body(e.Metadata().Generation); err == nil && !bytes.Equal(want, got) {
			err = fmt.Errorf("%x where %x was opened", got, want)
		}
		return errors.Join(err, e.Close())
	}
	set(1)
	var done atomic.Bool
	missed := make(chan error)
	go func() {
		defer close(missed)
		for !done.Load() {
			if err := look(); err != nil {
				missed <- err
				return
			}
		}
	}()
	for i := range 40_000 {
		set(uint64(i))
		select {
		case err := <-missed:
			require.NoError(t, err)
		default:
		}
	}
	done.Store(true)
	require.NoError(t, <-missed)
}

// tiny is a tier whose index is one chain, since it has no place for two.
func tiny(t *testing.T, keys ...string) *memory.Store {
	t.Helper()
	s, err := memory.New(memory.Options{MaxBytes: 2<<10 - 1, BufferPool: strategy.DefaultConfig()})
	require.NoError(t, err)
	t.Cleanup(func() { s.Close() })
	for _, key := range keys {
		put(t, s, key, 0, nil)
	}
	return s
}

// TestKeyBehindOthersIsAlwaysFound fails for an index whose readers end their search
// at an entry that is taken out, or replaced, while they stand there.
func TestKeyBehindOthersIsAlwaysFound(t *testing.T) {
	for range 1000 {
		s := tiny(t, "behind", "b", "a")                 // what came last stands first
		require.NoError(t, open(t, s, "behind").Close()) // and this one is not the one to be evicted
		var started, done atomic.Bool
		missed := make(chan error, 1)
		go func() {
			defer close(missed)
			for !done.Load() {
				if _, err := s.Stat(ctx, "behind"); err != nil {
					missed <- err
					return
				}
				started.Store(true)
			}
		}()
		for !started.Load() {
			runtime.Gosched()
		}
		for range 20 {
			put(t, s, "b", 0, nil)
		}
		require.NoError(t, s.Delete(ctx, "b"))
		require.NoError(t, s.Delete(ctx, "a"))
		done.Store(true)
		require.NoError(t, <-missed)
	}
}

// TestRemovedEntryKeepsNoOther fails for an index whose removed entries go on
// pointing to those that were behind them: one that is read for an hour would keep
// all that came and went meanwhile.
func TestRemovedEntryKeepsNoOther(t *testing.T) {
	for name, remove := range map[string]func(s *memory.Store){
		"deleted":  func(s *memory.Store) { require.NoError(t, s.Delete(ctx, "a")) },
		"replaced": func(s *memory.Store) { put(t, s, "a", 0, nil) },
	} {
		t.Run(name, func(t *testing.T) {
			s := tiny(t, "b", "a") // what came last stands first
			a, err := s.Open(ctx, "a")
			require.NoError(t, err)
			defer a.Close()
			_, err = s.Open(ctx, "b") // and nobody closes it
			require.NoError(t, err)
			weight := s.Stats().Bytes / 2
			remove(s)
			require.NoError(t, s.Delete(ctx, "b"))
			require.Equal(t, 2*weight, s.Stats().PinnedBytes)
			require.Eventually(t, func() bool {
				runtime.GC()
				return s.Stats().PinnedBytes == weight
			}, 10*time.Second, time.Millisecond)
			runtime.KeepAlive(a)
		})
	}
}
