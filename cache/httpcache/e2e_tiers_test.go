package httpcache

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/daramjwee/daramjwee/cache"
	"github.com/daramjwee/daramjwee/cache/store"
	"github.com/stretchr/testify/require"
)

func restart(t *testing.T, w *world) {
	w.origin.says("Cache-Control", "max-age=3600", "X-A", "1")
	w.get("/a")
	until(t, "persisted", func() bool { return w.cache.Stats().Persists == 1 })
	w.restarted()
	for _, tier := range []string{"tier-1", "tier-0"} {
		res := w.get("/a")
		require.True(t, res.hit())
		require.Equal(t, tier, res.is("detail"))
		require.Equal(t, "1", res.Header.Get("X-A"))
		require.True(t, res.body == w.origin.body("/a"))
	}
	require.EqualValues(t, 1, w.cache.Stats().Promotes)
	require.EqualValues(t, 1, w.origin.asked.Load())
}

// What is asked for once stays on the disk.
func oneHitWonders(t *testing.T, w *world) {
	w.origin.says("Cache-Control", "max-age=3600")
	w.get("/wonder")
	w.get("/again")
	until(t, "persisted", func() bool { return w.cache.Stats().Persists == 2 })
	w.options = []cache.Option{cache.WithPromoteWithin(time.Hour)}
	w.restarted()
	w.get("/wonder")
	for _, tier := range []string{"tier-1", "tier-1", "tier-0"} {
		require.Equal(t, tier, w.get("/again").is("detail"))
	}
	s := w.cache.Stats()
	require.EqualValues(t, 1, s.Promotes)
	require.EqualValues(t, 2, s.PromotesDeferred)
	require.EqualValues(t, 1, w.memory.Stats().Entries)
	require.EqualValues(t, 2, w.origin.asked.Load())
}

// What memory has no room for goes to the disk, and the smaller entries stay.
func secondTier(t *testing.T, w *world) {
	w.origin.says("Cache-Control", "max-age=3600")
	w.get("/small")
	w.origin.size.Store(2 * memoryLimit)
	for _, chunked := range []bool{false, true} {
		w.origin.chunked.Store(chunked)
		target := fmt.Sprintf("/large?chunked=%v", chunked)
		for i := range 2 {
			res := w.get(target)
			require.Equal(t, i == 1, res.hit())
			require.True(t, res.body == w.origin.body(target))
			if i == 1 {
				require.Equal(t, "tier-1", res.is("detail"))
			}
		}
	}
	require.EqualValues(t, 3, w.origin.asked.Load())
	w.origin.size.Store(0)
	require.Equal(t, "tier-0", w.get("/small").is("detail"))
}

// What rots on the disk is whole to the client who finds it, and gone after him.
func damagedFile(t *testing.T, w *world) {
	w.origin.says("Cache-Control", "max-age=3600")
	w.origin.size.Store(memoryLimit + 100_000)
	for _, chunked := range []bool{false, true} {
		w.origin.chunked.Store(chunked)
		target := fmt.Sprintf("/large?chunked=%v", chunked)
		before := w.cache.Stats()
		for i, hit := range []bool{false, true, true, false, true} {
			if i == 2 {
				w.damage(memoryLimit)
			}
			res := w.get(target)
			require.Equal(t, hit, res.hit(), "%d", i)
			require.True(t, res.body == w.origin.body(target), "%d", i)
		}
		after := w.cache.Stats()
		require.EqualValues(t, 1, after.Resumes-before.Resumes)
		require.EqualValues(t, 1, after.Tiers[1].Errors-before.Tiers[1].Errors)
		require.Zero(t, after.ResumeFailures)
		require.NoError(t, w.cache.Delete(t.Context(), w.originURL+target))
	}
	require.EqualValues(t, 2, w.disk.Stats().Corrupt)
	require.EqualValues(t, 6, w.origin.asked.Load())
}

// The client who finds the damage asks the origin beside the refresh that he began.
func damagedAndStale(t *testing.T, w *world) {
	w.origin.says("Cache-Control", "max-age=10, stale-while-revalidate=1000", "Age", "11")
	w.origin.size.Store(memoryLimit + 100_000)
	w.get("/large")
	w.damage(memoryLimit)
	stale := w.get("/large")
	require.True(t, stale.hit())
	require.Equal(t, "-1", stale.is("ttl"))
	require.True(t, stale.body == w.origin.body("/large"))
	require.EqualValues(t, 1, w.cache.Stats().Resumes)
	until(t, "refreshed", func() bool { s := w.cache.Stats(); return s.Refreshes+s.RefreshFailures == 1 })
}

