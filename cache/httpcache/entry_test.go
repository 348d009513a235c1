package httpcache

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/daramjwee/daramjwee/cache"
	"github.com/daramjwee/daramjwee/cache/store"
	"github.com/stretchr/testify/require"
)

func notFound(context.Context, *store.Metadata) (*cache.FetchResult, error) {
	return nil, cache.ErrNotFound
}

// An entry goes out as the origin sent it.
func TestHitReplaysTheAnswer(t *testing.T) {
	origin := says("body", "Content-Type", "a/b", "Etag", `W/"v"`, "Last-Modified", "not a date", "X-Many", "2", "X-Many", "1", "X-Many", "3",
		"Cache-Control", "max-age=60", "Cache-Status", "up;hit", "Connection", "X-Hop", "X-Hop", "1", "Keep-Alive", "5")
	s := newSite(t, origin)
	miss, hit := s.get("/a"), s.get("/a")
	require.Equal(t, 1, s.asks())
	require.Equal(t, "uri-miss", miss.is("fwd"))
	require.Equal(t, "true", miss.is("stored"))
	require.True(t, hit.hit())
	require.Equal(t, "", hit.is("fwd"))
	require.Equal(t, "tier-0", hit.is("detail"))
	require.Contains(t, []string{"59", "60"}, hit.is("ttl"))
	for _, res := range []*answered{miss, hit} {
		require.Equal(t, http.StatusOK, res.StatusCode)
		require.Equal(t, "body", res.body)
		require.Equal(t, "4", res.Header.Get("Content-Length"))
		require.Equal(t, []string{"2", "1", "3"}, res.Header["X-Many"])
		require.Equal(t, "not a date", res.Header.Get("Last-Modified"))
		require.Equal(t, `W/"v"`, res.Header.Get("Etag"))
		require.Len(t, res.Header["Cache-Status"], 2, "the origin's, and ours after it")
		require.Equal(t, "up;hit", res.Header["Cache-Status"][0])
		require.False(t, has(res.Header, "Connection", "X-Hop", "Keep-Alive"))
	}
	require.Equal(t, miss.Header.Get("Date"), hit.Header.Get("Date"))
	require.False(t, has(miss.Header, "Age"), "RFC 9111 section 5.1: the origin answered this very request")
	require.Equal(t, "0", hit.Header.Get("Age"))
}

func TestNotFoundIsStoredWithItsBody(t *testing.T) {
	s := newSite(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Reason", "none such")
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, "nothing here")
	})
	s.get("/a")
	hit := s.get("/a", "If-None-Match", "*") // RFC 9110 section 13.2.1: not evaluated, as this is no 200
	require.True(t, hit.hit())
	require.Equal(t, http.StatusNotFound, hit.StatusCode)
	require.Equal(t, "nothing here", hit.body)
	require.Equal(t, "none such", hit.Header.Get("X-Reason"))
}

func TestNotFoundIsNotStoredWhenConfigured(t *testing.T) {
	s := newSite(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/base/said" {
			w.Header().Set("Cache-Control", "max-age=60")
		}
		w.WriteHeader(http.StatusNotFound)
	}, cache.WithFreshness(0, -1))
	s.get("/a")
	require.Equal(t, "uri-miss", s.get("/a").is("fwd"))
	s.get("/said")
	require.True(t, s.get("/said").hit())
}

// What an origin's answer must be for the next request to be a hit, by way of the
// whole handler; TestUnstorable has all the rules.
func TestStored(t *testing.T) {
	type answer = func(*http.Response)
	set := func(pairs ...string) answer {
		return func(res *http.Response) {
			for name, values := range fields(pairs...) {
				res.Header[name] = values
			}
		}
	}
	status := func(code int) answer { return func(res *http.Response) { res.StatusCode = code } }
	for _, c := range []struct {
		name    string
		change  answer
		request []string
		stored  bool
		detail  string
	}{
		{"plain", set(), nil, true, ""},
		{"cookies of the request are nothing", set(), []string{"Cookie", "a=b"}, true, ""},
		{"vary by encoding", set("Vary", "Accept-Encoding"), nil, true, ""},
		{"chunked", func(res *http.Response) { res.ContentLength, res.TransferEncoding = -1, []string{"chunked"} }, nil, true, ""},
		{"until close", func(res *http.Response) { res.ContentLength, res.Close = -1, true }, nil, false, "length"},
		{"trailer", func(res *http.Response) { res.Trailer = http.Header{"X-T": nil} }, nil, false, "trailer"},
		{"no-store", set("Cache-Control", "no-store"), nil, false, "no-store"},
		{"private", set("Cache-Control", "private, max-age=60"), nil, false, "private"},
		{"private of one field", set("Cache-Control", `private="X-A", max-age=60`), nil, false, "private"},
		{"set-cookie", set("Set-Cookie", "a=b"), nil, false, "set-cookie"},
		{"vary", set("Vary", "Accept-Language"), nil, false, "vary"},
		{"partial", func(res *http.Response) { res.StatusCode = 206; res.Header.Set("Content-Range", "bytes 0-3/9") }, nil, false, "status"},
		{"content-range", set("Content-Range", "bytes 0-3/9"), nil, false, "content-range"},
		{"event stream", set("Content-Type", "text/event-stream"), nil, false, "event-stream"},
		{"no-cache without a validator", set("Cache-Control", "no-cache"), nil, false, "no-validator"},
		{"redirect", status(301), nil, false, "status"},
		{"error", status(500), nil, false, "status"},
		{"request no-store", set(), []string{"Cache-Control", "no-store"}, false, "no-store"},
		{"request authorization", set("Cache-Control", "public, max-age=60"), []string{"Authorization", "Basic x"}, false, "authorization"},
		{"request range", set(), []string{"Range", "bytes=0-1"}, false, "range"},
		{"request refuses identity", set(), []string{"Accept-Encoding", "gzip, identity;q=0"}, false, "encoding"},
	} {
		s := newSite(t, nil)
		s.over(roundTripperFunc(func(r *http.Request) (*http.Response, error) {
			res := answerOf(says("body"), r)
			c.change(res)
			return res, nil
		}))
		first := s.get("/a", c.request...)
		require.Equal(t, "body", first.body, c.name)
		require.Equal(t, c.detail, first.is("detail"), c.name)
		require.Equal(t, c.stored, first.is("stored") == "true", c.name)
		require.Equal(t, c.stored, s.get("/a").hit(), c.name)
	}
}

