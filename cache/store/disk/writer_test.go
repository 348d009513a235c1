package disk

import (
	"bytes"
	"io"
	"os"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/daramjwee/daramjwee/cache/store"
)

func TestSizeMismatch(t *testing.T) {
	s := openDir(t, t.TempDir(), Options{})
	put(t, s, "k", []byte("old"), unknown)
	for _, n := range []int{0, 9, 11, 500} {
		w, err := s.Create(ctx, "k", store.Metadata{Size: 10})
		require.NoError(t, err)
		_, err = w.Write(make([]byte, n))
		require.NoError(t, err)
		require.ErrorIs(t, w.Commit(ctx), store.ErrIncomplete)
		require.NoError(t, w.Abort())
	}
	requireEntry(t, s, "k", []byte("old"))
	require.Zero(t, s.Stats().StagedBytes)
	_, staged := onDisk(t, s.dir)
	require.Zero(t, staged)
}

func TestNothingIsVisibleBeforeCommit(t *testing.T) {
	s := openDir(t, t.TempDir(), Options{})
	w, err := s.Create(ctx, "k", unknown)
	require.NoError(t, err)
	for range 3 {
		_, err = w.Write(noise(1, 50))
		require.NoError(t, err)
		requireMiss(t, s, "k")
		require.Empty(t, keys(s))
	}
	require.NoError(t, w.Commit(ctx))
	require.EqualValues(t, 150, requireEntry(t, s, "k", bytes.Repeat(noise(1, 50), 3)).Size)
}

func TestWriterAfterItsEnd(t *testing.T) {
	s := openDir(t, t.TempDir(), Options{})
	for _, commit := range []bool{true, false} {
		w, err := s.Create(ctx, "k", unknown)
		require.NoError(t, err)
		if commit {
			require.NoError(t, w.Commit(ctx))
		} else {
			require.NoError(t, w.Abort())
		}
		_, err = w.Write([]byte("x"))
		require.ErrorIs(t, err, store.ErrClosed)
		_, err = w.(store.StagedReader).ReadAt(make([]byte, 1), 0)
		require.ErrorIs(t, err, store.ErrClosed)
		require.ErrorIs(t, w.Commit(ctx), store.ErrClosed)
		require.NoError(t, w.Abort())
		require.ErrorIs(t, w.(*writer).fd.Close(), os.ErrClosed)
		requireEntry(t, s, "k", nil)
	}
	require.Empty(t, s.writers)
}

func TestLastCommitWins(t *testing.T) {
	s := openDir(t, t.TempDir(), Options{})
	var ws []store.Writer
	for range 5 {
		w, err := s.Create(ctx, "k", unknown)
		require.NoError(t, err)
		ws = append(ws, w)
	}
	for i, w := range ws {
		_, err := w.Write([]byte{byte(i)})
		require.NoError(t, err)
	}
	for _, i := range []int{3, 0, 4, 1, 2} {
		require.NoError(t, ws[i].Commit(ctx))
		requireEntry(t, s, "k", []byte{byte(i)})
		sizes(t, s)
	}
}

func TestStagedReader(t *testing.T) {
	s := openDir(t, t.TempDir(), Options{})
	w, err := s.Create(ctx, "k", unknown)
	require.NoError(t, err)
	body := noise(1, 10_000)
	r := w.(store.StagedReader)
	var wg sync.WaitGroup
	for range 4 { // followers at their own pace
		wg.Go(func() {
			p := make([]byte, 333)
			for off := 0; off < len(body); {
				n, err := r.ReadAt(p, int64(off))
				if n < len(p) && err != io.EOF || !bytes.Equal(p[:n], body[off:off+n]) {
					t.Errorf("at %d: %d bytes, %v", off, n, err)
					return
				}
				off += n
			}
		})
	}
	for b := body; len(b) > 0; b = b[100:] {
		_, err := w.Write(b[:100])
		require.NoError(t, err)
	}
	wg.Wait()
	_, err = r.ReadAt(make([]byte, 1), -1)
	require.Error(t, err)
	n, err := r.ReadAt(make([]byte, 1), 1<<40)
	require.Zero(t, n)
	require.Equal(t, io.EOF, err)
	require.NoError(t, w.Commit(ctx))
	requireEntry(t, s, "k", body)
}

