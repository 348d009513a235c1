package command

import (
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/daramjwee/daramjwee/strategy"
)

// progress has what a handler copies go through the pool, and each piece of a
// request's body wait for its client no longer than stall. Answers have the
// deadlines of clientConn.
func progress(next http.Handler, pool strategy.BufferPool, stall time.Duration) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p := &progressWriter{ResponseWriter: w, pool: pool}
		if r.Body == nil || r.Body == http.NoBody {
			p.conn = connOf(r) // nobody else writes to it: there is no "100 Continue"
			if p.conn != nil {
				p.conn.deferRead()
			}
		} else {
			body := &progressReader{ReadCloser: r.Body, conn: connOf(r), control: http.NewResponseController(w), stall: stall}
			defer body.end()
			body.setDeadline(time.Now().Add(stall)) // of what the server reads when the handler does not
			r = r.WithContext(r.Context())          // a copy: how the server goes on depends on the type of its own Body
			r.Body = body
		}
		next.ServeHTTP(p, r)
	})
}

type progressWriter struct {
	http.ResponseWriter
	conn *clientConn // nil: not to be used
	pool strategy.BufferPool
}

// Unwrap is for http.ResponseController.
func (w *progressWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// Write sends what the server has buffered, mostly a header, along with a large p.
func (w *progressWriter) Write(p []byte) (int, error) {
	if w.conn == nil || len(p) <= headRoom {
		return w.ResponseWriter.Write(p)
	}
	n, err := w.join(func() (int64, error) {
		n, err := w.ResponseWriter.Write(p)
		return int64(n), err
	})
	return int(n), err
}

// WriteVector implements store.VectorWriter.
func (w *progressWriter) WriteVector(list net.Buffers) (n int64, err error) {
	write := func() (n int64, err error) {
		for _, p := range list {
			m, err := w.ResponseWriter.Write(p)
			if n += int64(m); err != nil {
				return n, err
			}
		}
		return n, nil
	}
	if w.conn == nil {
		return write()
	}
	return w.join(write)
}

// AvailableBuffer and WriteFields are what httpcache looks for, to have the fields of a
// hit go out past http.Header.
func (w *progressWriter) AvailableBuffer() []byte {
	if w.conn == nil {
		return nil
	}
	return w.conn.fieldBuffer()
}

// WriteFields has lines go out behind the status line.
func (w *progressWriter) WriteFields(lines []byte) { w.conn.fields = lines }

func (w *progressWriter) join(write func() (int64, error)) (int64, error) {
	return w.borrow(headRoom, func(head []byte) (int64, error) { return w.conn.join(head, write) })
}

// borrow lends a buffer of the pool, which it puts back. Of a use that panics it drops
// the buffer: something may still be at it.
func (w *progressWriter) borrow(size int, use func(buf []byte) (int64, error)) (n int64, err error) {
	buf := w.pool.Get(size)
	returned := false
	defer func() {
		if returned {
			w.pool.Put(buf)
		} else {
			strategy.Drop(w.pool, buf)
		}
	}()
	n, err = use(buf)
	returned = true
	return n, err
}

// ReadFrom implements io.ReaderFrom for files. All else is copied by the pool.
func (w *progressWriter) ReadFrom(src io.Reader) (n int64, err error) {
	to, ok := w.ResponseWriter.(io.ReaderFrom)
	file := src
	if limit, limited := src.(*io.LimitedReader); limited {
		file = limit.R
	}
	_, descriptor := file.(syscall.Conn)
	switch {
	case !ok || !descriptor:
		return w.pool.CopyBuffer(struct{ io.Writer }{w}, src)
	case w.conn != nil && w.conn.loopback:
		return w.borrow(loopBuffer, func(buf []byte) (int64, error) {
			return io.CopyBuffer(struct{ io.Writer }{w}, struct{ io.Reader }{src}, buf)
		})
	}
	return to.ReadFrom(src)
}

// loopBuffer is what files go to loopback in: there nothing but the processor copies,
// and 256 KiB took 138 microseconds so, with 32 KiB as many, and 184 by sendfile, 64 KiB
// 44, 50 and 43 (BenchmarkHitToTCP of cache/store/disk).
const loopBuffer = 64 << 10

type progressReader struct {
	io.ReadCloser
	conn    *clientConn // nil: not known
	control *http.ResponseController
	stall   time.Duration

	mu   sync.Mutex // not held while reading, which may take long
	over bool       // the deadlines of the connection are the server's again
}

// end is for when the handler has returned. Transport may still read then, and a
// deadline that it moved could be that of the next request. The one that is set stays:
// the server reads what is left of the body, and sets its own for what comes then.
func (r *progressReader) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.over = true
	if r.conn != nil {
		r.conn.leftover.Store(true)
	}
}

func (r *progressReader) setDeadline(t time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.over {
		_ = r.control.SetReadDeadline(t) // on a connection that is closed, as Read will say
	}
}

func (r *progressReader) Read(p []byte) (int, error) {
	r.setDeadline(time.Now().Add(r.stall))
	n, err := r.ReadCloser.Read(p)
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) { // after which the server would wait for the rest
		// From the end of the body on the server itself reads, to learn of a client
		// that went away. A deadline that passes would look like one: Transport
		// reads once more after the end.
		r.setDeadline(time.Time{})
	}
	return n, err
}
