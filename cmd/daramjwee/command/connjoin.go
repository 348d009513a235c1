package command

// headRoom is what http.Server buffers before it writes: an answer whose body is
// longer goes out as so many bytes and, by another system call, the rest.
const headRoom = 4 << 10

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
