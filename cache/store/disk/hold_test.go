package disk

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/daramjwee/daramjwee/cache/store"
)

func requireStaged(t *testing.T, w store.Writer, body []byte) {
	t.Helper()
	p := make([]byte, len(body)+1)
	n, err := w.(store.StagedReader).ReadAt(p, 0)
	require.Equal(t, io.EOF, err)
	require.True(t, bytes.Equal(body, p[:n]), "%d bytes of %d", n, len(body))
}

func requireReleased(t *testing.T, w store.Writer) {
	t.Helper()
	n, err := w.(store.StagedReader).ReadAt(make([]byte, 1), 0)
	require.Zero(t, n)
	require.Equal(t, store.ErrClosed, err)
	require.ErrorIs(t, w.(*writer).fd.Close(), os.ErrClosed)
}

// held returns a writer that is held and has staged body.
func held(t *testing.T, s *Store, key string, m store.Metadata, body []byte) store.Writer {
	t.Helper()
	w, err := s.Create(ctx, key, m)
	require.NoError(t, err)
	w.(store.StagedHolder).Hold()
	_, err = w.Write(body)
	require.NoError(t, err)
	requireStaged(t, w, body)
	return w
}

// What a held writer staged is read on after its end, whatever becomes of the
// entry, and no longer than until the Release.
func TestHold(t *testing.T) {
	const n = 5*smallBlock + 3
	body := noise(1, n)
	limit := 3 * weigh(t, n)
	for name, end := range map[string]func(s *Store, w store.Writer) error{
		"abort":  func(s *Store, w store.Writer) error { return w.Abort() },
		"commit": func(s *Store, w store.Writer) error { return w.Commit(ctx) },
		"replace": func(s *Store, w store.Writer) error {
			require.NoError(t, w.Commit(ctx))
			return tryPut(s, "k", noise(2, n+50), unknown)
		},
		"delete": func(s *Store, w store.Writer) error {
			require.NoError(t, w.Commit(ctx))
			return s.Delete(ctx, "k")
		},
		"evict": func(s *Store, w store.Writer) error {
			require.NoError(t, w.Commit(ctx))
			return tryPut(s, "big", noise(2, 3*n), store.Metadata{Size: 3 * n})
		},
		"update": func(s *Store, w store.Writer) error {
			require.NoError(t, w.Commit(ctx))
			return s.UpdateMetadata(ctx, "k", 0, store.Metadata{ETag: "2"})
		},
		"close": func(s *Store, w store.Writer) error { return s.Close() },
	} {
		for _, m := range []store.Metadata{unknown, {Size: n}} {
			t.Run(fmt.Sprintf("%s/size=%d", name, m.Size), func(t *testing.T) {
				s := openDir(t, t.TempDir(), Options{MaxBytes: limit})
				w := held(t, s, "k", m, body)
				require.NoError(t, end(s, w))
				requireStaged(t, w, body)
				_, staged := onDisk(t, s.dir)
				require.Zero(t, staged, "the name goes with the end")
				require.Empty(t, s.writers)
				require.Zero(t, s.Stats().StagedBytes)
				require.Zero(t, s.promised)

				_, err := w.Write([]byte("x"))
				require.ErrorIs(t, err, store.ErrClosed, "held or not, the writer has ended")
				require.ErrorIs(t, w.Commit(ctx), store.ErrClosed)
				require.NoError(t, w.Abort())
				requireStaged(t, w, body)
				w.(store.StagedHolder).Release()
				requireReleased(t, w)
				w.(store.StagedHolder).Release()
				require.Zero(t, s.Stats().PinnedBytes)
			})
		}
	}
}

func TestReleaseBeforeTheEnd(t *testing.T) {
	s := openDir(t, t.TempDir(), Options{})
	for _, commit := range []bool{true, false} {
		w := held(t, s, "k", unknown, []byte("body"))
		w.(store.StagedHolder).Release()
		requireStaged(t, w, []byte("body"))
		if commit {
			require.NoError(t, w.Commit(ctx))
		} else {
			require.NoError(t, w.Abort())
		}
		requireReleased(t, w)
		w.(store.StagedHolder).Hold() // too late
		requireReleased(t, w)
		require.Zero(t, s.Stats().PinnedBytes)
		requireEntry(t, s, "k", []byte("body"))
	}
}

