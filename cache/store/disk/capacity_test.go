package disk

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/daramjwee/daramjwee/cache/store"
)

// onDisk is the number of bytes in entries and staged files.
func onDisk(t testing.TB, dir string) (entries, staged int64) {
	require.NoError(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		require.NoError(t, err)
		if d.IsDir() || d.Name() == lockName || d.Name() == orderName {
			return nil
		}
		info, err := d.Info()
		require.NoError(t, err)
		if isName(d.Name()) {
			entries += info.Size()
		} else {
			staged += info.Size()
		}
		return nil
	}))
	return entries, staged
}

// sizes fails the test unless what is counted is what lies on the disk.
func sizes(t testing.TB, s *Store) {
	t.Helper()
	entries, _ := onDisk(t, s.dir)
	require.Equal(t, entries, s.Stats().Bytes)
	require.LessOrEqual(t, entries, s.Stats().MaxBytes)
}

// weigh returns what entries with keys of two letters and n bytes weigh.
func weigh(t *testing.T, n int) int64 {
	s := openDir(t, t.TempDir(), Options{})
	put(t, s, "00", noise(0, n), store.Metadata{Size: int64(n)})
	return s.Stats().Bytes
}

func keys(s *Store) map[string]bool {
	m := make(map[string]bool)
	for k := range s.List() {
		m[k] = true
	}
	return m
}

func TestEvictionIsExact(t *testing.T) {
	const n, fit = 300, 10
	weight := weigh(t, n)
	for _, slack := range []int64{0, weight - 1} {
		dir := t.TempDir()
		s := openDir(t, dir, Options{MaxBytes: fit*weight + slack})
		for i := range 3 * fit {
			put(t, s, fmt.Sprintf("%02d", i), noise(uint64(i), n), store.Metadata{Size: n})
			sizes(t, s)
			require.EqualValues(t, min(i+1, fit), s.Stats().Entries)
			require.EqualValues(t, max(i+1-fit, 0), s.Stats().Evictions)
		}
		for i := range 3 * fit {
			require.Equal(t, i >= 2*fit, keys(s)[fmt.Sprintf("%02d", i)])
		}
		require.Equal(t, fit*weight, s.Stats().Bytes)
		require.NoError(t, s.Close())

		s = openDir(t, dir, Options{MaxBytes: 3 * weight}) // a smaller limit is kept at once
		require.Equal(t, map[string]bool{"27": true, "28": true, "29": true}, keys(s))
		sizes(t, s)
	}
}

func TestUsedEntriesStay(t *testing.T) {
	weight := weigh(t, 100)
	s := openDir(t, t.TempDir(), Options{MaxBytes: 3 * weight})
	for _, k := range []string{"aa", "bb", "cc"} {
		put(t, s, k, noise(0, 100), store.Metadata{Size: 100})
	}
	requireEntry(t, s, "aa", noise(0, 100))
	_, err := s.Stat(ctx, "bb") // is not a use
	require.NoError(t, err)
	put(t, s, "dd", noise(0, 100), store.Metadata{Size: 100})
	require.Equal(t, map[string]bool{"aa": true, "cc": true, "dd": true}, keys(s))
}

func TestOversizeEvictsNothing(t *testing.T) {
	const n = 100
	weight := weigh(t, n)
	s := openDir(t, t.TempDir(), Options{MaxBytes: 10 * weight})
	for i := range 10 {
		put(t, s, fmt.Sprintf("%02d", i), noise(0, n), store.Metadata{Size: n})
	}
	before := s.Stats()
	fits := int64(n) + 9*weight // a larger body has a larger table too
	for _, size := range []int64{fits, 1 << 40, 1<<63 - 100, 1<<63 - 1} {
		_, err := s.Create(ctx, "zz", store.Metadata{Size: size})
		require.ErrorIs(t, err, store.ErrTooLarge, "%d", size)
	}
	require.Equal(t, before, s.Stats())

	w, err := s.Create(ctx, "zz", unknown)
	require.NoError(t, err)
	for err == nil { // byte by byte, until it has outgrown what it may
		_, err = w.Write([]byte{1})
	}
	require.ErrorIs(t, err, store.ErrTooLarge)
	_, err = w.Write([]byte{1})
	require.ErrorIs(t, err, store.ErrTooLarge)
	require.ErrorIs(t, w.Commit(ctx), store.ErrTooLarge)
	require.Equal(t, before, s.Stats())
	sizes(t, s)
}

func TestLargestEntryThatFits(t *testing.T) {
	const n = 1000
	weight := weigh(t, n)
	for _, declared := range []int64{n, -1} {
		limit := weight
		s := openDir(t, t.TempDir(), Options{MaxBytes: limit})
		put(t, s, "00", noise(1, n), store.Metadata{Size: declared})
		requireEntry(t, s, "00", noise(1, n))
		require.Equal(t, weight, s.Stats().Bytes)
		s = openDir(t, t.TempDir(), Options{MaxBytes: limit - 1})
		require.ErrorIs(t, tryPut(s, "00", noise(1, n), store.Metadata{Size: declared}), store.ErrTooLarge)
		require.Equal(t, Stats{MaxBytes: limit - 1}, s.Stats())
	}
}

