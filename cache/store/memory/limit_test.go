package memory_test

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/daramjwee/daramjwee/cache/store"
	"github.com/daramjwee/daramjwee/cache/store/memory"
	"github.com/daramjwee/daramjwee/internal/checked"
	"github.com/daramjwee/daramjwee/strategy"
)

// What the package comment says an entry weighs besides its blocks, for a key of
// one byte, and a block besides its bytes.
const (
	perEntry = 512 + 1
	perBlock = 24
)

// whole is the weight of an entry of n full blocks.
func whole(n int64) int64 { return perEntry + n*(block+perBlock) }

// fillUp commits n entries of one block and opens none of them.
func fillUp(t *testing.T, s *memory.Store, n int) (keys []string) {
	t.Helper()
	for i := range n {
		keys = append(keys, string(rune('A'+i)))
		put(t, s, keys[i], block, pattern(uint64(i), block))
	}
	got := s.Stats()
	require.EqualValues(t, n, got.Entries)
	require.Equal(t, int64(n)*whole(1), got.Bytes)
	require.Zero(t, got.Evictions)
	return keys
}

func TestLimitToTheByte(t *testing.T) {
	const n = 8
	for _, declared := range []bool{true, false} {
		for _, spare := range []int64{0, -1} {
			t.Run(fmt.Sprintf("declared=%v/spare=%d", declared, spare), func(t *testing.T) {
				each(t, n*whole(1)+spare, func(t *testing.T, s *memory.Store) {
					for i := range 3 * n {
						size := int64(-1)
						if declared {
							size = block
						}
						key := string(rune('A' + i))
						put(t, s, key, size, pattern(uint64(i), block))
						require.Equal(t, pattern(uint64(i), block), get(t, s, key), "what was committed is there")
						got, room := s.Stats(), n+int(spare)
						require.EqualValues(t, min(i+1, room), got.Entries)
						require.EqualValues(t, max(i+1-room, 0), got.Evictions, "no more than needed")
						require.Equal(t, got.Entries*whole(1), got.Bytes)
					}
				})
			})
		}
	}
}

// The largest entry that fits is kept, however it comes in; one byte more is
// refused, and evicts nothing.
func TestTheLargestEntry(t *testing.T) {
	const n = 5
	for _, tail := range []int64{0, 1, small / 3, small, block - 1} {
		size := n*block + tail
		limit := whole(n) + tail
		if tail > 0 {
			limit += perBlock
		}
		t.Run(fmt.Sprintf("tail=%d", tail), func(t *testing.T) {
			each(t, limit, func(t *testing.T, s *memory.Store) {
				data := pattern(7, int(size))
				for how, fill := range fills {
					for _, declared := range []int64{size, -1} {
						w := create(t, s, "k", declared)
						defer w.Abort()
						require.NoError(t, fill(w, data), "%s, declared %d", how, declared)
						require.NoError(t, w.Commit(ctx), "%s, declared %d", how, declared)
						require.True(t, bytes.Equal(data, get(t, s, "k")), "%s, declared %d", how, declared)
						require.NoError(t, s.Delete(ctx, "k"))
					}
				}
				put(t, s, "k", block*3/4, pattern(1, block*3/4)) // weighs more than was promised for it
				require.NoError(t, s.Delete(ctx, "k"))
				fillUp(t, s, n-1)
				before := s.Stats()
				_, err := s.Create(ctx, "k", store.Metadata{Size: size + 1})
				require.ErrorIs(t, err, store.ErrTooLarge)
				_, err = s.Create(ctx, "k", store.Metadata{Size: 1<<63 - 1})
				require.ErrorIs(t, err, store.ErrTooLarge)
				for how, fill := range fills {
					w := create(t, s, "k", -1)
					long := pattern(7, int(size)+1)
					if how == "Next" {
						d := w.(store.DirectWriter)
						for room := d.Next(); len(room) > 0; room = d.Next() {
							require.NoError(t, d.Advance(copy(room, long)))
							long = long[len(room):]
						}
						require.NotEmpty(t, long)
					} else {
						require.ErrorIs(t, fill(w, long), store.ErrTooLarge, how)
						require.ErrorIs(t, w.Commit(ctx), store.ErrTooLarge, how)
					}
					require.NoError(t, w.Abort())
				}
				after := s.Stats()
				before.BufferPool = after.BufferPool
				require.Equal(t, before, after, "what cannot fit evicts nothing")
				requireStagedNothing(t, s)
			})
		})
	}
}

