package command

import "bytes"

// headRoom is what http.Server buffers before it writes: an answer whose body is
// longer goes out as so many bytes and, by another system call, the rest.
const headRoom = 4 << 10

func (c *clientConn) Write(p []byte) (int, error) {
	if !c.joining {
		if len(c.fields) == 0 {
			c.arm()
			return c.Conn.Write(p)
		}
		c.hold(p)
		err := c.flush()
		return max(0, len(p)-c.lost), err
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
	if c.hold(p); c.held >= kernelPiece {
		return len(p), c.flush()
	}
	return len(p), nil
}

// hold adds p to what is held back, with the fields behind the status line: p begins with
// that, should there be any.
func (c *clientConn) hold(p []byte) {
	c.held += len(c.fields) + len(p)
	if len(c.fields) > 0 {
		status := bytes.IndexByte(p, '\n') + 1
		c.list = append(c.list, p[:status], c.fields)
		c.fields, p = c.fields[:0], p[status:]
	}
	c.list = append(c.list, p)
}

// fieldBuffer is empty. It lies with the connection: most answers of one have as many
// fields.
func (c *clientConn) fieldBuffer() []byte {
	if c.fields == nil {
		c.fields = make([]byte, 0, 512)
	}
	return c.fields[:0]
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
		_ = c.Close()
	}
	return err
}

func (c *clientConn) forget() {
	clear(c.list)
	if len(c.fields) == 0 && cap(c.fields) > headRoom { // no idle connection is to keep the largest header it has seen
		c.fields = nil
	}
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
			_ = c.Close()
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
