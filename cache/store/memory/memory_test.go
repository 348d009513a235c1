package memory_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/daramjwee/daramjwee/cache/store"
	"github.com/daramjwee/daramjwee/cache/store/memory"
	"github.com/daramjwee/daramjwee/strategy"
	_ "github.com/daramjwee/daramjwee/strategy/bytebuffer"
	_ "github.com/daramjwee/daramjwee/strategy/channel"
	_ "github.com/daramjwee/daramjwee/strategy/noop"
	_ "github.com/daramjwee/daramjwee/strategy/syncpool"
)

var ctx = context.Background()

const block = 4 << 10

// each runs a test once per strategy, on small blocks that are scrubbed when
// they come back, so that a reader of a block given away too early sees zeros.
func each(t *testing.T, max int64, test func(t *testing.T, s *memory.Store)) {
	for _, name := range []string{"syncpool", "bytebuffer", "channel", "noop"} {
		t.Run("strategy="+name, func(t *testing.T) {
			s, err := memory.New(memory.Options{MaxBytes: max, BufferPool: strategy.BufferPoolConfig{
				Enabled: true, Strategy: name, DefaultBufferSize: block, MinBufferSize: 1 << 10, MaxBufferSize: block, Scrub: true}})
			require.NoError(t, err)
			test(t, s)
			require.NoError(t, s.Close())
			require.NoError(t, s.Close(), "twice is once")
			got := s.Stats()
			require.Zero(t, got.Entries+int(got.Bytes+got.StagedBytes+got.PinnedBytes), "%+v", got)
			require.Zero(t, got.BufferPool.ActiveBuffers)
			require.Equal(t, got.BufferPool.TotalGets, got.BufferPool.TotalPuts)
		})
	}
}

func pattern(seed, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(seed + i*7 + i>>8 + 1)
	}
	return b
}

func put(t *testing.T, s *memory.Store, key string, m store.Metadata, data []byte) {
	t.Helper()
	w, err := s.Create(ctx, key, m)
	require.NoError(t, err)
	defer w.Abort()
	n, err := w.Write(data)
	require.NoError(t, err)
	require.Equal(t, len(data), n)
	require.NoError(t, w.Commit(ctx))
}

func get(t *testing.T, s *memory.Store, key string) []byte {
	t.Helper()
	e, err := s.Open(ctx, key)
	require.NoError(t, err)
	defer e.Close()
	data, err := io.ReadAll(e)
	require.NoError(t, err)
	return data
}

func TestRoundTrip(t *testing.T) {
	each(t, 1<<20, func(t *testing.T, s *memory.Store) {
		for _, size := range []int{0, 1, 999, block - 1, block, block + 1, 5*block + 100} {
			for _, declared := range []bool{true, false} {
				data := pattern(size, size)
				m := store.Metadata{ETag: `W/"x"`, Size: -1, TTL: time.Minute, Generation: 7, Header: store.NewHeader("A", "b")}
				if declared {
					m.Size = int64(size)
				}
				put(t, s, "k", m, data)
				e, err := s.Open(ctx, "k")
				require.NoError(t, err)
				require.NoError(t, iotest.TestReader(onlyReader{e}, data), "size %d", size)
				require.EqualValues(t, size, e.Size())
				m.Size = int64(size)
				require.Equal(t, m, *e.Metadata())
				require.NoError(t, e.Close())

				e, err = s.Open(ctx, "k")
				require.NoError(t, err)
				var dst bytes.Buffer
				n, err := e.(io.WriterTo).WriteTo(&dst)
				require.NoError(t, err)
				require.EqualValues(t, size, n)
				require.True(t, bytes.Equal(data, dst.Bytes()))
				require.NoError(t, e.Close())
			}
		}
		for _, key := range []string{"", strings.Repeat("k\x00../", 1000)} {
			put(t, s, key, store.Metadata{Size: -1}, []byte(key))
			require.Equal(t, key, string(get(t, s, key)))
		}
	})
}

type onlyReader struct{ io.Reader }

