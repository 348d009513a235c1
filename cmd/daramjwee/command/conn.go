package command

import (
	"context"
	"io"
	"math"
	"net"
	"net/http"
	"time"
)

// kernelPiece is how much the kernel copies under one deadline. It decides how
// slow a client may be: with a minute, 4.3 KB/s.
const kernelPiece = 256 << 10

// headRoom is what http.Server buffers before it writes: an answer whose body is
// longer goes out as so many bytes and, by another system call, the rest.
const headRoom = 4 << 10

// clientConn is a connection to a client. Each Write has its own deadline, so that
// a client may take as long as it likes as long as it takes something every now and
// then; and what http.Server writes in two goes can go out in one.
type clientConn struct {
	net.Conn
	loopback bool // the client is on this machine
	stall    time.Duration
	armed    time.Time // when the deadline was set

	joining bool
	head    []byte // held back while joining; its capacity is headRoom
	pair    [2][]byte
	list    net.Buffers // pair, as far as it is not written; here, since it would be allocated
}

// arm moves the deadline on. The clock is nearly free and a timer is not, so it
// stays where it is for an eighth of its time.
func (c *clientConn) arm() {
	if now := time.Now(); now.Sub(c.armed) > c.stall/8 {
		c.armed = now
		_ = c.SetWriteDeadline(now.Add(c.stall)) // on a connection that is closed, as Write will say
	}
}

func (c *clientConn) Write(p []byte) (int, error) {
	if c.joining && len(c.head) == 0 && len(p) <= cap(c.head) {
		c.head = append(c.head, p...)
		return len(p), nil
	}
	c.arm()
	if len(c.head) == 0 {
		return c.Conn.Write(p)
	}
	held := len(c.head)
	c.pair = [2][]byte{c.head, p}
	c.list = c.pair[:]
	n, err := c.list.WriteTo(c.Conn) // writev
	c.head, c.pair = c.head[:0], [2][]byte{}
	return max(0, int(n)-held), err
}

// join calls write with a buffer of headRoom for what would go out by itself.
func (c *clientConn) join(head []byte, write func() (int, error)) (n int, err error) {
	c.joining, c.head = true, head[:0]
	n, err = write()
	c.joining = false
	if len(c.head) > 0 {
		if _, failed := c.Write(nil); err == nil {
			err = failed
		}
	}
	c.head = nil
	return n, err
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
