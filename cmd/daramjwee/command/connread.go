package command

import (
	"os"
	"sync"
	"time"
)

// watchDelay is by how much the leaving of a client may be noticed late.
const watchDelay = 100 * time.Millisecond

// reads is the reading side of a clientConn. Beside every handler http.Server reads,
// to learn of a client that leaves, and it sets six deadlines for each request. Most
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
	if !r.by.Equal(r.set) {
		if !r.by.IsZero() && time.Until(r.by) <= 0 {
			return os.ErrDeadlineExceeded
		}
		if err := c.Conn.SetReadDeadline(r.by); err != nil {
			return err
		}
		r.set = r.by
	}
	r.underWay++
	return nil
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
	r.deferred = true
	switch {
	case r.delay == nil:
		r.changed.L = &r.mu
		r.delay = time.AfterFunc(watchDelay, r.release)
	case !r.delaying: // else this one waits for less
		r.delay.Reset(watchDelay)
	}
	r.delaying = true
}

// release ends a Read's wait, when the delay is over or the connection closed.
func (r *reads) release() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.deferred, r.delaying = false, false
	if r.delay != nil {
		r.delay.Stop()
	}
	r.changed.Broadcast()
}

// Close implements net.Conn.
func (c *clientConn) Close() error {
	c.reads.release()
	return c.Conn.Close()
}
