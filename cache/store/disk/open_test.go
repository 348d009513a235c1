package disk

import (
	"bytes"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/daramjwee/daramjwee/cache/store"
)

func TestOneStorePerDirectory(t *testing.T) {
	dir := t.TempDir()
	s := openDir(t, dir, Options{})
	put(t, s, "k", []byte("body"), unknown)
	_, err := Open(dir, Options{})
	require.ErrorIs(t, err, ErrLocked)
	require.ErrorContains(t, err, filepath.Join(dir, lockName))
	requireEntry(t, s, "k", []byte("body"))
	require.NoError(t, s.Close())
	requireEntry(t, openDir(t, dir, Options{}), "k", []byte("body"))
}

func TestDirectoryThatCannotBeUsed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	for _, dir := range []string{file, filepath.Join(file, "below")} {
		_, err := Open(dir, Options{})
		require.ErrorContains(t, err, dir)
	}
	for _, name := range []string{lockName, stageDir} { // something else is in our way
		dir := t.TempDir()
		if name == stageDir {
			require.NoError(t, os.WriteFile(filepath.Join(dir, name), nil, 0o600))
		} else {
			require.NoError(t, os.Mkdir(filepath.Join(dir, name), 0o700))
		}
		_, err := Open(dir, Options{})
		require.ErrorContains(t, err, dir)
	}
}

func TestUnwritableDirectory(t *testing.T) {
	if os.Geteuid() == 0 || runtime.GOOS == "windows" {
		t.Skip("this user can write everywhere")
	}
	for _, used := range []bool{false, true} {
		dir := t.TempDir()
		if used {
			require.NoError(t, openDir(t, dir, Options{}).Close())
		}
		require.NoError(t, os.Chmod(dir, 0o500))
		_, err := Open(dir, Options{})
		require.NoError(t, os.Chmod(dir, 0o700))
		require.ErrorIs(t, err, fs.ErrPermission)
		require.ErrorContains(t, err, dir)
	}
}

// A link cannot lead the store out of its directory.
func TestLinksLeadNowhere(t *testing.T) {
	for _, name := range []string{lockName, stageDir} {
		dir, outside := t.TempDir(), t.TempDir()
		if err := os.Symlink(filepath.Join(outside, "x"), filepath.Join(dir, name)); err != nil {
			t.Skipf("no symbolic links: %v", err)
		}
		_, err := Open(dir, Options{})
		require.ErrorContains(t, err, dir)
		list, err := os.ReadDir(outside)
		require.NoError(t, err)
		require.Empty(t, list)
	}
	dir, outside := t.TempDir(), filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(outside, image(t, "k", []byte("theirs"), store.Metadata{}), 0o600))
	require.NoError(t, os.Symlink(outside, filepath.Join(dir, nameOf("k"))))
	s := openDir(t, dir, Options{})
	requireMiss(t, s, "k")
	put(t, s, "k", []byte("ours"), unknown)
	requireEntry(t, s, "k", []byte("ours"))
	b, err := os.ReadFile(outside)
	require.NoError(t, err)
	require.Contains(t, string(b), "theirs")
}

func TestForeignFilesAreLeftAlone(t *testing.T) {
	dir := t.TempDir()
	hash := nameOf("k")[:64]
	foreign := []string{
		"README", hash, hash + ".bak", hash + ".entry.bak", "A" + hash[1:] + suffix, "ab" + suffix,
		"tmp/notes", "tmp/1.stage", "tmp/000000000000000g.stage", "tmp/0000000000000001.stage.bak", "other/file" + suffix,
	}
	for _, name := range foreign {
		path := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, []byte("theirs"), 0o600))
	}
	folders := []string{nameOf("folder"), "tmp/0000000000000009.stage"}
	for _, name := range folders {
		require.NoError(t, os.Mkdir(filepath.Join(dir, name), 0o700))
	}
	var log bytes.Buffer
	s := openDir(t, dir, Options{MaxBytes: 1000, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	require.Equal(t, Stats{MaxBytes: 1000}, s.Stats())
	for i := range 50 {
		put(t, s, fmt.Sprint(i), noise(1, 100), unknown)
		requireEntry(t, s, fmt.Sprint(i), noise(1, 100))
	}
	require.NoError(t, s.Delete(ctx, "49"))
	require.NoError(t, s.Close())
	require.Empty(t, log.String(), "nothing needed a repair")
	for _, name := range foreign {
		b, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		require.Equal(t, "theirs", string(b))
	}
	for _, name := range folders {
		require.DirExists(t, filepath.Join(dir, name))
	}
}

func TestLeftoversAreSwept(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, stageDir), 0o700))
	for i := range 9 {
		require.NoError(t, os.WriteFile(filepath.Join(dir, stageDir, fmt.Sprintf("%016x.stage", i)), make([]byte, 1000), 0o600))
	}
	s := openDir(t, dir, Options{MaxBytes: 1000})
	_, staged := onDisk(t, dir)
	require.Zero(t, staged)
	require.Equal(t, Stats{MaxBytes: 1000, Swept: 9}, s.Stats())

	// One that cannot be removed is in nobody's way.
	next := s.stages.Load() + 1
	require.NoError(t, os.WriteFile(filepath.Join(dir, stageDir, fmt.Sprintf("%016x.stage", next)), nil, 0o600))
	put(t, s, "k", []byte("body"), unknown)
	requireEntry(t, s, "k", []byte("body"))
}