// A follower that is inside when the writer ends keeps the file until it is out.
func TestFollowerOutlivesCommit(t *testing.T) {
	s := openDir(t, t.TempDir(), Options{})
	for _, commit := range []bool{true, false} {
		w, err := s.Create(ctx, "k", unknown)
		require.NoError(t, err)
		x := w.(*writer)
		require.True(t, x.fence.Enter())
		if commit {
			require.NoError(t, w.Commit(ctx))
		} else {
			require.NoError(t, w.Abort())
		}
		_, err = x.fd.Stat()
		require.NoError(t, err)
		x.leave()
		_, err = x.fd.Stat()
		require.ErrorIs(t, err, os.ErrClosed)
		_, staged := onDisk(t, s.dir)
		require.Zero(t, staged)
		require.Empty(t, s.writers)
		requireEntry(t, s, "k", nil)
	}
}

// A file that cannot be written to aborts, wherever it is noticed.
func TestWriteErrors(t *testing.T) {
	s := openDir(t, t.TempDir(), Options{})
	put(t, s, "k", []byte("old"), unknown)
	before := s.Stats()
	fail := func() *writer {
		w, err := s.Create(ctx, "k", unknown)
		require.NoError(t, err)
		_, err = w.Write([]byte("new"))
		require.NoError(t, err)
		require.NoError(t, w.(*writer).fd.Close())
		return w.(*writer)
	}
	w := fail()
	_, err := w.Write([]byte("er"))
	require.ErrorIs(t, err, os.ErrClosed)
	_, err = w.Write(nil)
	require.ErrorIs(t, err, os.ErrClosed, "bytes are missing")
	require.ErrorIs(t, w.Commit(ctx), os.ErrClosed)
	require.ErrorIs(t, w.Commit(ctx), store.ErrClosed)
	w = fail()
	require.ErrorIs(t, w.Commit(ctx), os.ErrClosed)
	require.NoError(t, w.Abort())
	require.Error(t, fail().Abort())

	require.NoError(t, os.Mkdir(s.dir+"/"+nameOf("taken"), 0o700)) // the rename fails
	require.Error(t, tryPut(s, "taken", []byte("x"), unknown))
	requireMiss(t, s, "taken")

	require.Equal(t, before, s.Stats())
	_, staged := onDisk(t, s.dir)
	require.Zero(t, staged)
	requireEntry(t, s, "k", []byte("old"))
}

func TestEmptiedDirectory(t *testing.T) {
	s := openDir(t, t.TempDir(), Options{})
	require.NoError(t, os.Remove(s.dir+"/"+stageDir))
	put(t, s, "k", []byte("body"), unknown)
	requireEntry(t, s, "k", []byte("body"))
}

func TestClosedStore(t *testing.T) {
	dir := t.TempDir()
	s := openDir(t, dir, Options{})
	put(t, s, "k", []byte("old"), unknown)
	w, err := s.Create(ctx, "k", unknown)
	require.NoError(t, err)
	_, err = w.Write([]byte("new"))
	require.NoError(t, err)
	require.NoError(t, s.Close())
	_, staged := onDisk(t, dir)
	require.Zero(t, staged)

	again := openDir(t, dir, Options{}) // and nothing of the first one gets in its way
	other, err := again.Create(ctx, "other", unknown)
	require.NoError(t, err)
	_, err = w.Write([]byte("er"))
	require.ErrorIs(t, err, store.ErrClosed)
	require.ErrorIs(t, w.Commit(ctx), store.ErrClosed)
	require.NoError(t, w.Abort())
	_, err = s.Open(ctx, "k")
	require.ErrorIs(t, err, store.ErrClosed)
	_, err = s.Create(ctx, "k", unknown)
	require.ErrorIs(t, err, store.ErrClosed)
	_, err = s.Stat(ctx, "k")
	require.ErrorIs(t, err, store.ErrClosed)
	require.ErrorIs(t, s.Delete(ctx, "k"), store.ErrClosed)
	require.ErrorIs(t, s.UpdateMetadata(ctx, "k", 0, unknown), store.ErrClosed)
	require.NoError(t, other.Commit(ctx))
	requireEntry(t, again, "other", nil)
	requireEntry(t, again, "k", []byte("old"))
}
