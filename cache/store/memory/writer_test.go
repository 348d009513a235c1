package memory_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/daramjwee/daramjwee/cache/store"
	"github.com/daramjwee/daramjwee/cache/store/memory"
)

func TestNothingIsVisibleBeforeCommitNorAfterAbort(t *testing.T) {
	each(t, 1<<20, func(t *testing.T, s *memory.Store) {
		put(t, s, "k", -1, []byte("old"))
		w := create(t, s, "k", -1)
		_, err := w.Write(pattern(1, 2*block))
		require.NoError(t, err)
		require.Equal(t, "old", string(get(t, s, "k")))
		require.NoError(t, w.Abort())
		require.NoError(t, w.Abort())
		require.Equal(t, "old", string(get(t, s, "k")))
		requireSettled(t, s)
	})
}

func TestTheLastCommitWins(t *testing.T) {
	each(t, 1<<20, func(t *testing.T, s *memory.Store) {
		a, b := create(t, s, "k", -1), create(t, s, "k", -1)
		for _, w := range []store.Writer{a, b} {
			_, err := w.Write(pattern(1, block))
			require.NoError(t, err)
		}
		_, err := a.Write([]byte("a"))
		require.NoError(t, err)
		require.NoError(t, b.Commit(ctx))
		require.NoError(t, s.Delete(ctx, "k"), "a writer may still commit")
		require.NoError(t, a.Commit(ctx))
		require.Len(t, get(t, s, "k"), block+1)
	})
}

func TestIncomplete(t *testing.T) {
	each(t, 1<<20, func(t *testing.T, s *memory.Store) {
		for _, size := range []int{1, 5, block - 1, block, block + 1, 3 * block} {
			for how, fill := range fills {
				w := create(t, s, "k", int64(size))
				require.NoError(t, fill(w, pattern(1, size-1)))
				require.ErrorIs(t, w.Commit(ctx), store.ErrIncomplete, how)

				w = create(t, s, "k", int64(size))
				err := fill(w, pattern(1, size+1))
				require.ErrorIs(t, err, store.ErrIncomplete, "%s: %d bytes and one more", how, size)
				p := make([]byte, size+1)
				n, err := w.(store.StagedReader).ReadAt(p, 0)
				require.Equal(t, io.EOF, err)
				require.True(t, bytes.Equal(pattern(1, size), p[:n]), "what was declared is there")
				require.ErrorIs(t, w.Commit(ctx), store.ErrIncomplete, how)
				require.ErrorIs(t, w.Commit(ctx), store.ErrClosed, how)
			}
		}
		require.False(t, has(t, s, "k"))
		requireSettled(t, s)
	})
}

func TestWriterAfterItsEnd(t *testing.T) {
	each(t, 1<<20, func(t *testing.T, s *memory.Store) {
		for name, end := range map[string]func(store.Writer) error{
			"commit": func(w store.Writer) error { return w.Commit(ctx) },
			"abort":  func(w store.Writer) error { return w.Abort() },
		} {
			w := create(t, s, "k", -1)
			_, err := w.Write([]byte("abc"))
			require.NoError(t, err)
			require.NoError(t, end(w))

			n, err := w.Write([]byte("d"))
			require.Zero(t, n, name)
			require.ErrorIs(t, err, store.ErrClosed, name)
			require.Empty(t, w.(store.DirectWriter).Next(), name)
			require.ErrorIs(t, w.(store.DirectWriter).Advance(0), store.ErrClosed, name)
			_, err = w.(io.ReaderFrom).ReadFrom(bytes.NewReader([]byte("d")))
			require.ErrorIs(t, err, store.ErrClosed, name)
			_, err = w.(store.StagedReader).ReadAt(make([]byte, 1), 0)
			require.ErrorIs(t, err, store.ErrClosed, name)
			require.ErrorIs(t, w.Commit(ctx), store.ErrClosed, name)
			require.NoError(t, w.Abort(), name)
		}
		require.Equal(t, "abc", string(get(t, s, "k")))
	})
}

func TestAdvanceByTooMuch(t *testing.T) {
	each(t, 1<<20, func(t *testing.T, s *memory.Store) {
		for _, declared := range []int64{-1, 0, 1, 100, block, 3 * block} {
			for _, by := range []int{-1, 1} {
				w := create(t, s, "k", declared)
				d := w.(store.DirectWriter)
				n := by
				if by > 0 {
					n = len(d.Next()) + 1
				}
				require.Error(t, d.Advance(n), "%d of %d", n, declared)
				_, err := w.Write([]byte("x"))
				require.Error(t, err, "bytes are missing")
				require.Error(t, w.Commit(ctx), "bytes are missing")
				require.False(t, has(t, s, "k"))
			}
			w := create(t, s, "k", declared)
			require.Error(t, w.(store.DirectWriter).Advance(1), "nothing was lent")
			require.NoError(t, w.Abort())
		}
		requireSettled(t, s)
	})
}

