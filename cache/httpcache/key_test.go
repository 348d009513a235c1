package httpcache

import (
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func parseURL(t testing.TB, raw string) *url.URL {
	t.Helper()
	u, err := url.Parse(raw)
	require.NoError(t, err)
	return u
}

// The target is what httputil's SetURL makes of a URL, and never leaves the
// origin.
func TestTarget(t *testing.T) {
	for _, c := range []struct{ origin, request, want string }{
		{"http://o.test", "/", "http://o.test/"},
		{"http://o.test", "/a/b?x=1&y=%20z;w", "http://o.test/a/b?x=1&y=%20z;w"},
		{"http://o.test/base", "/a", "http://o.test/base/a"},
		{"http://o.test/base/", "/a", "http://o.test/base/a"},
		{"http://o.test/base?k=v", "/a?x", "http://o.test/base/a?k=v&x"},
		{"http://o.test", "/a%2Fb", "http://o.test/a%2Fb"},
		{"http://o.test/b%2Fs/", "/a%2fb/%e2", "http://o.test/b%2Fs/a%2fb/%e2"},
		{"http://o.test", "//evil.test/a", "http://o.test//evil.test/a"},
		{"http://o.test", "/../a/./b", "http://o.test/../a/./b"},
		{"http://o.test", "/a?", "http://o.test/a?"},
		{"http://o.test:8080", "http://user:secret@evil.test:9/a?b#c", "http://o.test:8080/a?b#c"},
		{"https://o.test", "http://evil.test", "https://o.test/"},
	} {
		h := &Handler{origin: parseURL(t, c.origin)}
		in, err := url.ParseRequestURI(c.request)
		require.NoError(t, err)
		got := h.target(in)
		require.Equal(t, c.want, got.String(), c.request)

		in.User, in.Fragment = nil, ""
		theirs := httputil.ProxyRequest{Out: &http.Request{URL: in}}
		theirs.SetURL(h.origin)
		require.Equal(t, theirs.Out.URL.RequestURI(), got.RequestURI(), c.request)
	}
}

func TestTargetLeavesTheRequestAlone(t *testing.T) {
	h := &Handler{origin: parseURL(t, "http://o.test/base")}
	in := parseURL(t, "http://u:p@h.test/a#f")
	before := *in
	h.target(in)
	require.Equal(t, before, *in)
}

func TestAcceptedCodings(t *testing.T) {
	for _, c := range []struct {
		lines []string
		want  string
		ok    bool
	}{
		{nil, "", true},
		{[]string{""}, "", true},
		{[]string{"gzip"}, "gzip", true},
		{[]string{"gzip, deflate, br, zstd"}, "br, gzip, zstd", true},
		{[]string{"zstd", "GZIP"}, "gzip, zstd", true},
		{[]string{"x-gzip;q=0.5"}, "gzip", true},
		{[]string{"deflate, compress"}, "", true},
		{[]string{"identity"}, "", true},
		{[]string{"*"}, "", true},
		{[]string{"br;q=1.0, gzip; q=0.001, zstd;q=0"}, "br, gzip", true},
		{[]string{"gzip;q=0.000"}, "", true},
		{[]string{"gzip, gzip;q=0"}, "", true},
		{[]string{"gzip;q=0, gzip"}, "", true},
		{[]string{"gzip;q=nonsense, br;level=3"}, "", true},
		{[]string{"gzip, *;q=0, identity;q=0.1"}, "gzip", true},
		{[]string{"gzip, identity;q=0"}, "", false},
		{[]string{"gzip, *;q=0"}, "", false},
	} {
		got, ok := acceptedCodings(http.Header{"Accept-Encoding": c.lines})
		require.Equal(t, c.ok, ok, "%q", c.lines)
		require.Equal(t, c.want, got, "%q", c.lines)
	}
}

func TestEveryKey(t *testing.T) {
	u := parseURL(t, "http://o.test/a")
	keys := everyKey(u)
	require.Len(t, slices.Compact(slices.Sorted(slices.Values(keys))), 8)
	for _, accept := range []string{"", "gzip", "br", "zstd", "br, gzip", "zstd, br", "gzip, zstd", "gzip, deflate, br, zstd"} {
		encodings, ok := acceptedCodings(fields("Accept-Encoding", accept))
		require.True(t, ok)
		require.Contains(t, keys, key(u, encodings), accept)
	}
	require.NotContains(t, u.String(), " ")
	require.Equal(t, u.String(), key(u, ""))
	require.True(t, strings.HasPrefix(key(u, "br"), u.String()+" "))
}
