package command

import "time"

// arm moves the deadline on. The clock is nearly free and a timer is not, so it
// stays where it is for an eighth of its time.
func (c *clientConn) arm() {
	if time.Since(c.armed) > c.stall/8 {
		c.armed = time.Now()
		_ = c.Conn.SetWriteDeadline(c.armed.Add(c.stall)) // on a connection that is closed, as Write will say
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
	if err := c.setReadBy(t); err != nil {
		return err
	}
	return c.SetWriteDeadline(t)
}

// SetReadDeadline leaves no read of what a handler left of a request's body without a
// deadline: http.Server takes it away when somebody (Transport) still reads that as the
// handler returns. The server's next deadline, for the next request, ends this.
func (c *clientConn) SetReadDeadline(t time.Time) error {
	if c.leftover.Load() {
		switch now := time.Now(); {
		case t.IsZero():
			t = now.Add(c.stall)
		case t.After(now):
			c.leftover.Store(false)
		}
	}
	return c.setReadBy(t)
}