// Neither no-store nor Authorization reads what another request stored.
func TestRequestsThatDoNotRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // in no time: max-age=0 does not take an age of 0 either
		s := newSite(t, says("x", "Cache-Control", "max-age=60"))
		s.get("/a")
		for _, c := range []struct{ name, value, fwd string }{
			{"Cache-Control", "no-store", "bypass"},
			{"Authorization", "Basic x", "bypass"},
			{"If-Match", `"a"`, "bypass"},
			{"If-Unmodified-Since", httpDate(noon), "bypass"},
			{"Cache-Control", "no-cache", "request"},
			{"Cache-Control", "max-age=0", "request"},
			{"Cache-Control", "max-age=x", "request"},
			{"Pragma", "no-cache", "request"},
		} {
			before := s.asks()
			res := s.get("/a", c.name, c.value, "If-None-Match", `"mine"`)
			require.Equal(t, before+1, s.asks(), c.name)
			require.Equal(t, c.fwd, res.is("fwd"), c.name)
			require.False(t, res.hit(), c.name)
			require.Equal(t, c.value, s.lastAsked().Header.Get(c.name))
			require.Equal(t, `"mine"`, s.lastAsked().Header.Get("If-None-Match"), "what passes through passes whole")
		}
		require.True(t, s.get("/a").hit())
		require.True(t, s.get("/a", "Pragma", "no-cache", "Cache-Control", "max-age=60").hit())
	})
}

func TestOnlyIfCached(t *testing.T) {
	s := newSite(t, says("x", "Cache-Control", "max-age=60"))
	res := s.get("/a", "Cache-Control", "only-if-cached")
	require.Equal(t, http.StatusGatewayTimeout, res.StatusCode)
	require.Zero(t, s.asks())
	s.get("/a")
	for _, method := range []string{"GET", "HEAD"} {
		require.True(t, s.do(method, "/a", "Cache-Control", "only-if-cached").hit())
	}
	for _, more := range []string{"no-cache", "no-store", "max-age=0", "min-fresh=90"} {
		require.Equal(t, http.StatusGatewayTimeout, s.get("/a", "Cache-Control", "only-if-cached, "+more).StatusCode, more)
	}
	require.Equal(t, http.StatusPartialContent, s.get("/a", "Cache-Control", "only-if-cached", "Range", "bytes=0-0").StatusCode)
	require.Equal(t, 1, s.asks())
	require.Equal(t, "method", s.do("POST", "/a", "Cache-Control", "only-if-cached").is("fwd"))
}

// HEAD is answered from the entry of a GET, and fills none.
func TestHead(t *testing.T) {
	s := newSite(t, says("body", "X-A", "1", "Etag", `"a"`))
	res := s.do("HEAD", "/a")
	require.Equal(t, "miss", res.is("fwd"))
	require.Equal(t, "HEAD", s.lastAsked().Method)
	require.Equal(t, "miss", s.do("HEAD", "/a").is("fwd"))
	require.False(t, s.get("/a").hit())
	res = s.do("HEAD", "/a")
	require.True(t, res.hit())
	require.Empty(t, res.body)
	require.Equal(t, "4", res.Header.Get("Content-Length"))
	require.Equal(t, "1", res.Header.Get("X-A"))
	require.Equal(t, "0", res.Header.Get("Age"))
	require.Equal(t, 3, s.asks())
	require.Equal(t, http.StatusNotModified, s.do("HEAD", "/a", "If-None-Match", `"a"`).StatusCode)
}

// Clients that accept different codings never share an entry; those that accept
// the same do, however they say it.
func TestEncodingsDoNotMix(t *testing.T) {
	for _, vary := range []string{"Accept-Encoding", ""} {
		s := newSite(t, func(w http.ResponseWriter, r *http.Request) {
			if vary != "" {
				w.Header().Set("Vary", vary)
			}
			fmt.Fprint(w, r.Header.Get("Accept-Encoding"))
		})
		for _, c := range []struct {
			accept, body string
			hit          bool
		}{
			{"gzip", "gzip", false},
			{"", "identity", false},
			{"br;q=0.1, gzip", "br, gzip", false},
			{"gzip;q=0.3, deflate", "gzip", true},
			{"gzip, br", "br, gzip", true},
			{"deflate", "identity", true},
			{"gzip, deflate, br, zstd", "br, gzip, zstd", false},
		} {
			var pairs []string
			if c.accept != "" {
				pairs = []string{"Accept-Encoding", c.accept}
			}
			res := s.get("/a", pairs...)
			require.Equal(t, c.body, res.body, c.accept)
			require.Equal(t, c.hit, res.hit(), c.accept)
		}
	}
}
