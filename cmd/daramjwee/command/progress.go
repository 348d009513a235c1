package command

import (
	"io"
	"math"
	"net/http"
	"syscall"
	"time"

	"github.com/daramjwee/daramjwee/strategy"
)

// kernelPiece is how much the kernel copies under one deadline. It decides how
// slow a client may be: with a minute, 4.3 KB/s.
const kernelPiece = 256 << 10

// progress lets a client take as long as it likes, as long as it takes or sends
// something every now and then: each piece of a body has its own deadline.
func progress(next http.Handler, pool strategy.BufferPool, stall time.Duration) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := http.NewResponseController(w)
		p := &progressWriter{ResponseWriter: w, control: c, pool: pool, stall: stall}
		if r.Body != nil && r.Body != http.NoBody {
			r.Body = &progressReader{ReadCloser: r.Body, control: c, stall: stall}
		}
		defer p.extend() // for what the server has still to flush
		next.ServeHTTP(p, r)
	})
}

type progressWriter struct {
	http.ResponseWriter
	control *http.ResponseController
	pool    strategy.BufferPool
	stall   time.Duration
}

// extend sets the deadline anew. Where a connection has none, in tests with a
// recorder, there is nothing to stall either.
func (w *progressWriter) extend() {
	_ = w.control.SetWriteDeadline(time.Now().Add(w.stall))
}

// Unwrap is for http.ResponseController.
func (w *progressWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// FlushError is for http.ResponseController too.
func (w *progressWriter) FlushError() error {
	w.extend()
	return w.control.Flush()
}

func (w *progressWriter) Write(p []byte) (int, error) {
	w.extend()
	return w.ResponseWriter.Write(p)
}

// ReadFrom implements io.ReaderFrom, so that files still go out by sendfile: in
// pieces, since one call for all of it would know no progress.
func (w *progressWriter) ReadFrom(src io.Reader) (n int64, err error) {
	to, ok := w.ResponseWriter.(io.ReaderFrom)
	limit, limited := src.(*io.LimitedReader)
	if !limited {
		limit = &io.LimitedReader{R: src, N: math.MaxInt64}
	}
	if _, descriptor := limit.R.(syscall.Conn); !ok || !descriptor {
		return w.pool.CopyBuffer(struct{ io.Writer }{w}, src)
	}
	for limit.N > 0 {
		// The kernel paths look for an *io.LimitedReader right over the file.
		piece := &io.LimitedReader{R: limit.R, N: min(limit.N, kernelPiece)}
		asked := piece.N
		w.extend()
		m, err := to.ReadFrom(piece)
		n += m
		limit.N -= m
		if err != nil || m < asked {
			return n, err
		}
	}
	return n, nil
}

type progressReader struct {
	io.ReadCloser
	control *http.ResponseController
	stall   time.Duration
}

func (r *progressReader) Read(p []byte) (int, error) {
	_ = r.control.SetReadDeadline(time.Now().Add(r.stall))
	n, err := r.ReadCloser.Read(p)
	if err != nil {
		// From the end of the body on the server itself reads, to learn of a client
		// that went away. A deadline that passes would look like one: Transport
		// reads once more after the end.
		_ = r.control.SetReadDeadline(time.Time{})
	}
	return n, err
}
