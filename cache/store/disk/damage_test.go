package disk

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/daramjwee/daramjwee/cache/store"
)

const damagedKey = "key"

// stored returns the bytes of a file that a store wrote.
func stored(t *testing.T, body []byte, updates ...store.Metadata) []byte {
	dir := t.TempDir()
	s := openDir(t, dir, Options{})
	put(t, s, damagedKey, body, store.Metadata{Size: -1, ETag: "0"})
	for _, m := range updates {
		require.NoError(t, s.UpdateMetadata(ctx, damagedKey, 0, m))
	}
	b, err := os.ReadFile(filepath.Join(dir, nameOf(damagedKey)))
	require.NoError(t, err)
	return b
}

// outcome of reading a file that may be damaged.
type outcome int

const (
	intact outcome = iota
	miss
	cutShort // an error after right bytes
)

// readDamaged opens a directory whose only file is image, reads its entry and
// fails the test unless what came out is right as far as it goes.
func readDamaged(t *testing.T, dir string, image, body []byte, etags ...string) outcome {
	t.Helper()
	name := filepath.Join(dir, nameOf(damagedKey))
	require.NoError(t, os.WriteFile(name, image, 0o600))
	s, err := openSmall(dir, Options{})
	require.NoError(t, err)
	defer func() { require.NoError(t, s.Close()) }()
	return readOnce(t, s, body, etags...)
}

func readOnce(t *testing.T, s *Store, body []byte, etags ...string) outcome {
	t.Helper()
	name := filepath.Join(s.dir, nameOf(damagedKey))
	b, m, err := get(s, damagedKey)
	if err == nil {
		require.Contains(t, etags, m.ETag)
		require.EqualValues(t, len(body), m.Size)
		require.True(t, bytes.Equal(body, b), "wrong bytes, and no error")
		return intact
	}
	require.NoFileExists(t, name)
	st := s.Stats()
	require.Equal(t, Stats{Corrupt: 1, MaxBytes: st.MaxBytes}, st)
	if errors.Is(err, store.ErrNotFound) {
		return miss
	}
	require.ErrorIs(t, err, ErrCorrupt)
	require.True(t, bytes.HasPrefix(body, b), "wrong bytes before the error")
	require.Contains(t, etags, m.ETag)
	return cutShort
}

func TestEveryByteAltered(t *testing.T) {
	body := noise(3, 4*smallBlock+9)
	file := stored(t, body)
	dir := t.TempDir()
	for i := range file {
		for _, mask := range []byte{1 << (i % 8), 0xff} {
			file[i] ^= mask
			got := readDamaged(t, dir, file, body, "0")
			file[i] ^= mask
			if inLaterBlock := i >= smallBlock && i < len(body); inLaterBlock {
				require.Equal(t, cutShort, got, "byte %d", i)
			} else {
				require.Equal(t, miss, got, "byte %d", i)
			}
		}
	}
	require.Equal(t, intact, readDamaged(t, dir, file, body, "0"), "the test itself")
}

func TestEveryTruncation(t *testing.T) {
	body := noise(3, 2*smallBlock+9)
	file := stored(t, body)
	dir := t.TempDir()
	for n := range file {
		require.Equal(t, miss, readDamaged(t, dir, file[:n], body, "0"), "%d bytes", n)
	}
}

// An altered file never falls back to the metadata from before a 304, which
// would be old; one that was cut short may.
func TestEveryByteAlteredAfterAnUpdate(t *testing.T) {
	body := noise(3, smallBlock+9)
	before, file := stored(t, body), stored(t, body, store.Metadata{ETag: "1"})
	dir := t.TempDir()
	for i := range file {
		file[i] ^= 1 << (i % 8)
		got := readDamaged(t, dir, file, body, "1")
		file[i] ^= 1 << (i % 8)
		if i >= len(before) {
			require.Equal(t, miss, got, "byte %d", i)
		}
	}
	for n := len(before); n <= len(file); n++ {
		etag := "0"
		if n == len(file) {
			etag = "1"
		}
		require.Equal(t, intact, readDamaged(t, dir, file[:n], body, etag), "%d bytes", n)
	}
	for n := range before {
		require.Equal(t, miss, readDamaged(t, dir, file[:n], body), "%d bytes", n)
	}
}

