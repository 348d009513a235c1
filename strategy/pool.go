package strategy

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync/atomic"
	"unsafe"
)

// Backend keeps the idle buffers of one size class. It is all that a custom
// strategy has to write; NewPool makes a BufferPool of it. Both methods are
// called concurrently.
//
// A Backend may also have Idle() int, the number of buffers it keeps now, and
// may be an io.Closer; Take and Keep may still be called during and after Close.
type Backend interface {
	// Take returns a buffer that Keep accepted, whole and untouched, or nil when
	// there is none. Nobody else may get that buffer until it is kept again.
	Take() []byte
	// Keep accepts an idle buffer, or reports false to leave it to the garbage
	// collector. len(buf) and cap(buf) are the size of the class.
	Keep(buf []byte) bool
}

// DefaultBufferPool is a BufferPool over one Backend per size class. It adds
// what every strategy needs and none should have to write: size classes, exact
// statistics, refusal of repeated Puts, Scrub, and the stream functions.
type DefaultBufferPool struct {
	cfg     BufferPoolConfig      // every default filled in
	classes atomic.Pointer[table] // empty from the start when nothing is kept, and once closed
	secret  uint64                // makes the mark of an idle buffer unguessable
	counts  counters
}

var _ BufferPool = (*DefaultBufferPool)(nil)

// NewPool opens a pool that keeps its idle buffers in the Backends that open
// returns, one call per size class. A nil open keeps nothing. cfg.Strategy is not
// looked at; a fault in the rest is an errors.Join of *ConfigError. With
// cfg.Enabled false, open is not called, and the pool is the standard library.
func NewPool(cfg BufferPoolConfig, open func(size int) Backend) (*DefaultBufferPool, error) {
	if err := cfg.validateSizes(); err != nil {
		return nil, err
	}
	p := &DefaultBufferPool{cfg: cfg.WithDefaults(), secret: rand.Uint64()}
	var t table
	if p.cfg.Enabled && open != nil {
		for _, size := range classSizes(p.cfg) {
			b := open(size)
			if b == nil {
				return nil, fmt.Errorf("strategy: no Backend for the size class of %d bytes", size)
			}
			t.add(size, b)
		}
	}
	p.classes.Store(&t)
	return p, nil
}

// Get implements BufferPool.
func (p *DefaultBufferPool) Get(size int) []byte {
	if size <= 0 {
		size = p.cfg.DefaultBufferSize
	}
	c := p.classes.Load().fit(size)
	if c == nil {
		buf := make([]byte, size) // before the count: a size that cannot be had panics and counts nothing
		p.counts.stripe().misses.Add(1)
		return buf
	}
	if buf := c.take(); buf != nil {
		if p.clearMark(buf) {
			p.counts.stripe().hits.Add(1)
			return buf[:size]
		}
		// Someone wrote to it after Put, or two Puts raced and another holder has
		// it: either way it is not safe to lend.
		p.counts.stripe().damaged.Add(1)
	}
	buf := make([]byte, size, c.size)
	p.counts.stripe().misses.Add(1)
	return buf
}

// Put implements BufferPool.
func (p *DefaultBufferPool) Put(buf []byte) {
	if cap(buf) == 0 {
		return
	}
	// A class is recognised by exact capacity: by length, one short append would
	// pin a large array in a small class for ever (golang/go #23199).
	c := p.classes.Load().fit(cap(buf))
	if c == nil || c.size != cap(buf) {
		p.counts.discard()
		return
	}
	buf = buf[:c.size]
	if p.marked(buf) {
		p.counts.stripe().doublePuts.Add(1)
		return
	}
	p.counts.stripe().puts.Add(1) // before another Get can see the buffer, so that ActiveBuffers is never negative
	if p.cfg.Scrub {
		clear(buf)
	}
	p.mark(buf)
	if !c.calls.Keep(buf) {
		p.clearMark(buf) // it is not idle, so putting it again would not be a repeat
		p.counts.stripe().discards.Add(1)
	}
}

// Drop gives up a buffer that something may still touch; see the function Drop.
func (p *DefaultBufferPool) Drop(buf []byte) {
	if cap(buf) != 0 {
		p.counts.discard()
	}
}

// CopyBuffer implements BufferPool.
func (p *DefaultBufferPool) CopyBuffer(dst io.Writer, src io.Reader) (int64, error) {
	if !p.cfg.Enabled {
		return io.Copy(dst, src)
	}
	return OptimizedCopyBuffer(p, dst, src)
}

// TeeReader implements BufferPool.
func (p *DefaultBufferPool) TeeReader(r io.Reader, w io.Writer) io.Reader {
	if !p.cfg.Enabled {
		return io.TeeReader(r, w)
	}
	return OptimizedTeeReader(p, r, w)
}

// Stats implements BufferPool. It allocates nothing and waits for nobody.
func (p *DefaultBufferPool) Stats() BufferPoolStats {
	s := p.counts.snapshot()
	s.IdleBuffers, s.IdleBytes = p.classes.Load().idle()
	return s
}

// Close lets go of everything idle and closes the Backends that are io.Closers.
// Buffers that are out may still be put: they are discarded. Closing twice is
// closing once.
func (p *DefaultBufferPool) Close() error {
	// A Put that loaded the old table keeps its buffer in a Backend that nothing
	// reaches any more, so there is nothing to wait for.
	old := p.classes.Swap(new(table))
	var errs []error
	for i := range old.classes {
		if c, ok := old.classes[i].backend.(io.Closer); ok {
			errs = append(errs, c.Close())
		}
	}
	return errors.Join(errs...)
}

// The mark of an idle buffer is a secret of the pool xor the buffer's address,
// in its first eight bytes. Put finds it there when the buffer is idle already;
// Get does not find it when somebody wrote to the buffer meanwhile.

func (p *DefaultBufferPool) markOf(buf []byte) uint64 {
	return p.secret ^ uint64(uintptr(unsafe.Pointer(unsafe.SliceData(buf))))
}

func (p *DefaultBufferPool) marked(buf []byte) bool {
	return binary.NativeEndian.Uint64(buf) == p.markOf(buf)
}

func (p *DefaultBufferPool) mark(buf []byte) {
	binary.NativeEndian.PutUint64(buf, p.markOf(buf))
}

// clearMark reports whether the mark was there. What it leaves is zero, as
// Scrub promises.
func (p *DefaultBufferPool) clearMark(buf []byte) bool {
	if !p.marked(buf) {
		return false
	}
	binary.NativeEndian.PutUint64(buf, 0)
	return true
}