func TestReadFromAndDirectWriter(t *testing.T) {
	each(t, 1<<20, func(t *testing.T, s *memory.Store) {
		data := pattern(3, 3*block+5)
		for _, size := range []int64{-1, int64(len(data))} {
			w, err := s.Create(ctx, "k", store.Metadata{Size: size})
			require.NoError(t, err)
			n, err := w.(io.ReaderFrom).ReadFrom(iotest.HalfReader(bytes.NewReader(data)))
			require.NoError(t, err)
			require.EqualValues(t, len(data), n)
			back := make([]byte, len(data))
			_, err = w.(store.StagedReader).ReadAt(back, 0)
			require.NoError(t, err)
			require.Equal(t, data, back)
			require.NoError(t, w.Commit(ctx))
			require.Equal(t, data, get(t, s, "k"))
		}
		w, err := s.Create(ctx, "long", store.Metadata{Size: 10})
		require.NoError(t, err)
		_, err = w.(io.ReaderFrom).ReadFrom(bytes.NewReader(data[:11]))
		require.ErrorIs(t, err, store.ErrIncomplete)
		require.NoError(t, w.Abort())

		w, err = s.Create(ctx, "misuse", store.Metadata{Size: -1})
		require.NoError(t, err)
		d := w.(store.DirectWriter)
		require.Len(t, d.Next(), block)
		require.Error(t, d.Advance(block+1))
		require.Error(t, d.Advance(-1))
		require.NoError(t, w.Abort())
		require.Empty(t, d.Next())
		require.ErrorIs(t, d.Advance(0), store.ErrClosed)
	})
}

func TestNothingIsVisibleBeforeCommitNorAfterAbort(t *testing.T) {
	each(t, 1<<20, func(t *testing.T, s *memory.Store) {
		w, err := s.Create(ctx, "k", store.Metadata{Size: 5})
		require.NoError(t, err)
		_, err = w.Write([]byte("abc"))
		require.NoError(t, err)
		_, err = s.Open(ctx, "k")
		require.ErrorIs(t, err, store.ErrNotFound)
		require.ErrorIs(t, w.Commit(ctx), store.ErrIncomplete)
		_, err = s.Stat(ctx, "k")
		require.ErrorIs(t, err, store.ErrNotFound)
		_, err = w.Write([]byte("x"))
		require.ErrorIs(t, err, store.ErrClosed)
		require.ErrorIs(t, w.Commit(ctx), store.ErrClosed)
		require.NoError(t, w.Abort())
		require.Zero(t, s.Stats().StagedBytes)

		put(t, s, "k", store.Metadata{Size: 3}, []byte("abc"))
		w, err = s.Create(ctx, "k", store.Metadata{Size: 3})
		require.NoError(t, err)
		_, err = w.Write([]byte("abcd"))
		require.ErrorIs(t, err, store.ErrIncomplete)
		require.ErrorIs(t, w.Commit(ctx), store.ErrIncomplete)
		require.Equal(t, "abc", string(get(t, s, "k")))
	})
}

func TestReadersOutliveReplaceDeleteEvictAndClose(t *testing.T) {
	each(t, 64<<10, func(t *testing.T, s *memory.Store) {
		data := pattern(1, 3*block)
		for name, remove := range map[string]func(){
			"replace": func() { put(t, s, "k", store.Metadata{Size: 1}, []byte("x")) },
			"delete":  func() { require.NoError(t, s.Delete(ctx, "k")) },
			"evict": func() {
				for range 2 { // the first one passes a visited entry, the second one does not
					put(t, s, "large", store.Metadata{Size: 14 * block}, pattern(2, 14*block))
				}
			},
			"close": func() { require.NoError(t, s.Close()) },
		} {
			if name == "close" {
				continue
			}
			put(t, s, "k", store.Metadata{Size: int64(len(data))}, data)
			e, err := s.Open(ctx, "k")
			require.NoError(t, err)
			remove()
			require.Greater(t, s.Stats().PinnedBytes, int64(3*block), name)
			got, err := io.ReadAll(e)
			require.NoError(t, err)
			require.True(t, bytes.Equal(data, got), name)
			require.NoError(t, e.Close())
			require.NoError(t, e.Close())
			require.Zero(t, s.Stats().PinnedBytes, name)
			n, err := e.Read(make([]byte, 1))
			require.Zero(t, n)
			require.ErrorIs(t, err, store.ErrClosed)
		}
		put(t, s, "k", store.Metadata{Size: int64(len(data))}, data)
		e, err := s.Open(ctx, "k")
		require.NoError(t, err)
		require.NoError(t, s.Close())
		got, err := io.ReadAll(e)
		require.NoError(t, err)
		require.True(t, bytes.Equal(data, got))
		require.NoError(t, e.Close())
		_, err = s.Open(ctx, "k")
		require.ErrorIs(t, err, store.ErrClosed)
	})
}

