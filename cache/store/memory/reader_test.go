package memory_test

import (
	"bytes"
	"errors"
	"io"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/daramjwee/daramjwee/cache/store"
	"github.com/daramjwee/daramjwee/cache/store/memory"
)

// removals are the ways in which an entry leaves the index.
var removals = map[string]func(t *testing.T, s *memory.Store){
	"replace": func(t *testing.T, s *memory.Store) { put(t, s, "k", 1, []byte("x")) },
	"delete":  func(t *testing.T, s *memory.Store) { require.NoError(t, s.Delete(ctx, "k")) },
	"close":   func(t *testing.T, s *memory.Store) { require.NoError(t, s.Close()) },
}

func TestReadersOutliveTheirEntry(t *testing.T) {
	for name, remove := range removals {
		t.Run(name, func(t *testing.T) {
			each(t, 16*block, func(t *testing.T, s *memory.Store) {
				data := pattern(1, 3*block)
				put(t, s, "k", int64(len(data)), data)
				weight := s.Stats().Bytes
				first, second := open(t, s, "k"), open(t, s, "k")
				head := make([]byte, block/2)
				_, err := io.ReadFull(first, head)
				require.NoError(t, err)
				require.Zero(t, s.Stats().PinnedBytes)

				remove(t, s)
				require.Equal(t, weight, s.Stats().PinnedBytes)
				if name != "close" { // new blocks for all that is idle: none of them may be ours
					for i := range 16 {
						put(t, s, "other", -1, pattern(uint64(200+i), 3*block))
					}
				}
				rest, err := io.ReadAll(first)
				require.NoError(t, err)
				require.True(t, bytes.Equal(data, append(head, rest...)))
				require.NoError(t, first.Close())
				require.NoError(t, first.Close())
				require.Equal(t, weight, s.Stats().PinnedBytes, "the second reader is still there")

				var dst bytes.Buffer
				_, err = second.(io.WriterTo).WriteTo(&dst)
				require.NoError(t, err)
				require.True(t, bytes.Equal(data, dst.Bytes()))
				require.NoError(t, second.Close())
				require.Zero(t, s.Stats().PinnedBytes)
			})
		})
	}
}

func TestEntryAfterClose(t *testing.T) {
	each(t, 1<<20, func(t *testing.T, s *memory.Store) {
		put(t, s, "k", -1, pattern(1, 2*block))
		e := open(t, s, "k")
		_, err := e.Read(make([]byte, 10))
		require.NoError(t, err)
		require.NoError(t, e.Close())
		require.NoError(t, e.Close())

		p := make([]byte, 10)
		n, err := e.Read(p)
		require.Zero(t, n)
		require.ErrorIs(t, err, store.ErrClosed)
		n, err = e.(io.ReaderAt).ReadAt(p, 0)
		require.Zero(t, n)
		require.ErrorIs(t, err, store.ErrClosed)
		_, err = e.(io.WriterTo).WriteTo(writerFunc(func([]byte) (int, error) {
			t.Error("a closed entry wrote")
			return 0, nil
		}))
		require.ErrorIs(t, err, store.ErrClosed)
		require.Equal(t, make([]byte, 10), p)
		require.EqualValues(t, 2*block, e.Size())
		require.EqualValues(t, 2*block, e.Metadata().Size)
	})
}

