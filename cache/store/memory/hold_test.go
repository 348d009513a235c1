package memory_test

import (
	"bytes"
	"fmt"
	"io"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/daramjwee/daramjwee/cache/store"
	"github.com/daramjwee/daramjwee/cache/store/memory"
	"github.com/daramjwee/daramjwee/internal/checked"
	"github.com/daramjwee/daramjwee/internal/race"
)

// piece is a part of a body as Next lent it.
type piece struct {
	off  int
	room []byte
}

// stage fills w through Next, in steps that leave blocks partly filled, and returns
// the memory that it went into.
func stage(t *testing.T, w store.Writer, data []byte) (pieces []piece) {
	t.Helper()
	d := w.(store.DirectWriter)
	for off := 0; off < len(data); {
		room := d.Next()
		require.NotEmpty(t, room)
		require.NoError(t, d.Advance(0), "as a read of nothing does")
		room = d.Next()
		n := copy(room, data[off:min(off+3000, len(data))])
		require.NoError(t, d.Advance(n))
		pieces = append(pieces, piece{off, room[:n]})
		off += n
	}
	room := d.Next() // the read that sees EOF may use its room as it likes
	for i := range room {
		room[i] = 0xff
	}
	require.NoError(t, d.Advance(0))
	return pieces
}

// requireStaged wants the bytes by both ways in which a follower can have them.
func requireStaged(t *testing.T, w store.Writer, pieces []piece, data []byte) {
	t.Helper()
	p := make([]byte, len(data)+1)
	n, err := w.(store.StagedReader).ReadAt(p, 0)
	require.Equal(t, io.EOF, err)
	require.True(t, bytes.Equal(data, p[:n]), "%d bytes of %d by ReadAt", n, len(data))
	for _, p := range pieces {
		require.True(t, bytes.Equal(data[p.off:p.off+len(p.room)], p.room), "what Next lent at %d", p.off)
	}
}

func requireReleased(t *testing.T, w store.Writer) {
	t.Helper()
	n, err := w.(store.StagedReader).ReadAt(make([]byte, 1), 0)
	require.Zero(t, n)
	require.Equal(t, store.ErrClosed, err)
}

// churn takes every idle block of the pool and writes to it.
func churn(t *testing.T, s *memory.Store) {
	t.Helper()
	for i := range 3 {
		put(t, s, "churn", 6*block, pattern(uint64(1000+i), 6*block))
		require.NoError(t, s.Delete(ctx, "churn"))
	}
}

// What a held writer staged is read on after its end, whatever becomes of the
// entry; and not one moment longer than Release.
func TestHold(t *testing.T) {
	ends := map[string]func(t *testing.T, s *memory.Store, w store.Writer){
		"abort":  func(t *testing.T, s *memory.Store, w store.Writer) { require.NoError(t, w.Abort()) },
		"commit": func(t *testing.T, s *memory.Store, w store.Writer) { require.NoError(t, w.Commit(ctx)) },
		"replace": func(t *testing.T, s *memory.Store, w store.Writer) {
			require.NoError(t, w.Commit(ctx))
			put(t, s, "k", 1, []byte("x"))
		},
		"delete": func(t *testing.T, s *memory.Store, w store.Writer) {
			require.NoError(t, w.Commit(ctx))
			s.Delete(ctx, "k")
		},
		"crowd": func(t *testing.T, s *memory.Store, w store.Writer) {
			require.NoError(t, w.Commit(ctx))
			for i := range 16 {
				put(t, s, fmt.Sprint(i%4), 4*block, pattern(9, 4*block))
			}
			require.True(t, has(t, s, "k"), "what is held is not evicted")
		},
		"close": func(t *testing.T, s *memory.Store, w store.Writer) {
			require.NoError(t, w.Commit(ctx))
			require.NoError(t, s.Close())
		},
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			each(t, 16*block, func(t *testing.T, s *memory.Store) {
				// The last block is full, kept, copied exactly, plain, or dropped.
				for _, size := range []int{0, 1, block, 3 * block, 3*block + 1, 3*block + 100, 3*block + block*3/4} {
					for _, declared := range []bool{true, false} {
						if isClosed(s) {
							return // "close" has one round
						}
						m := int64(-1)
						if declared {
							m = int64(size)
						}
						data := pattern(uint64(size), size)
						w := create(t, s, "k", m)
						w.(store.StagedHolder).Hold()
						pieces := stage(t, w, data)
						requireStaged(t, w, pieces, data)
						end(t, s, w)
						if !isClosed(s) {
							churn(t, s)
						}
						requireStaged(t, w, pieces, data)
						require.Zero(t, s.Stats().StagedBytes)
						_, err := w.Write([]byte("x"))
						require.ErrorIs(t, err, store.ErrClosed, "held or not, the writer has ended")
						require.ErrorIs(t, w.Commit(ctx), store.ErrClosed)
						require.NoError(t, w.Abort())
						requireStaged(t, w, pieces, data)
						w.(store.StagedHolder).Release()
						requireReleased(t, w)
						w.(store.StagedHolder).Release()
						require.Zero(t, s.Stats().PinnedBytes)
						if !isClosed(s) {
							for key := range s.List() {
								require.NoError(t, s.Delete(ctx, key))
							}
						}
						requireSettled(t, s)
					}
				}
			})
		})
	}
}