// The read that completes a declared size always has room for one byte more: a
// source that goes on cannot be mistaken for one that ends.
func TestNextSeesASourceThatGoesOn(t *testing.T) {
	each(t, 1<<20, func(t *testing.T, s *memory.Store) {
		for _, size := range sizes {
			w := create(t, s, "k", int64(size))
			d := w.(store.DirectWriter)
			data := pattern(uint64(size), size+1)
			done, overlong := 0, error(nil)
			for done < size || size == 0 && overlong == nil {
				n := copy(d.Next(), data[done:])
				require.NotZero(t, n)
				done += n
				overlong = d.Advance(n)
			}
			require.Equal(t, size+1, done, "%d bytes", size)
			require.ErrorIs(t, overlong, store.ErrIncomplete)
			require.NoError(t, w.Abort())
		}
	})
}

func TestReadFromErrors(t *testing.T) {
	each(t, 1<<20, func(t *testing.T, s *memory.Store) {
		broken := errors.New("broken")
		w := create(t, s, "k", -1)
		n, err := w.(io.ReaderFrom).ReadFrom(io.MultiReader(bytes.NewReader(pattern(1, block+5)), iotest.ErrReader(broken)))
		require.EqualValues(t, block+5, n)
		require.Equal(t, broken, err)
		n, err = w.(io.ReaderFrom).ReadFrom(bytes.NewReader([]byte("more"))) // the writer's caller decides
		require.EqualValues(t, 4, n)
		require.NoError(t, err)
		require.NoError(t, w.Commit(ctx))
		require.Len(t, get(t, s, "k"), block+9)

		for _, c := range []int{-1, 1 << 30} {
			w = create(t, s, "k", -1)
			_, err = w.(io.ReaderFrom).ReadFrom(readerFunc(func([]byte) (int, error) { return c, nil }))
			require.Error(t, err)
			require.Error(t, w.Commit(ctx))
		}
		require.Len(t, get(t, s, "k"), block+9)
	})
}

// A source that panicked may have left a goroutine that still writes to its room:
// the block is left to the collector, and the count is settled all the same.
func TestAbortDropsWhatIsOnLoan(t *testing.T) {
	each(t, 1<<20, func(t *testing.T, s *memory.Store) {
		var room []byte
		w := create(t, s, "k", -1)
		func() {
			defer w.Abort()
			defer func() { require.Equal(t, "mine", recover()) }()
			w.(io.ReaderFrom).ReadFrom(readerFunc(func(p []byte) (int, error) {
				room = p
				panic("mine")
			}))
		}()
		requireSettled(t, s)
		for i := range 4 {
			data := pattern(uint64(i), 8*block)
			put(t, s, string(rune('a'+i)), int64(len(data)), data)
		}
		clear(room)
		for i := range 4 {
			require.True(t, bytes.Equal(pattern(uint64(i), 8*block), get(t, s, string(rune('a'+i)))))
		}

		require.NoError(t, s.Delete(ctx, "a"))
		before := s.Stats().BufferPool
		w = create(t, s, "k", -1)
		require.NotEmpty(t, w.(store.DirectWriter).Next())
		require.NoError(t, w.(store.DirectWriter).Advance(0))
		require.NoError(t, w.Abort())
		w = create(t, s, "k", -1) // as a source does that ends with a Read of nothing
		_, err := w.Write(pattern(1, block*3/4))
		require.NoError(t, err)
		require.NotEmpty(t, w.(store.DirectWriter).Next())
		require.NoError(t, w.Commit(ctx))
		require.NoError(t, s.Delete(ctx, "k"))
		after := s.Stats().BufferPool
		if before.IdleBuffers > 0 { // a strategy that keeps buffers and counts them
			require.Equal(t, before.Discards, after.Discards, "what was given back is kept")
		}
		requireSettled(t, s)
	})
}

func TestStagedReadAt(t *testing.T) {
	each(t, 1<<20, func(t *testing.T, s *memory.Store) {
		data := pattern(1, 2*block+100)
		w := create(t, s, "k", -1)
		at := w.(store.StagedReader)
		n, err := at.ReadAt(make([]byte, 1), 0)
		require.Zero(t, n)
		require.Equal(t, io.EOF, err)
		_, err = at.ReadAt(make([]byte, 1), -1)
		require.Error(t, err)
		for i := 0; i < len(data); i += 777 {
			end := min(i+777, len(data))
			_, err := w.Write(data[i:end])
			require.NoError(t, err)
			p := make([]byte, len(data))
			n, err := at.ReadAt(p, 5)
			require.Equal(t, io.EOF, err)
			require.True(t, bytes.Equal(data[5:end], p[:n]))
		}
		require.NoError(t, w.Commit(ctx))
	})
}

