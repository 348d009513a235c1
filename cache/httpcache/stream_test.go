package httpcache

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/daramjwee/daramjwee/cache"
	"github.com/stretchr/testify/require"
)

// What comes in pieces goes out in pieces, stored or not.
func TestPiecesAreFlushed(t *testing.T) {
	for _, header := range [][]string{nil, {"Content-Type", "text/event-stream", "Cache-Control", "no-cache"}, {"Cache-Control", "no-store"}} {
		next := make(chan struct{})
		n := newNetwork(t, newOrigin(t, func(w http.ResponseWriter, r *http.Request) {
			for name, values := range fields(header...) {
				w.Header()[name] = values
			}
			flush(w)
			for i := range 3 {
				<-next
				fmt.Fprintf(w, "data: %d\n\n", i)
				flush(w)
			}
		}))
		res := n.send(n.request("GET", "/events")) // returns with the header alone
		for i := range 3 {
			next <- struct{}{}
			piece := make([]byte, len("data: 0\n\n"))
			_, err := io.ReadFull(res.Body, piece)
			require.NoError(t, err)
			require.Equal(t, fmt.Sprintf("data: %d\n\n", i), string(piece))
		}
		require.Empty(t, read(t, res).body)
	}
}

// RFC 9110 section 15.2: informational answers are forwarded, and leave nothing
// behind in the final one.
func TestInformationalAnswers(t *testing.T) {
	n := newNetwork(t, newOrigin(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", "</style.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		w.Header().Del("Link")
		io.WriteString(w, "final")
	}))
	for _, fwd := range []string{"uri-miss", "bypass"} {
		var hints []string
		r := n.request("GET", "/a")
		if fwd == "bypass" {
			r.Header.Set("Cache-Control", "no-store")
		}
		r = r.WithContext(httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{
			Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
				hints = append(hints, fmt.Sprint(code, h.Get("Link"), len(h["Cache-Status"])))
				return nil
			},
		}))
		res := read(t, n.send(r))
		require.Equal(t, []string{"103</style.css>; rel=preload0"}, hints)
		require.Equal(t, "final", res.body)
		require.Equal(t, fwd, res.is("fwd"))
		require.False(t, has(res.Header, "Link"))
	}
	require.True(t, n.get("/a").hit())
}

// Announced trailers reach the client, and keep an answer from being stored.
func TestTrailers(t *testing.T) {
	n := newNetwork(t, newOrigin(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "X-Sum")
		io.WriteString(w, "body")
		flush(w)
		w.Header().Set("X-Sum", "42")
	}))
	for _, method := range []string{"GET", "GET", "POST"} {
		res := read(t, n.send(n.request(method, "/a")))
		require.Equal(t, "body", res.body)
		require.Equal(t, "42", res.Trailer.Get("X-Sum"))
		require.False(t, res.hit())
	}
}

// A client that leaves ends the origin's work for it alone, and publishes nothing.
func TestClientLeaves(t *testing.T) {
	for _, header := range [][]string{nil, {"Cache-Control", "no-store"}} {
		gone := make(chan error, 1)
		left := make(chan struct{})
		n := newNetwork(t, newOrigin(t, func(w http.ResponseWriter, r *http.Request) {
			for name, values := range fields(header...) {
				w.Header()[name] = values
			}
			io.WriteString(w, "first")
			flush(w)
			<-left
			if header != nil { // this one is ended at once, however long the origin is silent
				<-r.Context().Done()
				gone <- r.Context().Err()
				return
			}
			for { // a fill's next bytes find that nobody wants them
				if _, err := io.WriteString(w, strings.Repeat("x", 1<<16)); err != nil {
					gone <- err
					return
				}
			}
		}))
		ctx, cancel := context.WithCancel(t.Context())
		res := n.send(n.request("GET", "/a").WithContext(ctx))
		_, err := io.ReadFull(res.Body, make([]byte, 5))
		require.NoError(t, err)
		cancel()
		res.Body.Close()
		close(left)
		require.Error(t, <-gone)
		n.server.Close()
		require.Zero(t, n.cache.Stats().Fills)
		require.Zero(t, n.cache.Stats().BufferPool.ActiveBuffers)
	}
}

// The cache's OpTimeout is for what it stores. A stream of events may be silent
// for longer.
func TestSilentStreamIsNotCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, nil, cache.WithOpTimeout(time.Second))
		s.over(roundTripperFunc(func(r *http.Request) (*http.Response, error) {
			res := answerOf(says("", "Content-Type", "text/event-stream"), r)
			res.ContentLength = -1
			res.Body = io.NopCloser(&silent{ctx: r.Context(), events: 3})
			return res, nil
		}))
		start := time.Now()
		body := make(chan string)
		go func() { body <- s.get("/events").body }()
		time.Sleep(90 * time.Second)
		require.NoError(t, s.cache.Close(), "nor does the cache wait for it")
		require.Equal(t, 90*time.Second, time.Since(start))
		require.Equal(t, "event\nevent\nevent\n", <-body)
		require.Equal(t, 3*time.Minute, time.Since(start))
	})
}

type silent struct {
	ctx    context.Context
	events int
}

func (s *silent) Read(p []byte) (int, error) {
	if s.events--; s.events < 0 {
		return 0, io.EOF
	}
	select {
	case <-s.ctx.Done():
		return 0, s.ctx.Err()
	case <-time.After(time.Minute):
		return copy(p, "event\n"), nil
	}
}