func requireStagedNothing(t *testing.T, s *memory.Store) {
	t.Helper()
	got := s.Stats()
	require.Zero(t, got.StagedBytes)
	require.Zero(t, got.PinnedBytes)
}

// The bytes of an entry that outgrew the tier can be read back until Abort.
func TestOutgrownCanBeReadBack(t *testing.T) {
	each(t, 4*block, func(t *testing.T, s *memory.Store) {
		w := create(t, s, "k", -1)
		data := pattern(1, 8*block)
		n, err := w.Write(data)
		require.ErrorIs(t, err, store.ErrTooLarge)
		require.NotZero(t, n)
		back := make([]byte, n)
		_, err = w.(store.StagedReader).ReadAt(back, 0)
		require.NoError(t, err)
		require.True(t, bytes.Equal(data[:n], back))
		require.NoError(t, w.Abort())
		requireSettled(t, s)
	})
}

// A declared size evicts as its bytes arrive, so that what is aborted displaced
// no more than it had staged.
func TestDeclaredSizeEvictsAsItArrives(t *testing.T) {
	const n = 10
	each(t, n*whole(1), func(t *testing.T, s *memory.Store) {
		fillUp(t, s, n)
		w := create(t, s, "k", 6*block)
		require.EqualValues(t, perEntry, s.Stats().StagedBytes)
		for i := range int64(4) {
			_, err := w.Write(pattern(1, block))
			require.NoError(t, err)
			got := s.Stats()
			require.Equal(t, whole(i+1), got.StagedBytes)
			require.LessOrEqual(t, got.Bytes+got.StagedBytes, got.MaxBytes)
			require.LessOrEqual(t, got.Evictions, i+2, "%d blocks staged", i+1)
		}
		require.NoError(t, w.Abort())
		require.Zero(t, s.Stats().StagedBytes)
		require.GreaterOrEqual(t, s.Stats().Entries, int64(n-5))
	})
}

func TestAcceptedSizeAlwaysFindsRoom(t *testing.T) {
	const n = 10
	each(t, n*whole(1), func(t *testing.T, s *memory.Store) {
		fillUp(t, s, n)
		a, b := create(t, s, "a", 6*block), create(t, s, "b", 3*block)
		before := s.Stats()
		_, err := s.Create(ctx, "c", store.Metadata{Size: 2 * block})
		require.ErrorIs(t, err, store.ErrTooLarge, "it cannot fit beside what a and b were promised")
		after := s.Stats()
		require.Equal(t, before.Evictions, after.Evictions)
		for range 3 {
			for _, w := range []store.Writer{a, b, a} {
				_, err := w.Write(pattern(1, block))
				require.NoError(t, err)
			}
		}
		require.NoError(t, b.Commit(ctx))
		c := create(t, s, "c", 2*block)
		require.NoError(t, a.Commit(ctx))
		require.NoError(t, c.Abort())
		require.Len(t, get(t, s, "a"), 6*block)
		require.Len(t, get(t, s, "b"), 3*block)
	})
}