// Followers read a fill from many goroutines while it is written, committed or
// aborted: right bytes, or ErrClosed.
func TestFollowers(t *testing.T) {
	each(t, 1<<20, func(t *testing.T, s *memory.Store) {
		for round := range 40 {
			size := []int{5*block + 10, 5*block + block*3/4, 6 * block, 100}[round%4] // the first and the last are copied exactly
			data := pattern(uint64(round), size)
			w := create(t, s, "k", -1)
			var wg sync.WaitGroup
			for range 3 {
				wg.Go(func() {
					p := make([]byte, 1000)
					for off := 0; ; {
						n, err := w.(store.StagedReader).ReadAt(p, int64(off))
						if !bytes.Equal(data[off:off+n], p[:n]) {
							t.Errorf("wrong bytes at %d", off)
						}
						if off += n; off == len(data) {
							off = 0
						}
						if err == store.ErrClosed {
							return
						}
					}
				})
			}
			_, err := w.(io.ReaderFrom).ReadFrom(iotest.OneByteReader(bytes.NewReader(data[:50])))
			require.NoError(t, err)
			_, err = w.(io.ReaderFrom).ReadFrom(onlyReader{bytes.NewReader(data[50:])})
			require.NoError(t, err)
			if round%3 == 0 {
				require.NoError(t, w.Abort())
			} else {
				require.NoError(t, w.Commit(ctx))
			}
			put(t, s, "other", -1, pattern(1000, 7*block)) // takes what was put too early
			wg.Wait()
			if round%3 != 0 {
				require.True(t, bytes.Equal(data, get(t, s, "k")))
			}
		}
	})
}

func TestEndedContextDoesNothing(t *testing.T) {
	each(t, 1<<20, func(t *testing.T, s *memory.Store) {
		put(t, s, "k", -1, []byte("abc"))
		ended, cancel := context.WithCancel(ctx)
		cancel()
		_, err := s.Open(ended, "k")
		require.ErrorIs(t, err, context.Canceled)
		_, err = s.Create(ended, "k", store.Metadata{})
		require.ErrorIs(t, err, context.Canceled)
		require.ErrorIs(t, s.Delete(ended, "k"), context.Canceled)
		_, err = s.Stat(ended, "k")
		require.ErrorIs(t, err, context.Canceled)
		require.ErrorIs(t, s.UpdateMetadata(ended, "k", 0, store.Metadata{ETag: "x"}), context.Canceled)
		w := create(t, s, "k", 0)
		require.ErrorIs(t, w.Commit(ended), context.Canceled)
		require.ErrorIs(t, w.Commit(ctx), store.ErrClosed)
		require.Equal(t, "abc", string(get(t, s, "k")))
	})
}

func TestClosedStore(t *testing.T) {
	each(t, 1<<20, func(t *testing.T, s *memory.Store) {
		put(t, s, "k", -1, []byte("abc"))
		a, b := create(t, s, "a", -1), create(t, s, "b", 3)
		_, err := a.Write([]byte("abc"))
		require.NoError(t, err)
		require.NoError(t, s.Close())

		_, err = s.Open(ctx, "k")
		require.ErrorIs(t, err, store.ErrClosed)
		_, err = s.Stat(ctx, "k")
		require.ErrorIs(t, err, store.ErrClosed)
		_, err = s.Create(ctx, "k", store.Metadata{Size: -1})
		require.ErrorIs(t, err, store.ErrClosed)
		_, err = s.Create(ctx, "k", store.Metadata{Size: 1})
		require.ErrorIs(t, err, store.ErrClosed)
		require.ErrorIs(t, s.Delete(ctx, "k"), store.ErrClosed)
		require.ErrorIs(t, s.UpdateMetadata(ctx, "k", 0, store.Metadata{}), store.ErrClosed)
		for range s.List() {
			t.Error("a closed store lists")
		}
		p := make([]byte, 3)
		_, err = a.(store.StagedReader).ReadAt(p, 0)
		require.NoError(t, err)
		require.Equal(t, "abc", string(p))
		require.ErrorIs(t, a.Commit(ctx), store.ErrClosed)
		_, err = b.Write([]byte("abc"))
		require.ErrorIs(t, err, store.ErrClosed)
		require.ErrorIs(t, b.Commit(ctx), store.ErrClosed)
	})
}