// A client is stalled inside of WriteTo while its entry is closed and deleted and
// the store is closed: none of them waits, and the bytes stay its own.
func TestCloseDuringWriteTo(t *testing.T) {
	each(t, 1<<20, func(t *testing.T, s *memory.Store) {
		data := pattern(9, 3*block)
		put(t, s, "k", -1, data)
		e := open(t, s, "k")
		inside, resume := make(chan struct{}), make(chan struct{})
		var got bytes.Buffer
		var wg sync.WaitGroup
		wg.Go(func() {
			_, err := e.(io.WriterTo).WriteTo(writerFunc(func(p []byte) (int, error) {
				if got.Len() == 0 {
					inside <- struct{}{}
					<-resume
				}
				return got.Write(p)
			}))
			if err != nil {
				t.Errorf("WriteTo: %v", err)
			}
		})
		<-inside
		require.NoError(t, e.Close())
		require.NoError(t, s.Delete(ctx, "k"))
		require.NotZero(t, s.Stats().PinnedBytes)
		put(t, s, "other", -1, pattern(50, 8*block)) // takes every idle block
		require.NoError(t, s.Close())
		require.NotZero(t, s.Stats().PinnedBytes)
		close(resume)
		wg.Wait()
		require.True(t, bytes.Equal(data, got.Bytes()))
		require.Zero(t, s.Stats().PinnedBytes)
	})
}

func TestPanicInsideWriteTo(t *testing.T) {
	each(t, 1<<20, func(t *testing.T, s *memory.Store) {
		put(t, s, "k", -1, pattern(9, 3*block))
		e := open(t, s, "k")
		require.PanicsWithValue(t, "mine", func() {
			e.(io.WriterTo).WriteTo(writerFunc(func([]byte) (int, error) { panic("mine") }))
		})
		require.NoError(t, s.Delete(ctx, "k"))
		require.NoError(t, e.Close())
		requireSettled(t, s)
	})
}

// WriteTo ends as io.Copy would, counts what was accepted, and goes on from there
// when it is called again.
func TestWriteToEndsLikeCopy(t *testing.T) {
	broken := errors.New("broken")
	cases := map[string]func(p []byte) (int, error){
		"error":                 func(p []byte) (int, error) { return 10, broken },
		"error and all":         func(p []byte) (int, error) { return len(p), broken },
		"short":                 func(p []byte) (int, error) { return len(p) / 2, nil },
		"nothing":               func(p []byte) (int, error) { return 0, nil },
		"too many":              func(p []byte) (int, error) { return len(p) + 1, nil },
		"negative":              func(p []byte) (int, error) { return -1, nil },
		"too many and error":    func(p []byte) (int, error) { return len(p) + 1, broken },
		"grows what it is lent": func(p []byte) (int, error) { _ = append(p, "overwritten"...); return len(p), nil },
	}
	each(t, 1<<20, func(t *testing.T, s *memory.Store) {
		data := pattern(9, 2*block+block*3/4) // the last block is kept, with room behind the body
		put(t, s, "k", -1, data)
		for name, write := range cases {
			wantN, wantErr := io.CopyBuffer(onlyWriter{writerFunc(write)}, onlyReader{bytes.NewReader(data)}, make([]byte, block))
			e := open(t, s, "k")
			n, err := e.(io.WriterTo).WriteTo(writerFunc(write))
			require.Equal(t, wantN, n, name)
			if errors.Is(wantErr, broken) || wantErr == io.ErrShortWrite || wantErr == nil {
				require.Equal(t, wantErr, err, name)
			} else {
				require.ErrorContains(t, err, "count", name) // io's own error is not exported
			}
			rest, err := io.ReadAll(e)
			require.NoError(t, err, name)
			require.True(t, bytes.Equal(data[n:], rest), name)
			require.NoError(t, e.Close())
		}
		require.True(t, bytes.Equal(data, get(t, s, "k")))
	})
}

// One Write per block, and never a byte more than the body.
func TestWriteToHandsBlocksOver(t *testing.T) {
	each(t, 1<<20, func(t *testing.T, s *memory.Store) {
		put(t, s, "k", -1, pattern(9, 2*block+block*3/4))
		e := open(t, s, "k")
		defer e.Close()
		var lengths []int
		_, err := e.(io.WriterTo).WriteTo(writerFunc(func(p []byte) (int, error) {
			require.Equal(t, len(p), cap(p))
			lengths = append(lengths, len(p))
			return len(p), nil
		}))
		require.NoError(t, err)
		require.Equal(t, []int{block, block, block * 3 / 4}, lengths)
	})
}
