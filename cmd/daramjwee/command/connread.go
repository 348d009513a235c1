package command

import (
	"net"
	"os"
	"sync"
	"time"
)

// watchDelay is by how much the leaving of a client may be noticed late.
const watchDelay = 100 * time.Millisecond

// reads is the reading side of a clientConn. Beside every handler http.Server reads,
// to learn of a client that leaves, and it sets five deadlines for each request. Most
// answers are out before any of that matters. So a Read beside a handler waits, for
// watchDelay at most, before it contends with the Writes for the lock of the socket; and
// a deadline is set when a Read begins, or moved while one is under way.
type reads struct {
	mu       sync.Mutex
	changed  sync.Cond
	underWay int         // in Read of the Conn beneath
	deferred bool        // until the next deadline, or watchDelay
	delay    *time.Timer // ends deferred; nil until there is one
	delaying bool        // delay is running
	by, set  time.Time   // the deadline, and what the Conn has
}

// Read implements net.Conn.
func (c *clientConn) Read(p []byte) (int, error) {
	if err := c.beginRead(); err != nil {
		return 0, err
	}
	n, err := c.Conn.Read(p)
	c.reads.mu.Lock()
	c.reads.underWay--
	c.reads.mu.Unlock()
	return n, err
}

func (c *clientConn) beginRead() error {
	r := &c.reads
	r.mu.Lock()
	defer r.mu.Unlock()
	for r.deferred {
		r.changed.Wait()
	}
	if err := r.arm(c.Conn); err != nil {
		return err
	}
	r.underWay++
	return nil
}

// arm wants mu. Like clientConn.arm it leaves a deadline that is near enough.
func (r *reads) arm(c net.Conn) error {
	if r.by.Equal(r.set) {
		return nil
	}
	left := time.Until(r.by)
	switch late := r.by.Sub(r.set); {
	case late > 0 && late < left/8:
		return nil
	case left <= 0 && !r.by.IsZero():
		return os.ErrDeadlineExceeded
	}
	r.set = r.by
	return c.SetReadDeadline(r.by)
}

// setReadBy is SetReadDeadline. What a closed connection has to say, Read will.
func (c *clientConn) setReadBy(t time.Time) error {
	r := &c.reads
	r.mu.Lock()
	defer r.mu.Unlock()
	r.by, r.deferred = t, false
	r.changed.Broadcast()
	if r.underWay == 0 {
		return nil
	}
	r.set = t
	return c.Conn.SetReadDeadline(t)
}

// deferRead has the next Read wait, unless one is under way. It is for a handler whose
// request has no body: the next to read is the server, beside it.
func (c *clientConn) deferRead() {
	r := &c.reads
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.underWay > 0 {
		return
	}
	r.deferred, r.changed.L = true, &r.mu
	if r.delaying { // for an earlier request: this one then waits for less
		return
	}
	r.delaying = true
	if r.delay == nil {
		r.delay = time.AfterFunc(watchDelay, r.release)
	} else {
		r.delay.Reset(watchDelay)
	}
}

func (r *reads) release() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.deferred, r.delaying = false, false
	r.changed.Broadcast()
}

// Close implements net.Conn.
func (c *clientConn) Close() error {
	c.reads.release()
	return c.Conn.Close()
}
