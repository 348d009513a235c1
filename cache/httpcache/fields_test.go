package httpcache

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"io"
	"maps"
	"net/http/httptest"
	"net/textproto"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/daramjwee/daramjwee/cache/store"
)

// fieldRecorder is a fieldWriter. What a client would get is in the Header of its
// result, as it is when net/http writes it all.
type fieldRecorder struct {
	*httptest.ResponseRecorder
	lines []byte
	none  bool // there is no buffer
}

func (r *fieldRecorder) AvailableBuffer() []byte {
	if r.none {
		return nil
	}
	return make([]byte, 0, 8) // too small
}

func (r *fieldRecorder) WriteFields(lines []byte) { r.lines = lines }

func (r *fieldRecorder) WriteHeader(code int) {
	if r.lines != nil {
		fields, err := textproto.NewReader(bufio.NewReader(io.MultiReader(bytes.NewReader(r.lines), bytes.NewReader([]byte("\r\n"))))).ReadMIMEHeader()
		if err != nil {
			panic(err)
		}
		for name, values := range fields {
			if r.Header()[name] != nil {
				panic(name + " comes twice")
			}
			r.Header()[name] = values
		}
	}
	r.ResponseRecorder.WriteHeader(code)
}

// TestFieldsOfAHit: a client gets the same from a fieldWriter, which is asked for no
// more than it can do.
func TestFieldsOfAHit(t *testing.T) {
	for name, c := range map[string]struct {
		stored, asked []string // name, value …
		method        string
		none          bool
		plain         bool // it is net/http's to write
	}{
		"an ordinary one":       {stored: []string{"Content-Type", "a/b", "Date", "Sat, 28 Nov 2026 20:00:00 GMT", "Etag", `"v"`, "X-Many", "2", "X-Many", "1"}},
		"without a type":        {stored: []string{"Date", "Sat, 28 Nov 2026 20:00:00 GMT"}},
		"without a date":        {stored: []string{"Content-Type", "a/b"}},
		"of another cache":      {stored: []string{"Cache-Status", "up;hit", "Age", "7", "Accept-Ranges", "none", "Content-Length", "99"}},
		"in small letters":      {stored: []string{"content-type", "a/b", "date", "Sat, 28 Nov 2026 20:00:00 GMT", "age", "7"}},
		"with bytes above 127":  {stored: []string{"X-Latin", "caf\xe9\t!"}},
		"with an empty value":   {stored: []string{"X-Empty", ""}},
		"with a long value":     {stored: []string{"X-Long", string(bytes.Repeat([]byte("x"), 9000))}},
		"with two lines in one": {stored: []string{"X-Bad", "1\r\nX-Worse: 1"}, plain: true},
		"with a zero byte":      {stored: []string{"X-Bad", "\x00"}, plain: true},
		"with space around":     {stored: []string{"X-Bad", " 1 "}, plain: true},
		"with an invalid name":  {stored: []string{"X Bad", "1"}, plain: true},
		"without a name":        {stored: []string{"", "1"}, plain: true},
		"for one connection":    {stored: []string{"Connection", "close"}, plain: true},
		"in chunks":             {stored: []string{"Transfer-Encoding", "chunked"}, plain: true},
		"with trailers":         {stored: []string{"trailer", "X"}, plain: true},
		"not found":             {stored: []string{statusField, "404"}, plain: true},
		"a range":               {asked: []string{"Range", "bytes=1-2"}, plain: true},
		"a current copy":        {stored: []string{"Etag", `"v"`}, asked: []string{"If-None-Match", `"v"`}, plain: true},
		"a copy of today":       {asked: []string{"If-Modified-Since", "Sat, 28 Nov 2026 20:00:00 GMT"}, plain: true},
		"HEAD":                  {method: "HEAD", plain: true},
		"another connection":    {none: true, plain: true},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, says("the origin was asked"))
			m := store.Metadata{Header: store.NewHeader(c.stored...), TTL: 1 << 40}
			if m.ETag = m.Header.Get("Etag"); m.ETag == "" {
				m.ETag = `"other"`
			}
			r := httptest.NewRequest(cmp.Or(c.method, "GET"), "/a", nil)
			maps.Copy(r.Header, fields(c.asked...))
			w, err := s.cache.Set(context.Background(), key(s.handler.target(r.URL), ""), m)
			require.NoError(t, err)
			_, err = io.WriteString(w, "a body")
			require.NoError(t, err)
			require.NoError(t, w.Commit(context.Background()))

			plain := httptest.NewRecorder()
			s.handler.ServeHTTP(plain, r)
			rec := &fieldRecorder{ResponseRecorder: httptest.NewRecorder(), none: c.none}
			s.handler.ServeHTTP(rec, r)
			require.Zero(t, s.asks())
			require.Equal(t, c.plain, rec.lines == nil)
			want, got := plain.Result(), rec.Result()
			require.Equal(t, want.StatusCode, got.StatusCode)
			require.Equal(t, want.Header, got.Header)
			require.Equal(t, plain.Body.String(), rec.Body.String())
		})
	}
}
