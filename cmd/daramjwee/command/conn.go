package command

import (
	"context"
	"io"
	"math"
	"net"
	"net/http"
	"time"
)

// kernelPiece is how much goes to the kernel under one deadline. It decides how
// slow a client may be: with a minute, 4.3 KB/s.
const kernelPiece = 256 << 10

// headRoom is what http.Server buffers before it writes: an answer whose body is
// longer goes out as so many bytes and, by another system call, the rest.
const headRoom = 4 << 10

// clientConn is a connection to a client. Each Write has its own deadline, so that
// a client may take as long as it likes as long as it takes something every now and
// then; and what http.Server writes in many goes can go out in one.
type clientConn struct {
	net.Conn
	loopback bool // the client is on this machine
	stall    time.Duration
	armed    time.Time // when the deadline was set

	joining bool
	list    net.Buffers // what is held back while joining
	held    int         // bytes of it
	lost    int         // bytes that were held back and not written
	head    []byte      // has those that http.Server's buffer had; the rest is the caller's of join
	rest    net.Buffers // of list; here, since it would be allocated
}

// arm moves the deadline on. The clock is nearly free and a timer is not, so it
// stays where it is for an eighth of its time.
func (c *clientConn) arm() {
	if now := time.Now(); now.Sub(c.armed) > c.stall/8 {
		c.armed = now
		_ = c.Conn.SetWriteDeadline(now.Add(c.stall)) // on a connection that is closed, as Write will say
	}
}

// SetWriteDeadline takes no deadline away: http.Server does so after each answer, and
// arm, which would not know, could leave the next one without. Any other is good until
// the next Write.
func (c *clientConn) SetWriteDeadline(t time.Time) error {
	if t.IsZero() {
		return nil
	}
	c.armed = time.Time{}
	return c.Conn.SetWriteDeadline(t)
}

// SetDeadline is what http.Server calls when a handler takes the connection over, whose
// Writes are bounded like any.
func (c *clientConn) SetDeadline(t time.Time) error {
	if err := c.Conn.SetReadDeadline(t); err != nil {
		return err
	}
	return c.SetWriteDeadline(t)
}

func (c *clientConn) Write(p []byte) (int, error) {
	if !c.joining {
		c.arm()
		return c.Conn.Write(p)
	}
	if len(p) <= headRoom {
		if len(p) > headRoom-len(c.head) {
			if err := c.flush(); err != nil {
				return 0, err
			}
		}
		c.head = append(c.head, p...)
		p = c.head[len(c.head)-len(p):]
	}
	c.list = append(c.list, p)
	if c.held += len(p); c.held >= kernelPiece {
		return len(p), c.flush()
	}
	return len(p), nil
}

// flush writes what is held back, by writev. If it cannot, no more answers may follow:
// http.Server has been told of bytes that did not go out.
func (c *clientConn) flush() error {
	c.arm()
	c.rest = c.list
	n, err := c.rest.WriteTo(c.Conn)
	c.lost += c.held - int(n)
	c.forget()
	if err != nil {
		_ = c.Conn.Close()
	}
	return err
}

func (c *clientConn) forget() {
	clear(c.list)
	c.list, c.head, c.held, c.rest = c.list[:0], c.head[:0], 0, nil
}

// join holds back what write writes, to send it together. What write gives to Write
// must stay as it is until join returns, but for pieces of up to headRoom, which go
// through head. The result is write's, less what did not go out. Should write panic, the
// answer is broken off, and so is the connection.
func (c *clientConn) join(head []byte, write func() (int64, error)) (n int64, err error) {
	c.joining, c.head, c.lost = true, head[:0], 0
	returned := false
	defer func() {
		c.forget()
		c.joining, c.head = false, nil
		if !returned {
			_ = c.Conn.Close()
		}
	}()
	n, err = write()
	if c.held > 0 {
		if failed := c.flush(); err == nil {
			err = failed
		}
	}
	returned = true
	return max(0, n-int64(c.lost)), err
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