// An unknown size evicts at Commit and no sooner; all of them together stage one
// MaxBytes at most.
func TestUnknownSizeEvictsAtCommit(t *testing.T) {
	const n = 10
	each(t, n*whole(1), func(t *testing.T, s *memory.Store) {
		fillUp(t, s, n)
		a, b := create(t, s, "a", -1), create(t, s, "b", -1)
		_, err := a.Write(pattern(1, 4*block))
		require.NoError(t, err)
		_, err = b.Write(pattern(2, 20*block))
		require.ErrorIs(t, err, store.ErrTooLarge)
		got := s.Stats()
		require.Zero(t, got.Evictions)
		require.Equal(t, got.MaxBytes, got.StagedBytes, "to the byte")
		_, err = s.Create(ctx, "c", store.Metadata{Size: -1})
		require.ErrorIs(t, err, store.ErrTooLarge)

		put(t, s, "d", block, pattern(3, block)) // b in flight costs nobody anything
		require.EqualValues(t, 1, s.Stats().Evictions)
		require.NoError(t, a.Commit(ctx))
		require.NoError(t, b.Abort())
		got = s.Stats()
		require.Equal(t, int64(n-4+1), got.Entries)
		require.LessOrEqual(t, got.Bytes, got.MaxBytes)
		require.Len(t, get(t, s, "a"), 4*block)
	})
}

// What a replaced entry gives back comes first, then the eviction for the rest.
func TestReplacingEvictsNobody(t *testing.T) {
	const n = 10
	each(t, n*whole(1), func(t *testing.T, s *memory.Store) {
		fillUp(t, s, 6)
		put(t, s, "k", 3*block, pattern(1, 3*block))
		put(t, s, "k", -1, pattern(2, 3*block))
		require.Zero(t, s.Stats().Evictions)
		require.Equal(t, pattern(2, 3*block), get(t, s, "k"))
	})
}

// Where promises leave no room for an unknown size, its Commit fails and the
// former entry stays.
func TestCommitBesideAPromise(t *testing.T) {
	const n = 10
	each(t, n*whole(1), func(t *testing.T, s *memory.Store) {
		put(t, s, "k", -1, []byte("old"))
		w := create(t, s, "k", -1)
		_, err := w.Write(pattern(1, 4*block))
		require.NoError(t, err)
		promised := create(t, s, "a", 7*block)
		require.ErrorIs(t, w.Commit(ctx), store.ErrTooLarge)
		require.Equal(t, "old", string(get(t, s, "k")))
		require.Zero(t, s.Stats().Evictions)
		require.NoError(t, promised.Abort())
		requireStagedNothing(t, s)
	})
}

func TestWeights(t *testing.T) {
	each(t, 1<<20, func(t *testing.T, s *memory.Store) {
		for _, tc := range []struct {
			size     int
			declared bool
			want     int64
		}{
			{0, true, 0}, {0, false, 0},
			{10, false, 10 + perBlock}, {10, true, 11 + perBlock}, // a byte more, see Next
			{block/2 - 1, false, block/2 - 1 + perBlock},
			{block + 10, false, block + 10 + 2*perBlock},
			{block, true, block + perBlock}, {block, false, block + perBlock},
			{block/2 - 2, true, block/2 - 1 + perBlock}, // an exact allocation from the start
			{3 * block / 4, false, block + perBlock},
		} {
			size := int64(-1)
			if tc.declared {
				size = int64(tc.size)
			}
			put(t, s, "k", size, pattern(1, tc.size))
			require.Equal(t, perEntry+tc.want, s.Stats().Bytes, "%+v", tc)
			require.NoError(t, s.Delete(ctx, "k"))
		}
		w := create(t, s, "k", -1)
		_, err := w.(io.ReaderFrom).ReadFrom(bytes.NewReader(pattern(1, 2*block)))
		require.NoError(t, err)
		require.NoError(t, w.Commit(ctx))
		require.Equal(t, whole(2), s.Stats().Bytes, "without the block in which EOF was seen")
	})
}

// A declared small body uses the pool's small class when half of it is filled.
func TestSmallClass(t *testing.T) {
	each(t, 1<<20, func(t *testing.T, s *memory.Store) {
		before := s.Stats().BufferPool.TotalGets
		put(t, s, "k", small*3/4, pattern(1, small*3/4))
		require.Equal(t, before+1, s.Stats().BufferPool.TotalGets)
		put(t, s, "k", small/4, pattern(1, small/4))
		require.Equal(t, before+1, s.Stats().BufferPool.TotalGets, "too small for the pool")
		put(t, s, "k", block*3/4, pattern(1, block*3/4))
		require.Equal(t, before+2, s.Stats().BufferPool.TotalGets)
	})
}

