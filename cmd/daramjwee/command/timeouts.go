package command

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/daramjwee/daramjwee/strategy"
)

// What a client gets before the server gives it up. None bounds a whole body: a
// long download over a slow line is no fault. http.Server.ReadTimeout is such a
// bound, and so it is not set; nor is its WriteTimeout where clients are served:
// clientConn and progress have theirs.
const (
	headerTimeout = 10 * time.Second // to send the header of a request
	idleTimeout   = 2 * time.Minute  // between requests
	stallTimeout  = time.Minute      // to send or take the next piece of a body
	maxHeader     = 64 << 10         // bytes
)

// newClientServer returns a server whose listener is to be a clientListener.
func newClientServer(h http.Handler, pool strategy.BufferPool, log *slog.Logger) *http.Server {
	s := newHTTPServer(progress(h, pool, stallTimeout), log)
	s.WriteTimeout, s.ConnContext = 0, withConn
	return s
}

// newHTTPServer returns a server with every timeout set.
func newHTTPServer(h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: headerTimeout,
		IdleTimeout:       idleTimeout,
		WriteTimeout:      stallTimeout,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug), // mostly what clients do wrong
	}
}
