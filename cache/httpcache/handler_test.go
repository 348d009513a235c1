package httpcache

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/daramjwee/daramjwee/cache"
	"github.com/stretchr/testify/require"
)

func TestNewRefusesBadOptions(t *testing.T) {
	c := newCache(t)
	good := parseURL(t, "http://o.test")
	for _, bad := range []struct {
		cache   *cache.DaramjweeCache
		options Options
		field   string
		value   any
	}{
		{nil, Options{Origin: good}, "Cache", "nil"},
		{c, Options{}, "Origin", "nil"},
		{c, Options{Origin: &url.URL{}}, "Origin", ""},
		{c, Options{Origin: parseURL(t, "ftp://o.test")}, "Origin", "ftp://o.test"},
		{c, Options{Origin: parseURL(t, "//o.test")}, "Origin", "//o.test"},
		{c, Options{Origin: parseURL(t, "http:///path")}, "Origin", "http:///path"},
		{c, Options{Origin: parseURL(t, "http://:80")}, "Origin", "http://:80"},
		{c, Options{Origin: parseURL(t, "http:o.test")}, "Origin", "http:o.test"},
		{c, Options{Origin: parseURL(t, "http://u:secret@o.test")}, "Origin", "http://u:xxxxx@o.test"},
		{c, Options{Origin: parseURL(t, "http://o.test/#f")}, "Origin", "http://o.test/#f"},
		{c, Options{Origin: good, Name: "é"}, "Name", "é"},
	} {
		h, err := New(bad.cache, bad.options)
		require.Nil(t, h)
		var fault *cache.ConfigError
		require.ErrorAs(t, err, &fault)
		require.Equal(t, bad.field, fault.Field)
		require.Equal(t, bad.value, fault.Value)
		require.NotEmpty(t, fault.Allowed)
	}
}

func TestNewNeedsOnlyAnOrigin(t *testing.T) {
	origin := parseURL(t, "http://o.test")
	h, err := New(newCache(t), Options{Origin: origin})
	require.NoError(t, err)
	origin.Host = "changed.test" // the Handler has its own
	require.Equal(t, "o.test", h.target(parseURL(t, "/")).Host)
	transport := h.transport.(*http.Transport)
	require.True(t, transport.DisableCompression)
	require.NotZero(t, transport.TLSHandshakeTimeout)
	require.NotZero(t, transport.ResponseHeaderTimeout)
	require.NotZero(t, transport.ExpectContinueTimeout)
	require.NotZero(t, transport.IdleConnTimeout)
	require.NotNil(t, transport.DialContext)
}

func TestCacheStatusHasTheName(t *testing.T) {
	s := newSite(t, says("x"))
	require.EqualValues(t, "daramjwee", s.get("/").status.Value)
	h, err := New(s.cache, Options{Origin: parseURL(t, "http://origin.test"), Transport: s.handler.transport, Name: "edge 7"})
	require.NoError(t, err)
	s.handler = h
	require.Equal(t, "edge 7", s.get("/").status.Value)
}

func TestRefused(t *testing.T) {
	s := newSite(t, says("x"))
	opaque := httptest.NewRequest("GET", "/", nil)
	opaque.URL = parseURL(t, "mailto:x@evil.test")
	require.Equal(t, http.StatusBadRequest, s.send(opaque).StatusCode)
	require.Equal(t, http.StatusNotImplemented, s.do("CONNECT", "evil.test:443").StatusCode)
	require.Equal(t, http.StatusNotImplemented, s.get("/", "Connection", "Upgrade", "Upgrade", "WebSocket").StatusCode)
	require.Zero(t, s.asks())
}

// Another Upgrade is ignored, as RFC 9110 section 7.8 allows: curl --http2 sends
// one with each request.
func TestUpgradeIsIgnored(t *testing.T) {
	s := newSite(t, says("x"))
	upgrade := []string{"Connection", "Upgrade, HTTP2-Settings", "Upgrade", "h2c", "Http2-Settings", "AAMAAABkAAQ"}
	for _, more := range [][]string{nil, {"Cache-Control", "no-store"}} {
		require.Equal(t, "x", s.get("/", append(upgrade, more...)...).body)
		require.False(t, has(s.lastAsked().Header, "Upgrade", "Connection", "Http2-Settings"))
	}
	require.Equal(t, 2, s.asks())
	require.True(t, s.get("/", upgrade...).hit())
}

// Scheme and host of the origin's request are the origin's, whatever the client
// writes.
func TestTheOriginStaysTheOrigin(t *testing.T) {
	s := newSite(t, says("x"))
	for _, target := range []string{"http://user:secret@evil.test/a", "//evil.test/a", "/../a", "/@evil.test/a", `/\evil.test`} {
		for _, more := range [][]string{nil, {"Authorization", "x"}} {
			r := httptest.NewRequest("GET", "/", nil)
			u, err := url.ParseRequestURI(target)
			require.NoError(t, err)
			r.URL, r.Host = u, "evil.test"
			for name, values := range fields(more...) {
				r.Header[name] = values
			}
			require.Equal(t, "x", s.send(r).body)
			asked := s.lastAsked()
			require.Equal(t, "http", asked.URL.Scheme)
			require.Equal(t, "origin.test", asked.URL.Host)
			require.Empty(t, asked.Host)
			require.Nil(t, asked.URL.User)
			require.True(t, strings.HasPrefix(asked.URL.Path, "/base"), asked.URL.Path)
		}
	}
}

func TestLongPath(t *testing.T) {
	s := newSite(t, says("long"))
	target := "/" + strings.Repeat("a", 5000)
	require.Equal(t, "true", s.get(target).is("stored"))
	again := s.get(target)
	require.True(t, again.hit())
	require.Equal(t, "long", again.body)
	require.False(t, s.get(target+"b").hit())
}

func TestClosedCache(t *testing.T) {
	s := newSite(t, says("x"))
	require.NoError(t, s.cache.Close())
	for _, method := range []string{"GET", "HEAD"} {
		res := s.do(method, "/")
		require.Equal(t, http.StatusServiceUnavailable, res.StatusCode)
		require.NotEmpty(t, res.Header.Get("Retry-After"))
		require.Equal(t, "no-store", res.Header.Get("Cache-Control"))
	}
	require.Zero(t, s.asks())
}

// A negative entry of the cache is not this package's, but may lie under its key.
func TestNegativeEntry(t *testing.T) {
	s := newSite(t, says("x"))
	_, err := s.cache.Get(t.Context(), "http://origin.test/base/gone", cache.FetcherFunc(notFound))
	require.ErrorIs(t, err, cache.ErrNotFound)
	require.Equal(t, http.StatusNotFound, s.get("/gone").StatusCode)
	require.Zero(t, s.asks())
}

func TestPanickingTransport(t *testing.T) {
	s := newSite(t, nil).over(roundTripperFunc(func(*http.Request) (*http.Response, error) { panic(errors.New("secret")) }))
	res := s.get("/")
	require.Equal(t, http.StatusBadGateway, res.StatusCode)
	require.NotContains(t, res.body, "secret")
}