// A tier smaller than a block still works.
func TestTinyTier(t *testing.T) {
	each(t, 2*perEntry, func(t *testing.T, s *memory.Store) {
		for i := range 10 {
			key, size := string(rune('a'+i)), int64(-1)
			if i%2 == 0 {
				size = 400
			}
			put(t, s, key, size, pattern(uint64(i), 400))
			require.Equal(t, pattern(uint64(i), 400), get(t, s, key))
			require.EqualValues(t, 1, s.Stats().Entries)
		}
	})
}

// Keys that are used, or replaced, survive a scan of keys that are not.
func TestEvictionSparesWhatIsUsed(t *testing.T) {
	const n = 10
	each(t, n*whole(1), func(t *testing.T, s *memory.Store) {
		keys := fillUp(t, s, n-1)
		put(t, s, "replaced", -1, nil)
		put(t, s, "replaced", -1, nil)
		keys = append(keys, "unused")
		put(t, s, "unused", -1, nil)
		for _, key := range keys[:3] {
			require.NoError(t, open(t, s, key).Close())
		}
		_, err := s.Stat(ctx, keys[3]) // not a use
		require.NoError(t, err)
		for i := range n - 3 {
			put(t, s, string(rune('a'+i)), block, pattern(1, block))
		}
		for i, key := range keys {
			require.Equal(t, i < 3, has(t, s, key), key)
		}
		require.True(t, has(t, s, "replaced"))
	})
}

// What is read is not evicted, and what is gone and still read has its room.
func TestReadersKeepTheirRoom(t *testing.T) {
	const n = 4
	each(t, n*whole(1), func(t *testing.T, s *memory.Store) {
		refused := func(size int64, why string) {
			_, err := s.Create(ctx, "n", store.Metadata{Size: size})
			require.ErrorIs(t, err, store.ErrFull, why)
			require.ErrorIs(t, err, store.ErrTooLarge, "for those who know no better")
		}
		fillUp(t, s, n)
		first, again := open(t, s, "A"), open(t, s, "A")
		refused(n*block, "A is read")
		require.Zero(t, s.Stats().Evictions)
		put(t, s, "n", 3*block, pattern(9, 3*block))
		require.True(t, has(t, s, "A"))
		require.False(t, has(t, s, "B"))
		require.NoError(t, first.Close())
		refused(n*block, "A is still read")
		require.False(t, has(t, s, "A"), "nobody asked for it since the last time")
		got := s.Stats()
		require.Equal(t, whole(1), got.PinnedBytes)
		require.Equal(t, whole(3), got.Bytes)
		refused(n*block, "A is gone, and read")
		w := create(t, s, "u", -1)
		_, err := w.Write(pattern(5, 3*block))
		require.NoError(t, err)
		put(t, s, "n", 2*block, pattern(6, 2*block))
		second := open(t, s, "n")
		require.ErrorIs(t, w.Commit(ctx), store.ErrFull)
		require.True(t, has(t, s, "n"))

		all, err := io.ReadAll(again)
		require.NoError(t, err)
		require.Equal(t, pattern(0, block), all)
		require.NoError(t, again.Close())
		require.NoError(t, second.Close())
		require.Zero(t, s.Stats().PinnedBytes)
		put(t, s, "n", n*block, pattern(8, n*block))
		require.EqualValues(t, 1, s.Stats().Entries)
	})
}

