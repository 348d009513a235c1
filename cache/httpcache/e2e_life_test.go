package httpcache

import (
	"net/http"
	"testing"

	"github.com/daramjwee/daramjwee/cache/store"
	"github.com/stretchr/testify/require"
)

// The origin's Age makes an entry stale as it arrives: no test here waits for one
// to get old.

func coldAndHot(t *testing.T, w *world) {
	w.origin.says("Cache-Control", "max-age=3600", "X-A", "1")
	for _, chunked := range []bool{false, true} {
		w.origin.chunked.Store(chunked)
		target := map[bool]string{false: "/length", true: "/chunked"}[chunked]
		asked := w.origin.asked.Load()
		cold := w.get(target)
		require.Equal(t, "uri-miss", cold.is("fwd"))
		require.Equal(t, "true", cold.is("stored"))
		for range 3 {
			hot := w.get(target)
			require.True(t, hot.hit())
			require.Equal(t, "tier-0", hot.is("detail"))
			require.True(t, hot.body == cold.body && hot.body == w.origin.body(target))
			require.EqualValues(t, len(hot.body), hot.ContentLength)
			require.Equal(t, "1", hot.Header.Get("X-A"))
			require.NotEmpty(t, hot.Header.Get("Age"))
		}
		require.Equal(t, asked+1, w.origin.asked.Load())
	}
}

func conditional(t *testing.T, w *world) {
	w.origin.says("Cache-Control", "no-cache")
	w.get("/a")
	for range 2 {
		res := w.get("/a")
		require.Equal(t, "304", res.is("fwd-status"))
		require.True(t, res.body == w.origin.body("/a"))
	}
	res := w.get("/a", "If-None-Match", w.origin.etag())
	require.Equal(t, http.StatusNotModified, res.StatusCode)
	require.Empty(t, res.body)
	require.EqualValues(t, 4, w.origin.asked.Load())
	require.EqualValues(t, 1, w.origin.full.Load(), "one body in all")
	w.origin.version.Add(1)
	require.True(t, w.get("/a", "If-None-Match", `"v0"`).body == w.origin.body("/a"))
	require.EqualValues(t, 2, w.origin.full.Load())
}

func negative(t *testing.T, w *world) {
	w.origin.status.Store(http.StatusNotFound)
	w.origin.says("Cache-Control", "max-age=3600")
	for i := range 3 {
		res := w.get("/fresh")
		require.Equal(t, http.StatusNotFound, res.StatusCode)
		require.Equal(t, i > 0, res.hit())
	}
	require.EqualValues(t, 1, w.origin.asked.Load())

	w.origin.says("Cache-Control", "max-age=10, stale-while-revalidate=0", "Age", "11")
	require.Equal(t, http.StatusNotFound, w.get("/expired").StatusCode)
	w.origin.status.Store(0)
	res := w.get("/expired")
	require.Equal(t, "stale", res.is("fwd"))
	require.True(t, res.body == w.origin.body("/expired"), "it is there by now")
	require.Equal(t, http.StatusNotFound, w.get("/fresh").StatusCode)
}

func deleted(t *testing.T, w *world) {
	for _, how := range []string{"Delete", "DELETE"} {
		target := "/" + how
		w.get(target)
		key := w.originURL + target
		until(t, "persisted", func() bool { _, err := w.disk.Stat(t.Context(), key); return err == nil })
		w.origin.version.Add(1)
		require.True(t, w.get(target).hit())
		if how == "Delete" {
			require.NoError(t, w.cache.Delete(t.Context(), key))
		} else {
			read(t, w.send(w.request("DELETE", target)))
		}
		for _, tier := range []store.Store{w.memory, w.disk} {
			_, err := tier.Stat(t.Context(), key)
			require.ErrorIs(t, err, store.ErrNotFound)
		}
		res := w.get(target)
		require.Equal(t, "uri-miss", res.is("fwd"))
		require.True(t, res.body == w.origin.body(target))
	}
}

func originDown(t *testing.T, w *world) {
	w.origin.says("Cache-Control", "max-age=3600")
	w.get("/fresh")
	w.origin.says("Cache-Control", "max-age=10, stale-while-revalidate=0, stale-if-error=1000", "Age", "11")
	w.get("/stale")
	w.origin.says("Cache-Control", "max-age=10, stale-while-revalidate=0, stale-if-error=0", "Age", "11")
	w.get("/strict")
	full := w.origin.full.Load()
	w.stopOrigin()
	for range 2 {
		require.True(t, w.get("/fresh").hit())
		stale := w.get("/stale")
		require.True(t, stale.hit())
		require.Equal(t, "tier-0; stale-if-error", stale.is("detail"))
		require.True(t, stale.body == w.origin.body("/stale"))
		require.Equal(t, http.StatusPartialContent, w.get("/fresh", "Range", "bytes=0-3").StatusCode)
		for _, target := range []string{"/strict", "/unknown"} {
			require.Equal(t, http.StatusBadGateway, w.get(target).StatusCode, target)
		}
	}
	require.Equal(t, full, w.origin.full.Load())
}

func staleThenFresh(t *testing.T, w *world) {
	w.origin.says("Cache-Control", "max-age=10, stale-while-revalidate=1000", "Age", "11")
	old := w.get("/a").body
	w.origin.says("Cache-Control", "max-age=3600")
	w.origin.version.Add(1)
	stale := w.get("/a")
	require.True(t, stale.hit())
	require.Equal(t, "-1", stale.is("ttl"))
	require.True(t, stale.body == old)
	until(t, "refreshed", func() bool { return w.cache.Stats().Refreshes == 1 })
	fresh := w.get("/a")
	require.True(t, fresh.hit())
	require.True(t, fresh.body == w.origin.body("/a"))
	require.EqualValues(t, 2, w.origin.asked.Load())
}
