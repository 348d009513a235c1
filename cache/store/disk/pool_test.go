package disk

import (
	"bytes"
	"io"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/daramjwee/daramjwee/strategy"
)

// strictPool lends dirty buffers, spoils what comes back and knows what is out.
type strictPool struct {
	mu     sync.Mutex
	out    map[*byte]int // lengths
	gets   int
	copies int
	faults int
}

func newStrictPool(t *testing.T) *strictPool {
	p := &strictPool{out: make(map[*byte]int)}
	t.Cleanup(func() {
		require.Empty(t, p.out, "buffers not given back")
		require.Zero(t, p.faults, "buffers given back that were not out, or not whole")
	})
	return p
}

func (p *strictPool) Get(n int) []byte {
	b := bytes.Repeat([]byte{0xdb}, n)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.gets++
	p.out[&b[0]] = n
	return b
}

func (p *strictPool) Put(b []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.out[&b[0]] != len(b) {
		p.faults++
	}
	delete(p.out, &b[0])
	clear(b)
}

func (p *strictPool) CopyBuffer(dst io.Writer, src io.Reader) (int64, error) {
	p.mu.Lock()
	p.copies++
	p.mu.Unlock()
	return io.Copy(dst, src)
}

func (p *strictPool) TeeReader(r io.Reader, w io.Writer) io.Reader { return io.TeeReader(r, w) }
func (p *strictPool) Stats() strategy.BufferPoolStats              { return strategy.BufferPoolStats{} }
