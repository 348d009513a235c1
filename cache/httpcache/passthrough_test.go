package httpcache

import (
	"crypto/tls"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The origin gets the same fields from a fetch as from what passes through, but
// for the client's conditions.
func TestFetchAndPassThroughSendTheSame(t *testing.T) {
	s := newSite(t, says("x"))
	client := fields("User-Agent", "me", "Cookie", "a=b", "Cookie", "c=d", "X-Many", "2", "X-Many", "1", "Accept", "*/*",
		"Accept-Encoding", "gzip;q=0.2, deflate, br", "Te", "gzip, trailers", "Connection", "x-hop, keep-alive", "X-Hop", "1", "Keep-Alive", "1",
		"Proxy-Authorization", "p", "Proxy-Connection", "p", "Forwarded", "for=evil", "X-Forwarded-For", "evil",
		"X-Forwarded-Host", "evil", "X-Forwarded-Proto", "evil", "Upgrade", "h2c", "Trailer", "X")
	want := fields("User-Agent", "me", "Cookie", "a=b", "Cookie", "c=d", "X-Many", "2", "X-Many", "1", "Accept", "*/*",
		"Accept-Encoding", "br, gzip", "Te", "trailers",
		"X-Forwarded-For", "192.0.2.1", "X-Forwarded-Proto", "https")
	for _, c := range []struct{ fwd, name, value string }{
		{"uri-miss", "If-None-Match", `"a"`},
		{"uri-miss", "If-Modified-Since", httpDate(noon)},
		{"miss", "Range", "bytes=0-1"},
		{"bypass", "If-Match", `"a"`},
		{"bypass", "Authorization", "Basic x"},
	} {
		r := httptest.NewRequest("GET", "/"+c.name+"?q=%2F;", nil)
		r.Header, r.TLS = client.Clone(), &tls.ConnectionState{}
		r.Header.Set(c.name, c.value)
		require.Equal(t, c.fwd, s.send(r).is("fwd"))
		asked := s.lastAsked()
		wanted := want.Clone()
		if c.fwd != "uri-miss" {
			wanted.Set(c.name, c.value)
		}
		require.Equal(t, wanted, asked.Header, c.name)
		require.Equal(t, "http://origin.test/base/"+c.name+"?q=%2F;", asked.URL.String(), "the query stays as it is")
		require.Empty(t, asked.Host)
	}
}

// An origin that builds links of X-Forwarded-Host: what one client calls the server
// reaches nobody else.
func TestHostOfOneClientIsNotStored(t *testing.T) {
	s := newSite(t, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "see http://"+r.Header.Get("X-Forwarded-Host")+r.Host+"/next")
	})
	for i, method := range []string{"GET", "GET", "POST"} {
		for _, more := range []string{"", "/range"} {
			r := httptest.NewRequest(method, "/a"+more, nil)
			r.Host = []string{"evil.test", "good.test", "mine.test"}[i]
			if more != "" {
				r.Header.Set("Range", "bytes=0-")
			}
			res := s.send(r)
			require.NotContains(t, res.body, "evil")
			require.Equal(t, method == "POST", strings.Contains(res.body, "mine.test"), "its answer is for this client alone")
		}
	}
}

func TestNoUserAgentIsInvented(t *testing.T) {
	s := newSite(t, says("x"))
	for _, more := range [][]string{nil, {"Range", "bytes=0-0"}} {
		s.get("/", more...)
		require.Equal(t, []string{""}, s.lastAsked().Header["User-Agent"])
		require.Equal(t, "identity", s.lastAsked().Header.Get("Accept-Encoding"))
	}
}

// Whoever refuses the identity asks the origin in their own words.
func TestRefusedIdentityPassesThrough(t *testing.T) {
	s := newSite(t, says("x"))
	s.get("/", "Accept-Encoding", "deflate, identity;q=0")
	require.Equal(t, "deflate, identity;q=0", s.lastAsked().Header.Get("Accept-Encoding"))
}

func TestOtherMethodsPassThrough(t *testing.T) {
	s := newSite(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Cache-Status", "up;fwd=miss")
		w.Header().Set("Cache-Control", "max-age=60")
		w.WriteHeader(http.StatusTeapot)
		io.WriteString(w, r.Method+" "+string(body))
	})
	for _, method := range []string{"POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "get"} {
		for range 2 {
			r := httptest.NewRequest(method, "/a", strings.NewReader("content"))
			r.Header.Set("Accept-Encoding", "deflate")
			res := s.send(r)
			require.Equal(t, http.StatusTeapot, res.StatusCode)
			require.Equal(t, method+" content", res.body)
			require.Equal(t, "method", res.is("fwd"))
			require.Equal(t, "up;fwd=miss", res.Header["Cache-Status"][0])
			require.Equal(t, "deflate", s.lastAsked().Header.Get("Accept-Encoding"))
		}
	}
}

// Content of a GET may select its answer, and is not part of the key.
func TestGetWithContentPassesThrough(t *testing.T) {
	s := newSite(t, func(w http.ResponseWriter, r *http.Request) { io.Copy(w, r.Body) })
	for _, body := range []string{"a", "b"} {
		res := s.send(httptest.NewRequest("GET", "/a", strings.NewReader(body)))
		require.Equal(t, body, res.body)
		require.Equal(t, "content", res.is("detail"))
		chunked := httptest.NewRequest("GET", "/a", io.MultiReader(strings.NewReader(body)))
		require.EqualValues(t, -1, chunked.ContentLength)
		require.Equal(t, body, s.send(chunked).body)
	}
}

// Without an entry, a range is the origin's.
func TestRangePassesThrough(t *testing.T) {
	s := newSite(t, func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, "x.txt", noon, strings.NewReader("0123456789"))
	})
	for range 2 { // nothing is stored
		res := s.get("/a", "Range", "bytes=2-4", "If-Range", httpDate(noon))
		require.Equal(t, http.StatusPartialContent, res.StatusCode)
		require.Equal(t, "234", res.body)
		require.Equal(t, "bytes 2-4/10", res.Header.Get("Content-Range"))
		require.Equal(t, "miss", res.is("fwd"))
		require.Equal(t, "range", res.is("detail"))
	}
	require.Equal(t, "0123456789", s.get("/a").body)
}
