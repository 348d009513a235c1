package httpcache

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

// RFC 9111 section 4.4.
func TestInvalidation(t *testing.T) {
	for _, c := range []struct {
		method, target string
		status         int
		header         []string
		gone           bool
	}{
		{"POST", "/a?q", 200, nil, true},
		{"PUT", "/a?q", 204, nil, true},
		{"DELETE", "/a?q", 303, nil, true},
		{"PATCH", "/a?q", 200, nil, true},
		{"FROB", "/a?q", 200, nil, true}, // an unknown method is not known to be safe
		{"POST", "/a?q", 400, nil, false},
		{"POST", "/a?q", 500, nil, false},
		{"POST", "/a", 200, nil, false},
		{"GET", "/a?q", 200, []string{"Cache-Control", "no-store"}, false},
		{"OPTIONS", "/a?q", 200, nil, false},
		{"TRACE", "/a?q", 200, nil, false},
		{"HEAD", "/a?q", 200, nil, false},
		{"POST", "/b", 201, []string{"Location", "/base/a?q#part"}, true},
		{"POST", "/b", 201, []string{"Location", "a?q"}, true},
		{"POST", "/b", 303, []string{"Location", "http://ORIGIN.test:80/base/x/../a?q"}, true},
		{"POST", "/b", 200, []string{"Content-Location", "http://u:p@origin.test/base/a?q"}, true},
		{"POST", "/b", 500, []string{"Location", "/base/a?q"}, false},
		{"POST", "/b", 201, []string{"Location", "https://origin.test/base/a?q"}, false},
		{"POST", "/b", 201, []string{"Location", "https://origin.test:80/base/a?q"}, false},
		{"POST", "/b", 201, []string{"Location", "http://other.test/base/a?q"}, false},
		{"POST", "/b", 201, []string{"Location", "http://origin.test:81/base/a?q"}, false},
		{"POST", "/b", 201, []string{"Location", "http://[bad"}, false},
		{"GET", "/b", 301, []string{"Location", "/base/a?q"}, false},
	} {
		s := newSite(t, func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("X-Fill") != "" {
				w.Header().Set("Cache-Control", "max-age=60")
				fmt.Fprint(w, "x")
				return
			}
			for name, values := range fields(c.header...) {
				w.Header()[name] = values
			}
			w.WriteHeader(c.status)
		})
		variants := []string{"identity", "gzip", "br, gzip", "gzip, zstd, br"}
		for _, encoding := range variants {
			s.get("/a?q", "Accept-Encoding", encoding, "X-Fill", "1")
		}
		more := []string{}
		if c.method == "GET" {
			more = []string{"Cache-Control", "no-cache"}
		}
		require.Equal(t, c.status, s.do(c.method, c.target, more...).StatusCode)
		for _, encoding := range variants {
			require.Equal(t, c.gone, !s.get("/a?q", "Accept-Encoding", encoding, "X-Fill", "1").hit(), "%v %s", c, encoding)
		}
	}
}

// The entry is gone when the client sees the answer, and a fill that began before
// does not bring it back.
func TestInvalidationBeatsAFill(t *testing.T) {
	filling, proceed := make(chan struct{}), make(chan struct{})
	version := "old"
	s := newSite(t, func(w http.ResponseWriter, r *http.Request) {
		answer := version
		if r.Method == "GET" && answer == "old" {
			close(filling)
			<-proceed
		}
		fmt.Fprint(w, answer)
	})
	done := make(chan string)
	go func() { done <- s.get("/a").body }()
	<-filling
	version = "new"
	require.Equal(t, "new", s.do("PUT", "/a").body)
	close(proceed)
	require.Equal(t, "old", <-done)
	require.Equal(t, "new", s.get("/a").body)
}
