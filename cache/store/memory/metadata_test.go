package memory_test

import (
	"fmt"
	"math"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/daramjwee/daramjwee/cache/store"
	"github.com/daramjwee/daramjwee/cache/store/memory"
	"github.com/daramjwee/daramjwee/internal/checked"
	"github.com/daramjwee/daramjwee/internal/race"
)

// Strings of a caller may be bytes of a buffer that is used again, as in
// fasthttp: nothing that is kept may alias them.
func TestStringsAreOwned(t *testing.T) {
	each(t, 1<<20, func(t *testing.T, s *memory.Store) {
		buf := []byte("key|etag|name|value")
		at := func(i, j int) string { return unsafe.String(&buf[i], j-i) }
		m := store.Metadata{Size: -1, ETag: at(4, 8), Header: store.NewHeader(at(9, 13), at(14, 19))}
		w, err := s.Create(ctx, at(0, 3), m)
		require.NoError(t, err)
		require.NoError(t, w.Commit(ctx))
		clear(buf)
		check := func(etag string) {
			got, err := s.Stat(ctx, "key")
			require.NoError(t, err)
			require.Equal(t, store.Metadata{ETag: etag, Header: store.NewHeader("name", "value")}, *got)
			for key := range s.List() {
				require.Equal(t, "key", key)
			}
		}
		check("etag")

		copy(buf, "key|gate|name|value")
		require.NoError(t, s.UpdateMetadata(ctx, at(0, 3), 0, m))
		clear(buf)
		check("gate")
	})
}

func TestUpdateMetadata(t *testing.T) {
	each(t, 1<<20, func(t *testing.T, s *memory.Store) {
		require.ErrorIs(t, s.UpdateMetadata(ctx, "k", 0, store.Metadata{}), store.ErrNotFound)
		w, err := s.Create(ctx, "k", store.Metadata{Size: -1, Generation: 5, ETag: "old"})
		require.NoError(t, err)
		_, err = w.Write([]byte("abc"))
		require.NoError(t, err)
		require.ErrorIs(t, s.UpdateMetadata(ctx, "k", 5, store.Metadata{}), store.ErrNotFound, "staged only")
		require.NoError(t, w.Commit(ctx))

		e := open(t, s, "k")
		defer e.Close()
		require.ErrorIs(t, s.UpdateMetadata(ctx, "k", 4, store.Metadata{}), store.ErrNotFound)
		require.NoError(t, s.UpdateMetadata(ctx, "k", 5, store.Metadata{ETag: "new", Generation: 6, Size: 99}))
		require.Equal(t, "old", e.Metadata().ETag, "who has it open keeps what it saw")
		got, err := s.Stat(ctx, "k")
		require.NoError(t, err)
		require.Equal(t, store.Metadata{ETag: "new", Generation: 6, Size: 3}, *got)
		require.Equal(t, "abc", string(get(t, s, "k")))
		require.ErrorIs(t, s.UpdateMetadata(ctx, "k", 5, store.Metadata{}), store.ErrNotFound)
	})
}

// A header that grows counts, evicts others, and is refused when it cannot fit.
func TestUpdateMetadataWeighs(t *testing.T) {
	const n = 4
	each(t, n*whole(1), func(t *testing.T, s *memory.Store) {
		fillUp(t, s, n)
		before := s.Stats().Bytes
		header := func(bytes int) store.Metadata {
			return store.Metadata{Header: store.NewHeader("N", strings.Repeat("v", bytes-1))}
		}
		require.ErrorIs(t, s.UpdateMetadata(ctx, "D", 0, header(n*2*block)), store.ErrTooLarge)
		require.Equal(t, before, s.Stats().Bytes)
		m, err := s.Stat(ctx, "D")
		require.NoError(t, err)
		require.Zero(t, m.Header.Len())

		require.NoError(t, s.UpdateMetadata(ctx, "D", 0, header(100)))
		got := s.Stats()
		require.EqualValues(t, 1, got.Evictions)
		require.Equal(t, (n-1)*whole(1)+100+32, got.Bytes)
		require.NoError(t, s.UpdateMetadata(ctx, "D", 0, store.Metadata{}))
		require.Equal(t, (n-1)*whole(1), s.Stats().Bytes)
	})
}

func TestList(t *testing.T) {
	each(t, 1<<20, func(t *testing.T, s *memory.Store) {
		want := map[string]int64{}
		for i := range 20 {
			key := strconv.Itoa(i)
			put(t, s, key, int64(i), pattern(1, i))
			want[key] = int64(i)
		}
		staged := create(t, s, "staged", -1)
		defer staged.Abort()
		got := map[string]int64{}
		for key, m := range s.List() {
			got[key] = m.Size
			require.NoError(t, s.Delete(ctx, key)) // the lock is not held
		}
		require.Equal(t, want, got)
		put(t, s, "a", 0, nil)
		put(t, s, "b", 0, nil)
		for range s.List() {
			break
		}
	})
}

// The estimate of what an entry costs besides its blocks is not below what it
// does cost, nor twice that.
func TestOverhead(t *testing.T) {
	if race.Enabled || checked.Everywhere {
		t.Skip("the race detector allocates as well, and Checked keeps what others put")
	}
	for _, declared := range []int64{16, -1} {
		t.Run(fmt.Sprintf("declared=%d", declared), func(t *testing.T) { testOverhead(t, declared) })
	}
}

// Of an entry of unknown size a whole block was lent, to be replaced at its Commit.
func testOverhead(t *testing.T, declared int64) {
	const n = 10_000
	s, err := memory.New(memory.Options{MaxBytes: 1 << 30})
	require.NoError(t, err)
	defer s.Close()
	heap := func() int64 { // when what other tests left behind is gone: pools and cleanups take their time
		for last := int64(math.MaxInt64); ; {
			runtime.GC()
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			now := int64(m.HeapAlloc)
			if now > last-64<<10 {
				return now
			}
			last = now
		}
	}
	before := heap()
	for i := range n {
		w, err := s.Create(ctx, strconv.Itoa(100_000+i), store.Metadata{
			Size: declared, ETag: "0123456789abcdef", Header: store.NewHeader("Content-Type", "text/plain; charset=utf-8"),
		})
		require.NoError(t, err)
		_, err = w.Write(make([]byte, 16))
		require.NoError(t, err)
		require.NoError(t, w.Commit(ctx))
	}
	real := (heap() - before) / n
	counted := s.Stats().Bytes / n
	t.Logf("an entry takes %d bytes, %d are counted", real, counted)
	require.LessOrEqual(t, real, counted)
	require.LessOrEqual(t, counted, 2*real)
	runtime.KeepAlive(s)
}
