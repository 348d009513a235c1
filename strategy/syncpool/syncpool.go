// Package syncpool is the default strategy: one sync.Pool per size class.
//
// Cost: the cheapest of the four, and the only one that scales with the cores,
// since each has a shelf of its own. Get and Put allocate nothing.
//
// Bound: none by number; the garbage collector is the bound. A buffer that two
// collections find unused is freed, so a burst is forgotten by itself, and a
// service that collects often finds its pool empty more often.
//
// Choose it unless you know better. Choose channel for a hard bound on idle
// memory, or buffers that must survive collections; bytebuffer where
// valyala/bytebufferpool is the house's pool already; noop to see what pooling
// saves.
package syncpool

import (
	"sync"
	"unsafe"

	"github.com/daramjwee/daramjwee/internal/calm"
	"github.com/daramjwee/daramjwee/strategy"
)

// Name is what a configuration calls this strategy.
const Name = "syncpool"

func init() { strategy.Register(Name, open) }

func open(cfg strategy.BufferPoolConfig) (strategy.BufferPool, error) {
	return strategy.NewPool(cfg, func(size int) strategy.Backend { return &backend{size: size} })
}

// backend keeps pointers to first bytes: a []byte put into a sync.Pool would box
// its header, 24 bytes and an allocation each time. The pool has no New, so that
// nil is a miss.
type backend struct {
	calm.Backend

	size int
	pool sync.Pool // of *byte
}

func (b *backend) Take() []byte {
	first, _ := b.pool.Get().(*byte)
	if first == nil {
		return nil
	}
	return unsafe.Slice(first, b.size)
}

func (b *backend) Keep(buf []byte) bool {
	b.pool.Put(unsafe.SliceData(buf))
	return true
}