func isClosed(s *memory.Store) bool {
	_, err := s.Stat(ctx, "k")
	return err == store.ErrClosed
}

// Release before the end leaves the writer as it would be without a Hold.
func TestReleaseBeforeTheEnd(t *testing.T) {
	each(t, 1<<20, func(t *testing.T, s *memory.Store) {
		for _, commit := range []bool{true, false} {
			data := pattern(1, block+100)
			w := create(t, s, "k", -1)
			w.(store.StagedHolder).Hold()
			pieces := stage(t, w, data)
			w.(store.StagedHolder).Release()
			requireStaged(t, w, pieces, data)
			if commit {
				require.NoError(t, w.Commit(ctx))
			} else {
				require.NoError(t, w.Abort())
			}
			requireReleased(t, w)
			w.(store.StagedHolder).Hold() // too late
			requireReleased(t, w)
			require.NoError(t, s.Delete(ctx, "k"))
			requireSettled(t, s)
		}
	})
}

// What is held is not staged: its room is given back with Abort, and it counts as
// pinned unless the index counts it.
func TestHeldAccounting(t *testing.T) {
	const n = 8
	each(t, n*whole(1), func(t *testing.T, s *memory.Store) {
		w := create(t, s, "k", 4*block)
		w.(store.StagedHolder).Hold()
		_, err := w.Write(pattern(1, 2*block))
		require.NoError(t, err)
		require.Equal(t, whole(2), s.Stats().StagedBytes)
		require.NoError(t, w.Abort())
		got := s.Stats()
		require.Zero(t, got.StagedBytes)
		require.Equal(t, whole(2), got.PinnedBytes)
		_, err = s.Create(ctx, "r", store.Metadata{Size: (n - 1) * block})
		require.ErrorIs(t, err, store.ErrFull)
		const rest = (n - 3) * block
		put(t, s, "r", rest, pattern(2, rest)) // the promise is given back
		w.(store.StagedHolder).Release()
		require.Zero(t, s.Stats().PinnedBytes)

		w = create(t, s, "k", 2*block)
		w.(store.StagedHolder).Hold()
		_, err = w.Write(pattern(1, 2*block))
		require.NoError(t, err)
		require.NoError(t, w.Commit(ctx))
		got = s.Stats()
		require.Equal(t, whole(rest/block)+whole(2), got.Bytes)
		require.Zero(t, got.PinnedBytes)
		require.NoError(t, s.Delete(ctx, "k"))
		require.Equal(t, whole(2), s.Stats().PinnedBytes, "deleted while held")
		w.(store.StagedHolder).Release()
		require.Zero(t, s.Stats().PinnedBytes)

		w = create(t, s, "k", -1)
		w.(store.StagedHolder).Hold()
		_, err = w.Write(pattern(1, block+10))
		require.NoError(t, err)
		require.NoError(t, w.Commit(ctx))
		got = s.Stats()
		require.EqualValues(t, whole(rest/block)+whole(1)+10+perBlock, got.Bytes)
		require.EqualValues(t, block+perBlock, got.PinnedBytes, "the block that Commit replaced")
		w.(store.StagedHolder).Release()
		require.Zero(t, s.Stats().PinnedBytes)
	})
}