// victims adds entries until none of the first ones is left and returns the
// order in which those went.
func victims(t *testing.T, s *Store, first map[string]bool) (order []string) {
	for i := 0; len(first) > 0; i++ {
		put(t, s, fmt.Sprintf("%02d", 50+i), noise(0, 100), store.Metadata{Size: 100})
		left := keys(s)
		for k := range first {
			if !left[k] {
				order = append(order, k)
				delete(first, k)
			}
		}
	}
	return order
}

func TestRestartKeepsTheOrderOfEviction(t *testing.T) {
	weight := weigh(t, 100)
	fill := func() (*Store, string) {
		dir := t.TempDir()
		s := openDir(t, dir, Options{MaxBytes: 10 * weight})
		for i := range 12 { // two are evicted: the hand stands in the middle
			put(t, s, fmt.Sprintf("%02d", i), noise(0, 100), store.Metadata{Size: 100})
			if i%3 == 0 || i == 1 {
				requireEntry(t, s, fmt.Sprintf("%02d", i), noise(0, 100))
			}
		}
		return s, dir
	}
	twin, _ := fill()
	var want []string
	for n := twin.queue.Evict(nil); n != nil; n = twin.queue.Evict(nil) {
		want = append(want, n.Value.key)
	}
	require.Len(t, want, 10)
	require.NotEqual(t, slices.Sorted(slices.Values(want)), want, "the order of writing proves nothing")

	s, dir := fill()
	left := keys(s)
	var got []string
	for i := range want { // each restart has room for one less
		require.NoError(t, s.Close())
		for k := range left { // what the file times say does not matter
			at := time.Unix(1000+int64(k[1]), 0)
			require.NoError(t, os.Chtimes(filepath.Join(dir, nameOf(k)), at, at))
		}
		s = openDir(t, dir, Options{MaxBytes: int64(9-i)*weight + 1})
		require.NoFileExists(t, filepath.Join(dir, orderName), "it would be out of date after a crash")
		for k := range left {
			if !keys(s)[k] {
				got = append(got, k)
				delete(left, k)
			}
		}
		require.Len(t, got, i+1)
	}
	require.Equal(t, want, got)
}

func TestOrderAfterACrashIsThatOfTheFiles(t *testing.T) {
	for _, spoil := range []func(name string) error{
		os.Remove,
		func(name string) error { return os.WriteFile(name, nil, 0o600) },
		func(name string) error { return os.WriteFile(name, []byte(orderMagic+"????"), 0o600) },
		func(name string) error { return os.Truncate(name, 50) },
	} {
		dir := t.TempDir()
		o := Options{MaxBytes: 4 * weigh(t, 100)}
		s := openDir(t, dir, o)
		for _, k := range []string{"03", "02", "00", "01"} {
			put(t, s, k, noise(0, 100), store.Metadata{Size: 100})
		}
		first := keys(s)
		require.NoError(t, s.Close())
		for k := range first {
			at := time.Unix(1000+int64(k[1]), 0)
			require.NoError(t, os.Chtimes(filepath.Join(dir, nameOf(k)), at, at))
		}
		require.NoError(t, spoil(filepath.Join(dir, orderName)))
		s = openDir(t, dir, o)
		require.Equal(t, []string{"00", "01", "02", "03"}, victims(t, s, first))
		require.NoError(t, s.Close())
	}
}

func TestRepairsAreLoggedWithoutKeys(t *testing.T) {
	dir := t.TempDir()
	var log bytes.Buffer
	o := Options{Logger: slog.New(slog.NewTextHandler(&log, nil))}
	s := openDir(t, dir, o)
	for _, k := range []string{"https://secret/1", "https://secret/2"} {
		put(t, s, k, []byte("body"), unknown)
	}
	require.NoError(t, os.Truncate(filepath.Join(dir, nameOf("https://secret/1")), 3))
	requireMiss(t, s, "https://secret/1")
	require.NoError(t, s.Close())
	require.Contains(t, log.String(), nameOf("https://secret/1"))
	require.NoError(t, os.Truncate(filepath.Join(dir, nameOf("https://secret/2")), 3))
	s = openDir(t, dir, o)
	require.Contains(t, log.String(), nameOf("https://secret/2"))
	require.NotContains(t, log.String(), "secret")
	require.EqualValues(t, 1, s.Stats().Corrupt)
	require.NoError(t, s.Close())
}
