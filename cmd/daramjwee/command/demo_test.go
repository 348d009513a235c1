package command

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestDemoObjects(t *testing.T) {
	h := demoHandler()
	ask := func(path, etag string) *http.Response {
		r := httptest.NewRequest("GET", path, nil)
		r.Header.Set("If-None-Match", etag)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Result()
	}
	for _, o := range demoObjects {
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			res := ask(o.path, "")
			require.Equal(t, demoDelay, time.Since(start), "a hit must be visibly faster")
			require.Equal(t, http.StatusOK, res.StatusCode)
			require.NotEmpty(t, res.Header.Get("Etag"))
			require.Contains(t, res.Header.Get("Cache-Control"), "max-age")
			n, err := io.Copy(io.Discard, res.Body)
			require.NoError(t, err)
			require.Equal(t, o.size, n)
			require.EqualValues(t, n, res.ContentLength)
			require.Equal(t, http.StatusNotModified, ask(o.path, res.Header.Get("Etag")).StatusCode)
		})
	}
	require.Equal(t, http.StatusNotFound, ask("/none", "").StatusCode)
	index, err := io.ReadAll(ask("/", "").Body)
	require.NoError(t, err)
	require.Len(t, strings.Fields(string(index)), len(demoObjects))
}

func TestVerseReadsTheSameAtEveryOffset(t *testing.T) {
	all := make([]byte, 3*len(verse))
	_, err := pangram{}.ReadAt(all, 0)
	require.NoError(t, err)
	require.Equal(t, strings.Repeat(verse, 3), string(all))
	for off := range len(verse) {
		var p [5]byte
		_, err := pangram{}.ReadAt(p[:], int64(off))
		require.NoError(t, err)
		require.Equal(t, all[off:off+5], p[:])
	}
}

// TestServeWithoutAnOrigin is what a newcomer does first, twice: the second start
// finds the entries of the first on disk, though the demo's port is another.
func TestServeWithoutAnOrigin(t *testing.T) {
	dir := t.TempDir()
	for start, first := range []string{"fwd=uri-miss", "detail=tier-1"} {
		s := serveInProcess(t, "--dir", dir)
		for _, o := range demoObjects {
			want := make([]byte, o.size)
			pangram{}.ReadAt(want, 0)
			for _, status := range []string{first, "daramjwee;hit;"} {
				body, got := get(t, s.url+o.path)
				require.True(t, bytes.Equal(want, body))
				require.Contains(t, got, status)
			}
		}
		st := s.statistics(t)
		require.EqualValues(t, len(demoObjects)*(1-start), st.Cache.Fetches)
		require.Equal(t, "syncpool", st.Cache.Strategy)
		require.NotZero(t, st.Go["HeapBytes"])
		require.NotZero(t, st.Go["AllocatedBytes"])
		require.NotNil(t, st.Memory)
		require.NotNil(t, st.Disk)
		require.Zero(t, s.stop(), s.log)
		require.Contains(t, s.log.String(), fmt.Sprint("hits=", st.Cache.Hits))
		require.NotContains(t, s.log.String(), "level=WARN")
		require.NotContains(t, s.log.String(), "level=ERROR")
	}
}

func TestGreeting(t *testing.T) {
	s := &settings{memoryMax: 64 << 20, diskMax: 1 << 30, diskDir: t.TempDir(), listen: "127.0.0.1:0", admin: "127.0.0.1:0"}
	s.cache = defaults().cache
	srv, err := start(s, discard)
	require.NoError(t, err)
	defer srv.stop()
	var text strings.Builder
	srv.greet(&text, "Memory limit: none")
	url := "http://" + srv.listener.Addr().String()
	require.Contains(t, text.String(), "Serving "+url+" in front of a built-in demo at http://127.0.0.1:")
	require.Contains(t, text.String(), "Statistics: http://"+srv.adminListener.Addr().String()+"/stats\n")
	require.Contains(t, text.String(), "Memory tier: 64MiB\nDisk tier: 1GiB in "+s.diskDir+"\n")
	require.Equal(t, 3, strings.Count(text.String(), "\n  curl "), text.String())
	for _, o := range demoObjects {
		require.Contains(t, text.String(), fmt.Sprintf(`-w '%%{time_total}s  %%header{cache-status}\n' %s%s`, url, o.path))
	}
}