// No more entries lose their place to what is refused than will make room for it.
func TestRefusalsDetachNoMoreThanNeeded(t *testing.T) {
	const n = 4
	each(t, n*whole(1), func(t *testing.T, s *memory.Store) {
		fillUp(t, s, n)
		defer open(t, s, "A").Close()
		defer open(t, s, "B").Close()
		for range 10 {
			_, err := s.Create(ctx, "n", store.Metadata{Size: 3*block - perEntry})
			require.ErrorIs(t, err, store.ErrFull)
		}
		require.False(t, has(t, s, "A"))
		require.True(t, has(t, s, "B"))
		require.True(t, has(t, s, "C"))
	})
}

// A promise is kept though what would have been evicted for it came to be read.
func TestPromiseBesideReaders(t *testing.T) {
	const n = 6
	each(t, n*whole(1), func(t *testing.T, s *memory.Store) {
		keys := fillUp(t, s, n)
		w := create(t, s, "k", 4*block)
		_, err := w.Write(pattern(7, block))
		require.NoError(t, err)
		var readers []store.Entry
		for _, key := range keys {
			if has(t, s, key) {
				readers = append(readers, open(t, s, key))
			}
		}
		_, err = w.Write(pattern(7, 4*block)[block:])
		require.NoError(t, err)
		require.NoError(t, w.Commit(ctx))
		require.Equal(t, pattern(7, 4*block), get(t, s, "k"))
		_, err = s.Create(ctx, "l", store.Metadata{Size: 3 * block})
		require.Equal(t, store.ErrFull, err, "not before they are done")
		for _, e := range readers {
			require.NoError(t, e.Close())
		}
		require.Zero(t, s.Stats().PinnedBytes)
		put(t, s, "l", 3*block, pattern(8, 3*block))
		got := s.Stats()
		require.LessOrEqual(t, got.Bytes, got.MaxBytes)
	})
}

// What is beside a promise and what is read is not enough for a pooled block: the
// entry has an exact one, in the room it was promised.
func TestPromiseIsExactBesideReaders(t *testing.T) {
	const n, size = 4, block * 3 / 4
	each(t, n*whole(1)+perEntry+size+perBlock, func(t *testing.T, s *memory.Store) {
		var readers []store.Entry
		for _, key := range fillUp(t, s, n) {
			readers = append(readers, open(t, s, key))
		}
		w := create(t, s, "k", size)
		_, err := w.Write(pattern(7, size))
		require.NoError(t, err)
		got := s.Stats()
		require.Equal(t, got.MaxBytes, got.Bytes+got.StagedBytes+got.PinnedBytes)
		require.NoError(t, w.Commit(ctx))
		require.Equal(t, pattern(7, size), get(t, s, "k"))
		for _, e := range readers {
			require.NoError(t, e.Close())
		}
		require.Zero(t, s.Stats().Evictions)
	})
}

// Room that was promised is not lent to an unknown size meanwhile.
func TestUnknownSizeBesideAPromise(t *testing.T) {
	const n = 2000
	each(t, whole(n), func(t *testing.T, s *memory.Store) {
		w, u := create(t, s, "k", n*block), create(t, s, "u", -1)
		_, err := u.Write(pattern(1, n*block/2))
		require.Equal(t, store.ErrTooLarge, err)
		_, err = w.Write(pattern(2, n*block))
		require.NoError(t, err)
		got := s.Stats()
		require.LessOrEqual(t, got.StagedBytes, got.MaxBytes*5/4)
		require.NoError(t, w.Commit(ctx))
		require.NoError(t, u.Abort())
	})
}