// A torn append does not come back to life under the next one.
func TestUpdateAfterATornAppend(t *testing.T) {
	body := noise(3, smallBlock+9)
	before, file := stored(t, body), stored(t, body, store.Metadata{ETag: string(noise(1, 300))})
	for n := len(before); n < len(file); n += 7 {
		dir := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(dir, nameOf(damagedKey)), file[:n], 0o600))
		s := openDir(t, dir, Options{})
		require.EqualValues(t, n, s.Stats().Bytes)
		require.NoError(t, s.UpdateMetadata(ctx, damagedKey, 0, store.Metadata{ETag: "2"}))
		sizes(t, s)
		require.NoError(t, s.Close())
		require.Equal(t, "2", requireEntry(t, openDir(t, dir, Options{}), damagedKey, body).ETag)
	}
}

func TestDamageUnderAnOpenStore(t *testing.T) {
	body := noise(3, 4*smallBlock+9)
	file := stored(t, body)
	dir := t.TempDir()
	name := filepath.Join(dir, nameOf(damagedKey))
	for i := 0; i < len(file); i += 3 {
		require.NoError(t, os.WriteFile(name, file, 0o600))
		s, err := openSmall(dir, Options{})
		require.NoError(t, err)
		fd, err := os.OpenFile(name, os.O_RDWR, 0)
		require.NoError(t, err)
		_, err = fd.WriteAt([]byte{^file[i]}, int64(i))
		require.NoError(t, err)
		require.NoError(t, fd.Close())
		got := readOnce(t, s, body, "0")
		require.Equal(t, i >= len(body)+5*sumSize, got == intact, "byte %d", i) // the index has the metadata
		require.NoError(t, s.Close())
	}
	for n := range file {
		require.NoError(t, os.WriteFile(name, file, 0o600))
		s, err := openSmall(dir, Options{})
		require.NoError(t, err)
		require.NoError(t, os.Truncate(name, int64(n)))
		got := readOnce(t, s, body, "0")
		want := intact
		if n < len(body)+5*sumSize {
			want = miss // found by Open, however far from the start it is
		}
		require.Equal(t, want, got, "%d bytes", n)
		require.NoError(t, s.Close())
	}
}

// Checked blocks need not be there any more: the reader hears of it.
func TestFileCutUnderAReader(t *testing.T) {
	body := noise(3, 4*smallBlock)
	for _, read := range []func(e *entry, b *bytes.Buffer) error{
		func(e *entry, b *bytes.Buffer) error { _, err := e.WriteTo(b); return err },
		func(e *entry, b *bytes.Buffer) error { _, err := b.ReadFrom(e); return err },
		func(e *entry, b *bytes.Buffer) error { _, err := e.ReadAt(make([]byte, len(body)), 0); return err },
	} {
		for n := 0; n < len(body); n += 31 {
			s := openDir(t, t.TempDir(), Options{})
			put(t, s, "k", body, unknown)
			requireEntry(t, s, "k", body)
			e := openEntry(t, s, "k")
			require.NoError(t, os.Truncate(filepath.Join(s.dir, nameOf("k")), int64(n)))
			var b bytes.Buffer
			require.ErrorIs(t, read(e, &b), ErrCorrupt, "cut to %d", n)
			require.True(t, bytes.HasPrefix(body, b.Bytes()))
			requireMiss(t, s, "k")
			require.NoError(t, e.Close())
			require.NoError(t, s.Close())
		}
	}
}

// A copy that fails is the destination's trouble, unless the file can be read no more.
func TestWhoseFailureACopyIs(t *testing.T) {
	body := noise(3, 4*smallBlock)
	broken := errors.New("broken")
	for _, cut := range []bool{false, true} {
		s := openDir(t, t.TempDir(), Options{})
		put(t, s, "k", body, unknown)
		requireEntry(t, s, "k", body)
		e := openEntry(t, s, "k")
		n, err := e.WriteTo(readerFrom(func(src io.Reader) (int64, error) {
			n, err := io.CopyN(io.Discard, src, smallBlock+1)
			require.NoError(t, err)
			if cut {
				require.NoError(t, os.Truncate(filepath.Join(s.dir, nameOf("k")), smallBlock))
			}
			return n, broken
		}))
		require.EqualValues(t, smallBlock+1, n)
		require.NoError(t, e.Close())
		if cut {
			require.ErrorIs(t, err, ErrCorrupt)
			require.ErrorIs(t, err, store.ErrUnreadable)
			requireMiss(t, s, "k")
		} else {
			require.Equal(t, broken, err)
			requireEntry(t, s, "k", body)
		}
		require.NoError(t, s.Close())
	}
}

// readerFrom is a destination that copies for itself.
type readerFrom func(src io.Reader) (int64, error)

