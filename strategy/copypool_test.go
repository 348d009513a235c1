package strategy_test

import (
	"bytes"
	"io"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/daramjwee/daramjwee/strategy"
)

// poisonPool is a pool of one's own: it has Get and Put, and the framework's
// functions do the rest. Its buffers are full of a byte that no source has, and
// it knows each one that is out.
type poisonPool struct {
	gets    []int // the sizes asked for
	out     map[*byte]int
	idle    map[int][][]byte // by capacity
	dropped int
	foreign int // puts of what is not out
}

const poison = 0xDB

func (p *poisonPool) Get(size int) []byte {
	p.gets = append(p.gets, size)
	if size <= 0 {
		size = 32 << 10 // io.Copy's, so that positions can be compared
	}
	class := size
	for _, c := range []int{64 << 10, 32 << 10, 4 << 10} {
		if size <= c {
			class = c
		}
	}
	var buf []byte
	if n := len(p.idle[class]); n > 0 {
		buf = p.idle[class][n-1]
		p.idle[class] = p.idle[class][:n-1]
	} else {
		buf = bytes.Repeat([]byte{poison}, class)[:class:class]
	}
	if p.out == nil {
		p.out, p.idle = make(map[*byte]int), make(map[int][][]byte)
	}
	p.out[unsafe.SliceData(buf)] = class
	return buf[:size]
}

func (p *poisonPool) Put(buf []byte) {
	if !p.back(buf) {
		return
	}
	buf = buf[:cap(buf)]
	for i := range buf {
		buf[i] = poison
	}
	p.idle[cap(buf)] = append(p.idle[cap(buf)], buf)
}

func (p *poisonPool) Drop(buf []byte) {
	if p.back(buf) {
		p.dropped++
	}
}

func (p *poisonPool) back(buf []byte) bool {
	class, ok := p.out[unsafe.SliceData(buf)]
	if !ok || class != cap(buf) {
		p.foreign++
		return false
	}
	delete(p.out, unsafe.SliceData(buf))
	return true
}

func (p *poisonPool) CopyBuffer(dst io.Writer, src io.Reader) (int64, error) {
	return strategy.OptimizedCopyBuffer(p, dst, src)
}

func (p *poisonPool) TeeReader(r io.Reader, w io.Writer) io.Reader {
	return strategy.OptimizedTeeReader(p, r, w)
}

func (p *poisonPool) Stats() strategy.BufferPoolStats { return strategy.BufferPoolStats{} }

// settled requires that everything came back, and nothing else did.
func (p *poisonPool) settled(t *testing.T, name string) {
	t.Helper()
	require.Empty(t, p.out, "%s: buffers out", name)
	require.Zero(t, p.foreign, "%s: put what was not got", name)
	for _, size := range p.gets {
		require.LessOrEqual(t, size, 64<<10, name)
	}
}

// pattern returns n bytes without the poison.
func pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i*7 + i>>8)
		if b[i] == poison {
			b[i] = 0
		}
	}
	return b
}