// TestCloseDuringWriteTo: the blocks stay the reader's until its stalled client lets go.
func TestCloseDuringWriteTo(t *testing.T) {
	each(t, 1<<20, func(t *testing.T, s *memory.Store) {
		data := pattern(9, 2*block)
		put(t, s, "k", store.Metadata{Size: -1}, data)
		e, err := s.Open(ctx, "k")
		require.NoError(t, err)
		var got bytes.Buffer
		_, err = e.(io.WriterTo).WriteTo(writerFunc(func(p []byte) (int, error) {
			require.NoError(t, e.Close())
			require.NoError(t, s.Delete(ctx, "k"))
			put(t, s, "other", store.Metadata{Size: -1}, pattern(50, 8*block)) // would take the blocks if they were idle
			return got.Write(p)
		}))
		require.NoError(t, err)
		require.True(t, bytes.Equal(data, got.Bytes()))
		require.Zero(t, s.Stats().PinnedBytes)
	})
}

type writerFunc func(p []byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func TestWriteToEndsLikeCopy(t *testing.T) {
	each(t, 1<<20, func(t *testing.T, s *memory.Store) {
		put(t, s, "k", store.Metadata{Size: -1}, pattern(9, 2*block))
		broken := errors.New("broken")
		for _, tc := range []struct {
			write func(p []byte) (int, error)
			n     int64
			err   error
		}{
			{func(p []byte) (int, error) { return 10, broken }, 10, broken},
			{func(p []byte) (int, error) { return len(p) / 2, nil }, block / 2, io.ErrShortWrite},
			{func(p []byte) (int, error) { return len(p) + 1, broken }, 0, broken},
		} {
			e, err := s.Open(ctx, "k")
			require.NoError(t, err)
			n, err := e.(io.WriterTo).WriteTo(writerFunc(tc.write))
			require.ErrorIs(t, err, tc.err)
			require.Equal(t, tc.n, n)
			require.NoError(t, e.Close())
		}
	})
}

func TestLimit(t *testing.T) {
	const max = 64 << 10
	each(t, max, func(t *testing.T, s *memory.Store) {
		for i := range 100 {
			put(t, s, fmt.Sprint(i), store.Metadata{Size: 3000}, pattern(i, 3000))
			got := s.Stats()
			require.LessOrEqual(t, got.Bytes+got.StagedBytes, int64(max))
			require.Equal(t, pattern(i, 3000), get(t, s, fmt.Sprint(i)), "what was committed is there")
		}
		before := s.Stats()
		require.NotZero(t, before.Evictions)

		_, err := s.Create(ctx, "declared", store.Metadata{Size: max + 1})
		require.ErrorIs(t, err, store.ErrTooLarge)
		w, err := s.Create(ctx, "undeclared", store.Metadata{Size: -1})
		require.NoError(t, err)
		n, err := w.Write(make([]byte, 2*max))
		require.ErrorIs(t, err, store.ErrTooLarge)
		back := make([]byte, n)
		_, err = w.(store.StagedReader).ReadAt(back, 0)
		require.NoError(t, err, "the bytes so far can go elsewhere")
		require.ErrorIs(t, w.Commit(ctx), store.ErrTooLarge)
		after := s.Stats()
		require.Equal(t, before.Entries, after.Entries, "what cannot fit evicts nothing")
		require.Equal(t, before.Evictions, after.Evictions)

		// Staged entries count: together with them nothing more is taken than fits.
		a, err := s.Create(ctx, "a", store.Metadata{Size: max / 2})
		require.NoError(t, err)
		_, err = s.Create(ctx, "b", store.Metadata{Size: max / 2})
		require.ErrorIs(t, err, store.ErrTooLarge)
		require.LessOrEqual(t, s.Stats().Bytes+s.Stats().StagedBytes, int64(max))
		require.NoError(t, a.Abort())
		put(t, s, "b", store.Metadata{Size: max / 2}, make([]byte, max/2))
	})
}

func TestSmallLastBlockIsCopiedExactly(t *testing.T) {
	each(t, 1<<20, func(t *testing.T, s *memory.Store) {
		put(t, s, "k", store.Metadata{Size: -1}, pattern(1, block+10))
		require.Less(t, s.Stats().Bytes, int64(block+10+1000))
		require.Equal(t, pattern(1, block+10), get(t, s, "k"))
	})
}

func TestUpdateMetadataAndList(t *testing.T) {
	each(t, 1<<20, func(t *testing.T, s *memory.Store) {
		put(t, s, "k", store.Metadata{Size: -1, Generation: 5}, []byte("abc"))
		e, err := s.Open(ctx, "k")
		require.NoError(t, err)
		defer e.Close()
		require.ErrorIs(t, s.UpdateMetadata(ctx, "k", 4, store.Metadata{}), store.ErrNotFound)
		require.ErrorIs(t, s.UpdateMetadata(ctx, "none", 5, store.Metadata{}), store.ErrNotFound)
		require.NoError(t, s.UpdateMetadata(ctx, "k", 5, store.Metadata{ETag: "new", Generation: 6, Size: 99}))
		require.Empty(t, e.Metadata().ETag, "who has it open keeps what it saw")
		for key, m := range s.List() {
			require.Equal(t, "k", key)
			require.Equal(t, store.Metadata{ETag: "new", Generation: 6, Size: 3}, *m)
		}
	})
}

func TestEndedContextAsksNothing(t *testing.T) {
	each(t, 1<<20, func(t *testing.T, s *memory.Store) {
		put(t, s, "k", store.Metadata{Size: -1}, nil)
		ended, cancel := context.WithCancel(ctx)
		cancel()
		_, err := s.Open(ended, "k")
		require.ErrorIs(t, err, context.Canceled)
		_, err = s.Create(ended, "k", store.Metadata{})
		require.ErrorIs(t, err, context.Canceled)
		require.ErrorIs(t, s.Delete(ended, "k"), context.Canceled)
		_, err = s.Stat(ended, "k")
		require.ErrorIs(t, err, context.Canceled)
	})
}

func TestFaultyOptions(t *testing.T) {
	var fault *strategy.ConfigError
	_, err := memory.New(memory.Options{MaxBytes: -1})
	require.ErrorAs(t, err, &fault)
	require.Equal(t, "MaxBytes", fault.Field)
	_, err = memory.New(memory.Options{BufferPool: strategy.BufferPoolConfig{Strategy: "nope"}})
	require.ErrorAs(t, err, &fault)
}

// TestHammer has readers, writers and deleters of few keys under a tight limit:
// every body read is one that was written, whole.
func TestHammer(t *testing.T) {
	each(t, 40<<10, func(t *testing.T, s *memory.Store) {
		var wg sync.WaitGroup
		for g := range 8 {
			rng := rand.New(rand.NewPCG(uint64(g), 1))
			wg.Go(func() {
				for range 300 {
					key := fmt.Sprint(rng.IntN(6))
					switch rng.IntN(4) {
					case 0:
						size := rng.IntN(3 * block)
						w, err := s.Create(ctx, key, store.Metadata{Size: int64(size)})
						if err != nil {
							continue
						}
						w.Write(pattern(size, size))
						if rng.IntN(4) > 0 {
							w.Commit(ctx)
						}
						w.Abort()
					case 1:
						s.Delete(ctx, key)
					default:
						e, err := s.Open(ctx, key)
						if err != nil {
							continue
						}
						got, err := io.ReadAll(e)
						if err != nil || !bytes.Equal(got, pattern(len(got), len(got))) || int64(len(got)) != e.Size() {
							t.Errorf("read %d of %d bytes: %v", len(got), e.Size(), err)
						}
						e.Close()
					}
				}
			})
		}
		wg.Wait()
	})
}