func TestStagedBytesCount(t *testing.T) {
	const n = 200
	weight := weigh(t, n)
	s := openDir(t, t.TempDir(), Options{MaxBytes: 10 * weight})
	for i := range 10 {
		put(t, s, fmt.Sprintf("%02d", i), noise(0, n), store.Metadata{Size: n})
	}
	for _, size := range []int64{4 * n} {
		evicted := s.Stats().Evictions
		w, err := s.Create(ctx, "zz", store.Metadata{Size: size})
		require.NoError(t, err)
		require.Equal(t, evicted, s.Stats().Evictions, "evicted before a byte came")
		for range 4 * n {
			_, err := w.Write([]byte{1})
			require.NoError(t, err)
			st := s.Stats()
			entries, staged := onDisk(t, s.dir)
			require.Equal(t, entries, st.Bytes)
			require.LessOrEqual(t, staged, st.StagedBytes)
			require.LessOrEqual(t, st.Bytes+st.StagedBytes, st.MaxBytes)
			need := (st.StagedBytes + weight - 1) / weight // no more than it displaces
			require.LessOrEqual(t, st.Evictions-evicted, need)
		}
		require.NoError(t, w.Abort())
		require.Zero(t, s.Stats().StagedBytes)
		for i := range 10 {
			put(t, s, fmt.Sprintf("%02d", i), noise(0, n), store.Metadata{Size: n})
		}
	}
}

func TestPromisesAreKept(t *testing.T) {
	const n = 500
	weight := weigh(t, n)
	s := openDir(t, t.TempDir(), Options{MaxBytes: 2 * weight})
	a, err := s.Create(ctx, "aa", store.Metadata{Size: n})
	require.NoError(t, err)
	b, err := s.Create(ctx, "bb", unknown)
	require.NoError(t, err)
	_, err = s.Create(ctx, "cc", store.Metadata{Size: n}) // a's room is not to be had, though a has not written
	require.ErrorIs(t, err, store.ErrTooLarge)
	_, err = b.Write(noise(0, n))
	require.NoError(t, err)
	_, err = b.Write(noise(0, n))
	require.NoError(t, err)
	require.ErrorIs(t, b.Commit(ctx), store.ErrTooLarge, "of unknown size: its Commit finds no room beside a")
	_, err = a.Write(noise(0, n))
	require.NoError(t, err)
	require.NoError(t, a.Commit(ctx))
	require.NoError(t, b.Abort())
	put(t, s, "cc", noise(0, n), store.Metadata{Size: n})
	require.Equal(t, map[string]bool{"aa": true, "cc": true}, keys(s))
	sizes(t, s)
}

func TestUpdatesCount(t *testing.T) {
	weight := weigh(t, 100)
	s := openDir(t, t.TempDir(), Options{MaxBytes: 3 * weight})
	for _, k := range []string{"aa", "bb", "cc"} {
		put(t, s, k, noise(0, 100), store.Metadata{Size: 100})
	}
	require.NoError(t, s.UpdateMetadata(ctx, "bb", 0, store.Metadata{}))
	require.Equal(t, map[string]bool{"bb": true, "cc": true}, keys(s), "a record has evicted one")
	sizes(t, s)
	// The one to be evicted may be the one that is updated.
	require.NoError(t, s.UpdateMetadata(ctx, "cc", 0, store.Metadata{}))
	put(t, s, "dd", noise(0, 50), store.Metadata{Size: 50})
	for i := range 40 {
		for k := range keys(s) {
			if err := s.UpdateMetadata(ctx, k, 0, store.Metadata{}); err != nil {
				require.ErrorIs(t, err, store.ErrNotFound, "%d", i)
				require.False(t, keys(s)[k])
			}
			sizes(t, s)
		}
	}
	require.Zero(t, s.Stats().StagedBytes)
	require.Zero(t, s.promised)
}

func TestUnknownSizeHoldsAnEighth(t *testing.T) {
	const limit = 16 * blockSize
	s := openDir(t, t.TempDir(), Options{MaxBytes: limit})
	for i := range 10 {
		put(t, s, fmt.Sprintf("%02d", i), noise(0, blockSize), store.Metadata{Size: blockSize})
	}
	before := s.Stats()
	w, err := s.Create(ctx, "zz", unknown)
	require.NoError(t, err)
	written := 0
	for err == nil {
		var n int
		n, err = w.Write(noise(0, 1000))
		written += n
		require.LessOrEqual(t, s.Stats().StagedBytes, int64(limit/8))
	}
	require.ErrorIs(t, err, store.ErrTooLarge)
	require.Greater(t, written, limit/10) // checksums of small blocks count too
	require.NoError(t, w.Abort())
	require.Equal(t, before, s.Stats(), "nothing was evicted for it")
}