func (f readerFrom) ReadFrom(src io.Reader) (int64, error) { return f(src) }
func (f readerFrom) Write([]byte) (int, error)             { panic("not asked to copy") }

// Blocks that were checked are checked again once the file's time has changed.
func TestTouchedFileIsCheckedAgain(t *testing.T) {
	dir := t.TempDir()
	s := openDir(t, dir, Options{})
	put(t, s, "k", noise(1, 3*smallBlock), unknown)
	requireEntry(t, s, "k", noise(1, 3*smallBlock))
	name := filepath.Join(dir, nameOf("k"))
	info, err := os.Stat(name)
	require.NoError(t, err)
	fd, err := os.OpenFile(name, os.O_RDWR, 0)
	require.NoError(t, err)
	_, err = fd.WriteAt(make([]byte, 10), smallBlock)
	require.NoError(t, err)
	require.NoError(t, fd.Close())
	later := info.ModTime().Add(1)
	require.NoError(t, os.Chtimes(name, later, later))
	_, _, err = get(s, "k")
	require.ErrorIs(t, err, ErrCorrupt)
	requireMiss(t, s, "k")
}

func TestCutFileIsAMissWhateverItsTime(t *testing.T) {
	s := openDir(t, t.TempDir(), Options{})
	put(t, s, "k", noise(1, 3*smallBlock), unknown)
	requireEntry(t, s, "k", noise(1, 3*smallBlock))
	name := filepath.Join(s.dir, nameOf("k"))
	info, err := os.Stat(name)
	require.NoError(t, err)
	require.NoError(t, os.Truncate(name, 2*smallBlock))
	require.NoError(t, os.Chtimes(name, info.ModTime(), info.ModTime()))
	requireMiss(t, s, "k")
}

func TestMissingAndMisnamedFiles(t *testing.T) {
	dir := t.TempDir()
	s := openDir(t, dir, Options{})
	for _, key := range []string{"gone", "gone too", "renamed"} {
		put(t, s, key, []byte(key), unknown)
	}
	require.NoError(t, os.Remove(filepath.Join(dir, nameOf("gone"))))
	requireMiss(t, s, "gone")
	require.EqualValues(t, 1, s.Stats().Corrupt)
	require.NoError(t, os.Remove(filepath.Join(dir, nameOf("gone too"))))
	require.ErrorIs(t, s.UpdateMetadata(ctx, "gone too", 0, store.Metadata{}), store.ErrNotFound)
	require.EqualValues(t, 2, s.Stats().Corrupt)
	sizes(t, s)
	require.NoError(t, s.Close())

	require.NoError(t, os.Rename(filepath.Join(dir, nameOf("renamed")), filepath.Join(dir, nameOf("other"))))
	s = openDir(t, dir, Options{})
	requireMiss(t, s, "renamed")
	requireMiss(t, s, "other")
	require.Equal(t, Stats{Corrupt: 1, MaxBytes: defaultMaxBytes}, s.Stats())
	require.NoFileExists(t, filepath.Join(dir, nameOf("other")))
}

// With the real block size, and the entry read in other ways than io.ReadAll's.
func TestDamagedBlockOfALargeFile(t *testing.T) {
	body := noise(5, 130<<10)
	for off := 0; off < len(body); off += 9973 {
		dir := t.TempDir()
		s, err := Open(dir, Options{BufferPool: newStrictPool(t)})
		require.NoError(t, err)
		put(t, s, "k", body, unknown)
		fd, err := os.OpenFile(filepath.Join(dir, nameOf("k")), os.O_RDWR, 0)
		require.NoError(t, err)
		_, err = fd.WriteAt([]byte{body[off] ^ 1}, int64(off))
		require.NoError(t, err)
		require.NoError(t, fd.Close())

		sound := off / blockSize * blockSize
		e, err := s.Open(ctx, "k")
		if sound == 0 {
			require.ErrorIs(t, err, store.ErrNotFound)
		} else {
			var b bytes.Buffer
			n, err := e.(*entry).WriteTo(&b)
			require.ErrorIs(t, err, ErrCorrupt)
			require.EqualValues(t, sound, n)
			require.True(t, bytes.Equal(body[:sound], b.Bytes()))
			m, err := e.(*entry).ReadAt(make([]byte, len(body)), 0)
			require.ErrorIs(t, err, ErrCorrupt)
			require.Equal(t, sound, m)
			require.NoError(t, e.Close())
		}
		require.Equal(t, Stats{Corrupt: 1, MaxBytes: defaultMaxBytes}, s.Stats())
		require.NoError(t, s.Close())
	}
}
