package httpcache

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestUnstorable(t *testing.T) {
	for _, c := range []struct {
		status int
		header http.Header
		want   string
	}{
		{200, fields(), ""},
		{404, fields(), ""},
		{200, fields("Cache-Control", "public, max-age=1, no-cache", "Vary", "Accept-Encoding", "Content-Type", "text/html"), ""},
		{200, fields("Vary", "", "Vary", "accept-encoding , ACCEPT-ENCODING"), ""},
		{200, fields("Cache-Control", `ext="private, no-store"`), ""},
		{201, fields(), "status"},
		{203, fields(), "status"},
		{204, fields(), "status"},
		{206, fields("Content-Range", "bytes 0-1/2"), "status"},
		{301, fields(), "status"},
		{302, fields(), "status"},
		{410, fields("Cache-Control", "max-age=60"), "status"},
		{500, fields("Cache-Control", "max-age=60"), "status"},
		{200, fields("Cache-Control", "max-age=60, No-Store"), "no-store"},
		{404, fields("Cache-Control", "no-store"), "no-store"},
		{200, fields("Cache-Control", "private"), "private"},
		{200, fields("Cache-Control", `max-age=60, private="X-A, X-B"`), "private"},
		{200, fields("Set-Cookie", "a=b", "Cache-Control", "public, max-age=60"), "set-cookie"},
		{200, fields("Vary", "*"), "vary"},
		{200, fields("Vary", "Accept-Encoding, Accept-Language"), "vary"},
		{200, fields("Vary", "Accept-Encoding", "Vary", "Cookie"), "vary"},
		{200, fields("Content-Range", "bytes 0-1/2"), "content-range"},
		{200, fields("Content-Type", "Text/Event-Stream; charset=utf-8"), "event-stream"},
	} {
		require.Equal(t, c.want, unstorable(c.status, c.header), "%d %v", c.status, c.header)
	}
}

func TestUnstorableBody(t *testing.T) {
	chunked := []string{"chunked"}
	for _, c := range []struct {
		name string
		res  http.Response
		want string
	}{
		{"length", http.Response{ProtoMajor: 1, ContentLength: 5}, ""},
		{"empty", http.Response{ProtoMajor: 1}, ""},
		{"chunked", http.Response{ProtoMajor: 1, ContentLength: -1, TransferEncoding: chunked}, ""},
		{"http/2 ends its streams", http.Response{ProtoMajor: 2, ContentLength: -1}, ""},
		{"until close", http.Response{ProtoMajor: 1, ContentLength: -1}, "length"},
		{"trailer announced", http.Response{ProtoMajor: 1, ContentLength: -1, TransferEncoding: chunked, Trailer: http.Header{"X": nil}}, "trailer"},
		{"trailer named", http.Response{ProtoMajor: 2, ContentLength: -1, Header: fields("Trailer", "X")}, "trailer"},
	} {
		require.Equal(t, c.want, unstorableBody(&c.res), c.name)
	}
}