// Readers that nobody closes keep their entries' room no longer than it takes the
// collector to find them, whether the entries are gone or still there.
func TestForgottenReadersGiveRoomBack(t *testing.T) {
	if checked.Everywhere {
		t.Skip("which finds them")
	}
	const n = 8
	s, err := memory.New(memory.Options{MaxBytes: n * whole(1), BufferPool: strategy.BufferPoolConfig{
		Enabled: true, DefaultBufferSize: block, MinBufferSize: small, MaxBufferSize: block}})
	require.NoError(t, err)
	defer s.Close()
	func() {
		for i, key := range fillUp(t, s, n) {
			_, err := io.ReadFull(open(t, s, key), make([]byte, 10))
			require.NoError(t, err)
			if i%2 == 0 {
				require.NoError(t, s.Delete(ctx, key))
			}
		}
	}()
	_, err = s.Create(ctx, "k", store.Metadata{Size: n * block})
	require.ErrorIs(t, err, store.ErrFull)
	require.Eventually(t, func() bool {
		runtime.GC()
		w, err := s.Create(ctx, "k", store.Metadata{Size: n * block})
		if err != nil {
			require.Equal(t, store.ErrFull, err)
			return false
		}
		_, err = w.Write(pattern(1, n*block))
		require.NoError(t, err)
		require.NoError(t, w.Commit(ctx))
		return true
	}, time.Minute, time.Millisecond)
	require.Equal(t, pattern(1, n*block), get(t, s, "k"))
	require.Zero(t, s.Stats().PinnedBytes)
}

// A quarter of a large tier is for unknown sizes, beside what is committed.
func TestUnknownSizesInALargeTier(t *testing.T) {
	const n = 2000
	each(t, whole(n), func(t *testing.T, s *memory.Store) {
		w := create(t, s, "u", -1)
		_, err := w.Write(pattern(1, n*block*9/10))
		require.NoError(t, err, "there is room")
		require.NoError(t, w.Commit(ctx), "which its own bytes are not beside")
		require.NoError(t, s.Delete(ctx, "u"))
		put(t, s, "k", n*block, pattern(2, n*block))
		w, other := create(t, s, "u", -1), create(t, s, "o", -1)
		_, err = w.Write(pattern(3, n*block/8))
		require.NoError(t, err)
		_, err = other.Write(pattern(3, n*block/5))
		require.Equal(t, store.ErrFull, err, "a little later it would have room")
		require.NoError(t, other.Abort())
		_, err = w.Write(pattern(3, n*block/5))
		require.Equal(t, store.ErrTooLarge, err)
		got := s.Stats()
		require.Zero(t, got.Evictions)
		require.LessOrEqual(t, got.Bytes+got.StagedBytes, got.MaxBytes*5/4)
		require.NoError(t, w.Abort())
	})
}

// The last block of a declared size comes from the smallest class that holds it, and
// all others from the largest.
func TestEachClassIsUsed(t *testing.T) {
	s, err := memory.New(memory.Options{MaxBytes: 1 << 20, BufferPool: strategy.BufferPoolConfig{
		Enabled: true, MinBufferSize: 1 << 10, DefaultBufferSize: 4 << 10, MaxBufferSize: 16 << 10}})
	require.NoError(t, err)
	defer s.Close()
	for size, want := range map[int]int64{
		900: 1 << 10, 3000: 4 << 10, 6000: 8 << 10, 12_000: 16 << 10,
		40_000: 16<<10 + 16<<10 + 8<<10, // 7,232 in the last one
	} {
		put(t, s, "k", int64(size), pattern(1, size))
		blocks := int64(size+16<<10-1) / (16 << 10)
		require.Equal(t, perEntry+want+blocks*perBlock, s.Stats().Bytes, size)
		require.Equal(t, pattern(1, size), get(t, s, "k"))
	}
}

// Who wants no limit may say so, and pays for no table of that size.
func TestTheLargestLimit(t *testing.T) {
	s, err := memory.New(memory.Options{MaxBytes: math.MaxInt64})
	require.NoError(t, err)
	defer s.Close()
	for _, size := range []int64{3 * block, -1} {
		put(t, s, "k", size, pattern(1, 3*block))
		require.Equal(t, pattern(1, 3*block), get(t, s, "k"))
	}
	_, err = s.Create(ctx, "k", store.Metadata{Size: math.MaxInt64})
	require.ErrorIs(t, err, store.ErrTooLarge)
	w, err := s.Create(ctx, "k", store.Metadata{Size: 1 << 60})
	require.NoError(t, err)
	require.NoError(t, w.Abort())
}
