package httpcache

import (
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/daramjwee/daramjwee/cache"
	"github.com/daramjwee/daramjwee/cache/store"
	"github.com/daramjwee/daramjwee/cache/store/memory"
	"github.com/stretchr/testify/require"
)

// A client's conditions are answered by the cache, and never become the fill's.
func TestClientConditions(t *testing.T) {
	modified := httpDate(noon)
	origin := says("body", "Etag", `"a"`, "Last-Modified", modified, "Content-Encoding", "x", "Content-Language", "ko",
		"Content-Type", "a/b", "Vary", "Accept-Encoding", "X-A", "1", "Cache-Control", "max-age=60")
	s := newSite(t, origin)
	fill := s.get("/a", "If-None-Match", `"other"`, "If-Modified-Since", modified)
	require.Equal(t, http.StatusOK, fill.StatusCode)
	require.Equal(t, "body", fill.body)
	require.False(t, has(s.lastAsked().Header, "If-None-Match", "If-Modified-Since"))

	for _, match := range [][]string{
		{"If-None-Match", `"a"`}, {"If-None-Match", `"b", W/"a"`}, {"If-None-Match", "*"}, {"If-Modified-Since", modified},
	} {
		res := s.get("/a", match...)
		require.Equal(t, http.StatusNotModified, res.StatusCode, match)
		require.True(t, res.hit())
		require.Empty(t, res.body)
		require.Equal(t, `"a"`, res.Header.Get("Etag"))
		require.Equal(t, "max-age=60", res.Header.Get("Cache-Control"))
		require.Equal(t, "Accept-Encoding", res.Header.Get("Vary"))
		require.NotEmpty(t, res.Header.Get("Date"))
		require.NotEmpty(t, res.Header.Get("Age"))
		require.False(t, has(res.Header, "Content-Type", "Content-Length", "Content-Encoding", "Content-Language", "Last-Modified"))
	}
	for _, differ := range [][]string{
		{"If-None-Match", `"b"`}, {"If-None-Match", `"b"`, "If-Modified-Since", modified}, {"If-Modified-Since", httpDate(noon.Add(-1e9))},
	} {
		require.Equal(t, http.StatusOK, s.get("/a", differ...).StatusCode, differ)
	}
	require.Equal(t, 1, s.asks())
}

// A client whose copy is current fills the cache for the next one all the same.
func TestNotModifiedFills(t *testing.T) {
	s := newSite(t, says("body", "Etag", `"a"`))
	res := s.get("/a", "If-None-Match", `"a"`)
	require.Equal(t, http.StatusNotModified, res.StatusCode)
	require.Equal(t, "true", res.is("stored"))
	hit := s.get("/a")
	require.True(t, hit.hit())
	require.Equal(t, "body", hit.body)
}

// No entry is read just because a client has it already.
func TestNotModifiedDoesNotPromote(t *testing.T) {
	var tiers []store.Store
	for range 2 {
		tier, err := memory.New(memory.Options{MaxBytes: 1 << 20})
		require.NoError(t, err)
		tiers = append(tiers, tier)
	}
	s := newSite(t, nil, cache.WithTiers(tiers...), cache.WithFinish(-1, 100)) // a promote that is left is aborted
	w, err := tiers[1].Create(t.Context(), "http://origin.test/base/a", store.Metadata{ETag: `"a"`, StoredAt: time.Now(), Size: 3, Generation: 1})
	require.NoError(t, err)
	_, err = w.Write([]byte("far"))
	require.NoError(t, err)
	require.NoError(t, w.Commit(t.Context()))
	require.Equal(t, http.StatusNotModified, s.get("/a", "If-None-Match", `"a"`).StatusCode)
	require.Zero(t, s.cache.Stats().Promotes)
	require.Equal(t, "far", s.get("/a").body)
	require.EqualValues(t, 1, s.cache.Stats().Promotes)
}

// What is not stored is still not sent to a client that has it.
func TestNotModifiedOfUnstored(t *testing.T) {
	body := &closeRecorder{}
	s := newSite(t, nil)
	s.over(roundTripperFunc(func(r *http.Request) (*http.Response, error) {
		res := answerOf(says("body", "Etag", `"a"`, "Cache-Control", "private", "Set-Cookie", "c=d", "Content-Type", "a/b"), r)
		body.ReadCloser, body.closed = res.Body, false
		res.Body = body
		return res, nil
	}))
	res := s.get("/a", "If-None-Match", `"a"`)
	require.Equal(t, http.StatusNotModified, res.StatusCode)
	require.Equal(t, "200", res.is("fwd-status"))
	require.Equal(t, "c=d", res.Header.Get("Set-Cookie"))
	require.Empty(t, res.body)
	require.False(t, has(res.Header, "Content-Type", "Content-Length"))
	require.True(t, body.closed)
	require.Equal(t, "body", s.get("/a", "If-None-Match", `"b"`).body)
	require.True(t, body.closed)
}

type closeRecorder struct {
	io.ReadCloser
	closed bool
}

func (c *closeRecorder) Close() error {
	c.closed = true
	return c.ReadCloser.Close()
}
