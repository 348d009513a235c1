package memory_test

import (
	"bytes"
	"fmt"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/daramjwee/daramjwee/cache/store"
	"github.com/daramjwee/daramjwee/cache/store/memory"
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

// An entry that is read while it is evicted is beyond the limit, and in a gauge.
func TestPinned(t *testing.T) {
	const n = 4
	each(t, n*whole(1), func(t *testing.T, s *memory.Store) {
		put(t, s, "k", block, pattern(1, block))
		e := open(t, s, "k")
		require.Zero(t, s.Stats().PinnedBytes)
		put(t, s, "l", n*block, pattern(2, n*block))
		got := s.Stats()
		require.Equal(t, whole(1), got.PinnedBytes)
		require.Equal(t, whole(n), got.Bytes)
		all, err := io.ReadAll(e)
		require.NoError(t, err)
		require.Equal(t, pattern(1, block), all)
		require.NoError(t, e.Close())
		require.Zero(t, s.Stats().PinnedBytes)
	})
}
