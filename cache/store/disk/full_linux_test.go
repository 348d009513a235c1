package disk

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/daramjwee/daramjwee/cache/store"
)

const fullChild = "DARAMJWEE_FULL_CHILD"

// limitFiles lets no file grow beyond n bytes while do runs: the system's own
// errors, at a byte of one's choice.
func limitFiles(t *testing.T, n int, do func()) {
	t.Helper()
	var was syscall.Rlimit
	require.NoError(t, syscall.Getrlimit(syscall.RLIMIT_FSIZE, &was))
	require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: uint64(n), Max: was.Max}))
	defer func() { require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &was)) }()
	do()
}

// The disk is full at every byte of a write: the old value stays, whole, and
// nothing is left behind.
func TestFullAtEveryByte(t *testing.T) {
	if os.Getenv(fullChild) == "" { // the limit is a process's, and testing has a log file of its own
		cmd := exec.Command(os.Args[0], "-test.run=^TestFullAtEveryByte$", "-test.v")
		cmd.Env = append(os.Environ(), fullChild+"=1")
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s", out)
		require.Contains(t, string(out), "--- PASS: TestFullAtEveryByte")
		return
	}
	dir := t.TempDir()
	s := openDir(t, dir, Options{})
	old, body := []byte("old"), noise(1, 3*smallBlock+1)
	put(t, s, "k", old, store.Metadata{Size: 3, ETag: "0"})
	size := weigh(t, len(body)) - 1 // its key has a letter more
	before, open := s.Stats(), fds()
	for n := range int(size) {
		var err error
		limitFiles(t, n, func() { err = tryPut(s, "k", body, store.Metadata{Size: int64(len(body))}) })
		require.ErrorIs(t, err, syscall.EFBIG, "%d", n)
		require.Equal(t, before, s.Stats())
		_, staged := onDisk(t, dir)
		require.Zero(t, staged)
		requireEntry(t, s, "k", old)
	}
	for n := range len(body) { // what did reach it is there for those who follow
		w, err := s.Create(ctx, "k", store.Metadata{Size: int64(len(body))})
		require.NoError(t, err)
		w.(store.StagedHolder).Hold()
		written := 0
		limitFiles(t, n, func() { written, err = w.Write(body) })
		require.ErrorIs(t, err, syscall.EFBIG)
		require.Equal(t, n, written)
		requireStaged(t, w, body[:n])
		require.ErrorIs(t, w.Commit(ctx), syscall.EFBIG)
		requireStaged(t, w, body[:n])
		w.(store.StagedHolder).Release()
	}
	name := filepath.Join(dir, nameOf("k"))
	want, err := os.ReadFile(name)
	require.NoError(t, err)
	for n := len(want); n < len(want)+headSize+footerSize+100; n++ { // and of a 304
		limitFiles(t, n, func() { err = s.UpdateMetadata(ctx, "k", 0, store.Metadata{ETag: "1"}) })
		require.ErrorIs(t, err, syscall.EFBIG, "%d", n)
		got, err := os.ReadFile(name)
		require.NoError(t, err)
		require.Equal(t, want, got)
		require.Equal(t, "0", requireEntry(t, s, "k", old).ETag)
	}
	require.Equal(t, before, s.Stats())
	require.Equal(t, open, fds())
	require.NoError(t, s.Close())
	require.Equal(t, "0", requireEntry(t, openDir(t, dir, Options{}), "k", old).ETag)
}
