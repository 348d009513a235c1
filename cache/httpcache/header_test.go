package httpcache

import (
	"net/http"
	"testing"

	"github.com/daramjwee/daramjwee/cache/store"
	"github.com/stretchr/testify/require"
)

func TestEntryHeader(t *testing.T) {
	h := fields("X-B", "2", "X-B", "1", "Content-Type", "a/b", "Etag", `"e"`, "Cache-Status", "up; hit",
		"Age", "3", "Content-Length", "5", "Connection", "close, x-hop ,keep-alive", "X-Hop", "1", "Keep-Alive", "1",
		"Proxy-Authenticate", "1", "Proxy-Authentication-Info", "1", "Proxy-Connection", "1", "Te", "1", "Trailer", "1",
		"Transfer-Encoding", "chunked", "Upgrade", "h2c")
	for _, status := range []int{200, 404} {
		entry := toEntry(status, h.Clone())
		got := make(http.Header)
		require.Equal(t, status, fromEntry(newAdder(got, 1), entry))
		require.Equal(t, fields("X-B", "2", "X-B", "1", "Content-Type", "a/b", "Etag", `"e"`, "Cache-Status", "up; hit"), got)
	}
}

// RFC 9111 section 3.2.
func TestUpdate(t *testing.T) {
	entry := store.NewHeader("Content-Encoding", "gzip", "Content-Type", "a/b", "Date", "then", "X-Keep", "1", "X-Set", "1", "X-Set", "2")
	got := update(entry, fields("X-Set", "3", "X-New", "4", "Date", "now", "Content-Encoding", "br", "Content-Length", "0",
		"Content-Range", "bytes 0-0/1", "Content-Type", "c/d", "Connection", "x-hop", "X-Hop", "1"))
	require.Equal(t, fields("Content-Encoding", "gzip", "Content-Type", "c/d", "Date", "now", "X-Keep", "1", "X-Set", "3", "X-New", "4"), got)
	require.NotContains(t, update(entry, fields()), "Date", "the old one would age the new answer")
}