// A writer that has outgrown the tier serves what it staged until the Release.
func TestHeldAfterAFailure(t *testing.T) {
	each(t, 4*block, func(t *testing.T, s *memory.Store) {
		w := create(t, s, "k", -1)
		w.(store.StagedHolder).Hold()
		data := pattern(1, 8*block)
		n, err := w.Write(data)
		require.ErrorIs(t, err, store.ErrTooLarge)
		require.NotZero(t, n)
		requireStaged(t, w, nil, data[:n])
		require.ErrorIs(t, w.Commit(ctx), store.ErrTooLarge)
		_, err = s.Create(ctx, "other", store.Metadata{Size: block})
		require.ErrorIs(t, err, store.ErrFull)
		requireStaged(t, w, nil, data[:n])
		w.(store.StagedHolder).Release()
		requireReleased(t, w)
	})
}

// Room on loan at Abort is not put back by the Release either.
func TestHeldLoan(t *testing.T) {
	each(t, 1<<20, func(t *testing.T, s *memory.Store) {
		w := create(t, s, "k", -1)
		w.(store.StagedHolder).Hold()
		room := w.(store.DirectWriter).Next()
		require.NoError(t, w.Abort())
		w.(store.StagedHolder).Release()
		requireSettled(t, s)
		put(t, s, "a", 8*block, pattern(1, 8*block))
		clear(room)
		require.True(t, bytes.Equal(pattern(1, 8*block), get(t, s, "a")))
	})
}

// Followers of a held writer read all of it beside its end, other entries and each
// other; the last of them releases, while stragglers still call ReadAt.
func TestHeldFollowers(t *testing.T) {
	each(t, 16*block, func(t *testing.T, s *memory.Store) {
		for round := range 40 {
			size := []int{3*block + 10, 3*block + block*3/4, 4 * block, 100}[round%4]
			data := pattern(uint64(round), size)
			w := create(t, s, fmt.Sprint(round%3), -1)
			w.(store.StagedHolder).Hold()
			at := w.(store.StagedReader)
			var followers, stragglers sync.WaitGroup
			for range 3 {
				followers.Go(func() {
					p := make([]byte, 1000)
					for off := 0; off < size; {
						n, err := at.ReadAt(p, int64(off))
						if err != nil && err != io.EOF || !bytes.Equal(data[off:off+n], p[:n]) {
							t.Errorf("at %d: %d bytes, %v", off, n, err)
							return
						}
						off += n
					}
				})
				stragglers.Go(func() {
					p := make([]byte, size)
					for {
						n, err := at.ReadAt(p, 0)
						if !bytes.Equal(data[:n], p[:n]) {
							t.Errorf("straggler: wrong bytes")
						}
						if err == store.ErrClosed {
							return
						}
					}
				})
			}
			_, err := w.(io.ReaderFrom).ReadFrom(onlyReader{bytes.NewReader(data)})
			require.NoError(t, err)
			if round%3 == 0 {
				require.NoError(t, w.Abort())
			} else {
				require.NoError(t, w.Commit(ctx))
			}
			put(t, s, "other", -1, pattern(1000, 10*block)) // takes what was put too early
			require.GreaterOrEqual(t, s.Stats().PinnedBytes, int64(0))
			followers.Wait()
			w.(store.StagedHolder).Release()
			put(t, s, "other", -1, pattern(1001, 10*block))
			stragglers.Wait()
			require.Zero(t, s.Stats().PinnedBytes)
		}
	})
}

func TestHoldAllocations(t *testing.T) {
	if race.Enabled || checked.Everywhere {
		t.Skip("the race detector allocates as well")
	}
	s, err := memory.New(memory.Options{})
	require.NoError(t, err)
	defer s.Close()
	const n = 100
	p := make([]byte, 10)
	cycle := func(hold bool) func() {
		return func() {
			w, err := s.Create(ctx, "k", store.Metadata{Size: -1})
			if err != nil {
				t.Fatal(err)
			}
			h := w.(store.StagedHolder)
			if hold {
				h.Hold()
			}
			w.Write(p)
			w.Abort()
			if hold {
				w.(store.StagedReader).ReadAt(p, 0)
				h.Release()
			}
		}
	}
	cycle(true)()
	require.Equal(t, mallocs(n, cycle(false)), mallocs(n, cycle(true)))
}