// damage changes a byte of each file that has so many.
func (w *world) damage(at int64) {
	w.t.Helper()
	files, err := filepath.Glob(filepath.Join(w.dir, "*"))
	require.NoError(w.t, err)
	damaged := 0
	for _, name := range files {
		if info, err := os.Stat(name); err != nil || info.IsDir() || info.Size() <= at {
			continue
		}
		fd, err := os.OpenFile(name, os.O_RDWR, 0)
		require.NoError(w.t, err)
		b := make([]byte, 1)
		_, err = fd.ReadAt(b, at)
		require.NoError(w.t, err)
		_, err = fd.WriteAt([]byte{b[0] ^ 1}, at)
		require.NoError(w.t, err)
		require.NoError(w.t, fd.Close())
		damaged++
	}
	require.Equal(w.t, 1, damaged)
}

// set stores what no origin sent.
func (w *world) set(target, etag, body string) error {
	m := store.Metadata{ETag: etag, Size: int64(len(body)), Header: store.NewHeader("Content-Type", "text/x", "Etag", etag)}
	writer, err := w.cache.Set(w.t.Context(), w.originURL+target, m)
	if err != nil {
		return err
	}
	defer writer.Abort()
	if _, err := io.WriteString(writer, body); err != nil {
		return err
	}
	return writer.Commit(w.t.Context())
}

func setAndGet(t *testing.T, w *world) {
	for _, value := range []string{"one", strings.Repeat("two", 100_000), ""} {
		require.NoError(t, w.set("/a", `"`+value[:min(3, len(value))]+`"`, value))
		res := w.get("/a")
		require.True(t, res.hit())
		require.True(t, res.body == value)
		require.Equal(t, "text/x", res.Header.Get("Content-Type"))
	}
	require.Zero(t, w.origin.asked.Load())
}

// Writers of one key at once: readers see one value or another, and all tiers come
// to hold the last one.
func concurrentSets(t *testing.T, w *world) {
	value := func(i int) string { return strings.Repeat(fmt.Sprintf("%03d;", i), 5_000) }
	require.NoError(t, w.set("/a", `"000"`, value(0)))
	w.atOnce(16, func(i int) error {
		for n := 1; n <= 10; n++ {
			if i < 8 {
				id := i*20 + n
				if err := w.set("/a", fmt.Sprintf(`"%03d"`, id), value(id)); err != nil && !errors.Is(err, cache.ErrSuperseded) {
					return err
				}
				continue
			}
			body, res, err := w.try("/a")
			if err != nil {
				return err
			}
			var id int
			if _, err := fmt.Sscanf(res.Header.Get("Etag"), `"%03d"`, &id); err != nil || body != value(id) {
				return fmt.Errorf("%d bytes that are not those of %s", len(body), res.Header.Get("Etag"))
			}
		}
		return nil
	})
	require.Zero(t, w.origin.asked.Load())
	key := w.originURL + "/a"
	last, err := w.memory.Stat(t.Context(), key)
	require.NoError(t, err)
	until(t, "persisted", func() bool {
		m, err := w.disk.Stat(t.Context(), key)
		return err == nil && m.Generation == last.Generation && m.ETag == last.ETag
	})
	w.restarted()
	require.Equal(t, last.ETag, w.get("/a").Header.Get("Etag"))
}

// Keys that no file name could be find their files again.
func strangeKeys(t *testing.T, w *world) {
	w.origin.says("Cache-Control", "max-age=3600")
	w.origin.size.Store(10_000)
	targets := []string{
		"/", "/?", "/?a", "//", "/a", "/A", "/a/", "/a%2F", "/a%2f", "/../../etc/passwd", "/..%2f..%2fetc%2fpasswd", "/.", "/%00", "/%0d%0a",
		"/a%20b", "/%E2%82%AC", "/%ff", "/CON", "/a:b", "/a*b", "/tmp-1", "/a?x=%2F&y", "/a?x=/&y", "/" + strings.Repeat("long/", 1000),
	}
	for i, target := range targets {
		res := w.get(target)
		require.False(t, res.hit(), target)
		require.True(t, res.body == w.origin.body(target), target)
		until(t, "persisted", func() bool { return w.cache.Stats().Persists == int64(i+1) })
	}
	w.restarted()
	for _, target := range targets {
		res := w.get(target)
		require.Equal(t, "tier-1", res.is("detail"), target)
		require.True(t, res.body == w.origin.body(target), target)
	}
	require.EqualValues(t, len(targets), w.origin.asked.Load())
}
