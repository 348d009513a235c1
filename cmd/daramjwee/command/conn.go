package command

import (
	"context"
	"io"
	"math"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// kernelPiece is how much goes to the kernel under one deadline. It decides how
// slow a client may be: with a minute, 4.3 KB/s.
const kernelPiece = 256 << 10

// clientConn is a connection to a client. Each Write has its own deadline, so that
// a client may take as long as it likes as long as it takes something every now and
// then; and what http.Server writes in many goes can go out in one.
type clientConn struct {
	net.Conn
	loopback bool // the client is on this machine
	stall    time.Duration
	armed    time.Time   // when the deadline was set
	leftover atomic.Bool // the handler has returned, and may have left some of the request's body
	reads    reads

	fields  []byte // lines that go out behind the next status line
	joining bool
	list    net.Buffers // what is held back to go out together
	held    int         // bytes of it
	lost    int         // bytes that were held back and not written
	head    []byte      // has those that http.Server's buffer had; the rest is the caller's of join
	rest    net.Buffers // of list; here, since it would be allocated
}

// ReadFrom implements io.ReaderFrom, so that files go out by sendfile: in pieces,
// since one call for all of it would know no progress.
func (c *clientConn) ReadFrom(src io.Reader) (n int64, err error) {
	to, ok := c.Conn.(io.ReaderFrom)
	if !ok {
		return io.Copy(struct{ io.Writer }{c}, src)
	}
	limit, limited := src.(*io.LimitedReader)
	if !limited {
		limit = &io.LimitedReader{R: src, N: math.MaxInt64}
	}
	for limit.N > 0 {
		// The kernel paths look for an *io.LimitedReader right over the file.
		piece := &io.LimitedReader{R: limit.R, N: min(limit.N, kernelPiece)}
		asked := piece.N
		c.arm()
		m, err := to.ReadFrom(piece)
		n += m
		limit.N -= m
		if err != nil || m < asked {
			return n, err
		}
	}
	return n, nil
}

// CloseWrite is what http.Server ends a connection with, for a client that has not
// read its answer yet.
func (c *clientConn) CloseWrite() error {
	if to, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return to.CloseWrite()
	}
	return nil
}

// clientListener makes every connection one.
type clientListener struct {
	net.Listener
	stall time.Duration
}

func (l *clientListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	from, ok := c.RemoteAddr().(*net.TCPAddr)
	return &clientConn{Conn: c, loopback: ok && from.IP.IsLoopback(), stall: l.stall}, nil
}

type connKey struct{}

// withConn is for http.Server.ConnContext.
func withConn(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, c)
}

// connOf is the connection of a request, or nil.
func connOf(r *http.Request) *clientConn {
	c, _ := r.Context().Value(connKey{}).(*clientConn)
	return c
}
