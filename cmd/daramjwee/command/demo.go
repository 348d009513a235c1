package command

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/daramjwee/daramjwee/cache/httpcache"
	"github.com/daramjwee/daramjwee/strategy"
)

// demoOrigin is an origin to try the cache with: it answers late, with bodies of
// several sizes, on a loopback port of its own.
type demoOrigin struct {
	*http.Server
	listener net.Listener
}

// demoURL names the demo origin in keys. Its port differs at each start, and a
// key with a port would never be hit again on disk.
var demoURL = &url.URL{Scheme: "http", Host: "demo.localhost"}

// demoDelay is what an answer takes, a 304 too: long enough to be felt.
const demoDelay = 200 * time.Millisecond

var demoObjects = []struct {
	path string
	size int64
}{{"/2KiB", 2 << 10}, {"/256KiB", 256 << 10}, {"/16MiB", 16 << 20}}

// listenDemo opens the port; Serve answers there.
func listenDemo(log *slog.Logger) (*demoOrigin, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("daramjwee: demo origin: %w", err)
	}
	return &demoOrigin{newHTTPServer(demoHandler(), log), l}, nil
}

// transport dials the demo origin, whatever the address.
func (d *demoOrigin) transport(pool strategy.BufferPool) *http.Transport {
	t := httpcache.NewPooledTransport(pool)
	t.Proxy = nil
	dial := t.DialContext
	t.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return dial(ctx, network, d.listener.Addr().String())
	}
	return t
}

func demoHandler() http.Handler {
	mux := http.NewServeMux()
	var index strings.Builder
	for _, o := range demoObjects {
		fmt.Fprintln(&index, o.path)
		mux.Handle("GET "+o.path, demoObject(o.size))
	}
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, index.String())
	})
	return mux
}

func demoObject(size int64) http.Handler {
	etag := fmt.Sprintf(`"demo-%d"`, size)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		late := time.NewTimer(demoDelay)
		defer late.Stop()
		select {
		case <-late.C:
		case <-r.Context().Done():
			return
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("Cache-Control", "public, max-age=300")
		w.Header().Set("ETag", etag)
		http.ServeContent(w, r, "", time.Time{}, io.NewSectionReader(pangram{}, 0, size))
	})
}

// pangram repeats a Korean pangram about a squirrel without end.
type pangram struct{}

var verse = strings.Repeat("다람쥐 헌 쳇바퀴에 타고파\n", 100)

// ReadAt implements io.ReaderAt.
func (pangram) ReadAt(p []byte, off int64) (n int, err error) {
	for n < len(p) {
		n += copy(p[n:], verse[(off+int64(n))%int64(len(verse)):])
	}
	return n, nil
}
