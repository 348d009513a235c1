package conformance

import (
	"io"
	"math/bits"
	"sync"
	"unsafe"

	"github.com/daramjwee/daramjwee/strategy"
)

// floorPool is the least that a pool can do: a sync.Pool for each power of two,
// without counters, bounds or marks. It is measured, never tested: it does not
// keep the contract.
type floorPool struct {
	shelves [bits.UintSize + 1]sync.Pool // of *byte
}

func openFloor(strategy.BufferPoolConfig) (strategy.BufferPool, error) { return &floorPool{}, nil }

func (p *floorPool) Get(size int) []byte {
	k := bits.Len(uint(size - 1))
	first, _ := p.shelves[k].Get().(*byte)
	if first == nil {
		return make([]byte, size, 1<<k)
	}
	return unsafe.Slice(first, 1<<k)[:size]
}

func (p *floorPool) Put(buf []byte) {
	p.shelves[bits.Len(uint(cap(buf)-1))].Put(unsafe.SliceData(buf))
}

func (*floorPool) Stats() (none strategy.BufferPoolStats) { return none }

func (p *floorPool) CopyBuffer(dst io.Writer, src io.Reader) (int64, error) {
	buf := p.Get(32 << 10) // io.Copy's length
	defer p.Put(buf)
	return io.CopyBuffer(dst, src, buf)
}

func (p *floorPool) TeeReader(r io.Reader, w io.Writer) io.Reader {
	return &floorTee{io.TeeReader(r, w), p}
}

// floorTee is io.TeeReader's with a WriteTo on a buffer of the floor's.
type floorTee struct {
	io.Reader
	p *floorPool
}

func (t *floorTee) WriteTo(w io.Writer) (int64, error) {
	return t.p.CopyBuffer(w, maskReader{t.Reader})
}

// makePool allocates each time, and copies as the standard library does.
type makePool struct{ floorPool }

func openMake(strategy.BufferPoolConfig) (strategy.BufferPool, error) { return &makePool{}, nil }

func (*makePool) Get(size int) []byte { return make([]byte, size) }
func (*makePool) Put([]byte)          {}

func (*makePool) CopyBuffer(dst io.Writer, src io.Reader) (int64, error) { return io.Copy(dst, src) }
func (*makePool) TeeReader(r io.Reader, w io.Writer) io.Reader           { return io.TeeReader(r, w) }
