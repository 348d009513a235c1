// Package bytebuffer is the strategy on valyala/bytebufferpool: one calibrating
// pool per size class.
//
// Cost: less than twice syncpool's on one core and more on several, since its
// calibration counts calls in memory that all cores share. Get and Put allocate
// nothing. Once calibrated (after 42,000 puts), a miss costs an allocation twice:
// bytebufferpool makes a buffer before it can say that it had none.
//
// Bound: none by number, like syncpool; underneath it is a sync.Pool, and what
// two collections find unused is freed. Buffers over 32 MiB are not kept:
// bytebufferpool drops them once calibrated, without saying so.
//
// Choose it where bytebufferpool is the house's pool already. Otherwise syncpool
// does the same for less, and channel adds a bound.
package bytebuffer

import (
	"sync"
	"unsafe"

	"github.com/valyala/bytebufferpool"

	"github.com/daramjwee/daramjwee/internal/calm"
	"github.com/daramjwee/daramjwee/strategy"
)

// Name is what a configuration calls this strategy.
const Name = "bytebuffer"

// largest is bytebufferpool's own bound on what it keeps: 64 << 19.
const largest = 32 << 20

func init() { strategy.Register(Name, open) }

func open(cfg strategy.BufferPoolConfig) (strategy.BufferPool, error) {
	return strategy.NewPool(cfg, func(size int) strategy.Backend {
		if size > largest {
			return refuse{}
		}
		b := &backend{size: size, kept: size - 1}
		if b.kept%64 == 0 {
			b.kept--
		}
		return b
	})
}

// backend keeps a buffer with a byte or two of its capacity hidden. A fresh buffer of
// bytebufferpool's has a capacity that is a multiple of 64, so another one tells a
// kept buffer from a fresh one.
type backend struct {
	calm.Backend

	buffers  bytebufferpool.Pool // first: its counters want to be aligned to 8 bytes, on 32 bits too
	wrappers sync.Pool           // of *bytebufferpool.ByteBuffer whose B is nil
	size     int
	kept     int // the capacity of what is kept, no multiple of 64
}

// padded keeps the wrappers of two cores off one cache line.
type padded struct {
	bytebufferpool.ByteBuffer
	_ [128 - unsafe.Sizeof(bytebufferpool.ByteBuffer{})]byte
}

func (b *backend) Take() []byte {
	w := b.buffers.Get()
	if cap(w.B) != b.kept {
		return nil // a fresh one
	}
	buf := unsafe.Slice(unsafe.SliceData(w.B), b.size)
	w.B = nil
	b.wrappers.Put(w)
	return buf
}

func (b *backend) Keep(buf []byte) bool {
	w, _ := b.wrappers.Get().(*bytebufferpool.ByteBuffer)
	if w == nil {
		w = &new(padded).ByteBuffer
	}
	w.B = buf[:b.kept:b.kept] // full length: calibration looks at it
	b.buffers.Put(w)
	return true
}

type refuse struct{}

func (refuse) Take() []byte     { return nil }
func (refuse) Keep([]byte) bool { return false }