// Room is given back by the end and not by the Release; what the index does not
// count is pinned.
func TestHeldAccounting(t *testing.T) {
	const n = 300
	weight := weigh(t, n)
	s := openDir(t, t.TempDir(), Options{MaxBytes: 2 * weight})
	for _, m := range []store.Metadata{{Size: n}, unknown} {
		w := held(t, s, "aa", m, noise(1, 50))
		staged := s.Stats().StagedBytes
		require.Positive(t, staged)
		require.NoError(t, w.Abort())
		require.Equal(t, Stats{PinnedBytes: staged, MaxBytes: 2 * weight}, s.Stats())
		require.Zero(t, s.promised)
		w.(store.StagedHolder).Release()
		require.Equal(t, Stats{MaxBytes: 2 * weight}, s.Stats())
	}

	w := held(t, s, "aa", store.Metadata{Size: n}, noise(1, n))
	require.NoError(t, w.Commit(ctx))
	require.Equal(t, Stats{Entries: 1, Bytes: weight, MaxBytes: 2 * weight}, s.Stats())
	e, err := s.Open(ctx, "aa")
	require.NoError(t, err)
	require.NoError(t, s.Delete(ctx, "aa"))
	require.Equal(t, weight, s.Stats().PinnedBytes)
	w.(store.StagedHolder).Release()
	require.Equal(t, weight, s.Stats().PinnedBytes, "there is a reader")
	require.NoError(t, e.Close())
	require.Zero(t, s.Stats().PinnedBytes)
}

// A file that cannot be removed while it is open is removed when it is not.
func TestReleaseRemovesWhatAbortCouldNot(t *testing.T) {
	s := openDir(t, t.TempDir(), Options{})
	w := held(t, s, "k", unknown, []byte("body"))
	x := w.(*writer)
	name, away := x.temp, stageDir+"/away"
	require.NoError(t, s.root.Rename(name, away)) // stands in for a system that refuses
	require.NoError(t, w.Abort())
	requireStaged(t, w, []byte("body"))
	require.NoError(t, s.root.Rename(away, name))
	w.(store.StagedHolder).Release()
	_, staged := onDisk(t, s.dir)
	require.Zero(t, staged)
}

// A writer that has outgrown the tier serves what it staged until the Release.
func TestHeldAfterAFailure(t *testing.T) {
	s := openDir(t, t.TempDir(), Options{MaxBytes: 8 << 10})
	for _, commit := range []bool{true, false} {
		w := held(t, s, "k", unknown, []byte("body"))
		_, err := w.Write(make([]byte, 9<<10))
		require.ErrorIs(t, err, store.ErrTooLarge)
		requireStaged(t, w, []byte("body"))
		if commit {
			require.ErrorIs(t, w.Commit(ctx), store.ErrTooLarge)
		} else {
			require.NoError(t, w.Abort())
		}
		requireStaged(t, w, []byte("body"))
		w.(store.StagedHolder).Release()
		requireReleased(t, w)
		require.Equal(t, Stats{MaxBytes: 8 << 10}, s.Stats())
	}
}

// Followers read all of a held writer beside its end, the entry's removal and each
// other; stragglers still call ReadAt when it is released.
func TestHeldFollowers(t *testing.T) {
	s := openDir(t, t.TempDir(), Options{})
	body := noise(1, 5000)
	for round := range 20 {
		w, err := s.Create(ctx, "k", unknown)
		require.NoError(t, err)
		w.(store.StagedHolder).Hold()
		at := w.(store.StagedReader)
		var followers, stragglers sync.WaitGroup
		for range 3 {
			followers.Go(func() {
				p := make([]byte, 333)
				for off := 0; off < len(body); {
					n, err := at.ReadAt(p, int64(off))
					if err != nil && err != io.EOF || !bytes.Equal(body[off:off+n], p[:n]) {
						t.Errorf("at %d: %d bytes, %v", off, n, err)
						return
					}
					off += n
				}
			})
			stragglers.Go(func() {
				p := make([]byte, len(body))
				for {
					n, err := at.ReadAt(p, 0)
					if !bytes.Equal(body[:n], p[:n]) || err != nil && err != io.EOF && err != store.ErrClosed {
						t.Errorf("straggler: %d bytes, %v", n, err)
					}
					if err == store.ErrClosed {
						return
					}
				}
			})
		}
		for b := body; len(b) > 0; b = b[500:] {
			_, err := w.Write(b[:500])
			require.NoError(t, err)
		}
		if round%2 == 0 {
			require.NoError(t, w.Commit(ctx))
			require.NoError(t, s.Delete(ctx, "k"))
		} else {
			require.NoError(t, w.Abort())
		}
		followers.Wait()
		w.(store.StagedHolder).Release()
		stragglers.Wait()
		requireReleased(t, w)
		require.Equal(t, Stats{MaxBytes: defaultMaxBytes}, s.Stats())
	}
}

// Hold and Release allocate nothing.
func TestHoldAllocations(t *testing.T) {
	s := openDir(t, t.TempDir(), Options{})
	w := held(t, s, "k", unknown, []byte("body"))
	h := w.(store.StagedHolder)
	require.Zero(t, testing.AllocsPerRun(100, func() { h.Release(); h.Hold() }))
	require.NoError(t, w.Commit(ctx))
	require.Zero(t, testing.AllocsPerRun(1, h.Release))
}
