package compare

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
)

// period is how long the pattern of the bodies is. It is prime, so that no two
// blocks of a body begin alike whatever their length: a block at the wrong place is
// a wrong body.
const period = 65521

// pattern holds the period twice, so that from any place in it a whole one follows.
var pattern = func() []byte {
	random := rand.NewChaCha8([32]byte([]byte("the wheel of a squirrel's cage..")))
	p := make([]byte, period, 2*period)
	random.Read(p)
	return append(p, p...)
}()

// body is what the origin sends: the pattern from a place that differs by object.
// Like the body of an HTTP response it has Read and nothing more.
type body struct {
	at   int // in the pattern
	left int64
}

func (b *body) Read(p []byte) (int, error) {
	if b.left == 0 {
		return 0, io.EOF
	}
	n := copy(p[:min(int64(len(p)), b.left)], pattern[b.at:b.at+period])
	b.at = (b.at + n) % period
	b.left -= int64(n)
	return n, nil
}

func (*body) Close() error { return nil }

// check is a destination that fails on the first byte that is not the body's. It
// has Write and nothing more, as a response over TLS has in effect.
type check struct {
	at     int // in the pattern
	n, len int64
}

func (c *check) Write(p []byte) (int, error) {
	if c.n+int64(len(p)) > c.len {
		return 0, fmt.Errorf("a body of %d bytes goes on after its end", c.len)
	}
	for rest := p; len(rest) > 0; {
		want := pattern[c.at : c.at+min(len(rest), period)]
		if !bytes.Equal(want, rest[:len(want)]) {
			return 0, fmt.Errorf("a body of %d bytes has wrong bytes from %d on", c.len, c.n)
		}
		rest = rest[len(want):]
		c.at = (c.at + len(want)) % period
		c.n += int64(len(want))
	}
	return len(p), nil
}

// ended says whether the body came whole.
func (c *check) ended() error {
	if c.n < c.len {
		return fmt.Errorf("a body of %d bytes ended after %d", c.len, c.n)
	}
	return nil
}
