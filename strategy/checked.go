package strategy

import (
	"io"
	"sync/atomic"
)

// CheckedPool is a BufferPool that finds out who breaks the ownership rules. It
// is for tests, and for the search of a fault: it allocates on every Get.
//
// Every Get takes a buffer out of the pool beneath, which goes on to reuse and
// count as ever, and lends a fresh one of the same length and capacity in its
// place. So no address is lent twice, and whoever still has a buffer that he put
// disturbs nobody, and is seen:
//
//   - A Put ends a loan that is known by address. A repeat of it, simultaneous or
//     stale, and a Put of a part or of foreign memory are reported at once. They
//     do not reach the pool beneath: it counts the first end of a loan as a Put,
//     any other one is in Stats().DoublePuts, and a foreign buffer is a discard.
//   - Put fills the buffer with Poison, from its first byte to its capacity. Who
//     reads it later sees that. Who writes to it is found when the pool beneath
//     lends its buffer again, in Check and Close, and when the garbage collector
//     frees the memory, whichever is first, and is counted in Stats().Damaged.
//   - A buffer that is collected while it is lent is a leak. Held lists what is
//     out now; Close reports it.
//   - A buffer is lent full of Unwritten, or of zeroes where the pool was
//     configured with Scrub or is disabled. A pool that is not NewPool's lends the
//     contents that it chose.
//
// A buffer given up by Drop is no leak, and may be written to. All methods are
// safe for concurrent use.
type CheckedPool struct {
	inner   BufferPool
	loans   *loans
	repeats atomic.Int64           // puts that ended no loan and were not foreign
	fill    func(lent, own []byte) // gives a fresh buffer its contents
	copies  bool                   // a disabled pool leaves copies to io
}

var _ BufferPool = (*CheckedPool)(nil)

// Checked returns pool with every loan checked. From then on, pool is only to be
// used through the result. A pool that is a CheckedPool is not checked twice: the
// result takes its place.
//
// onMisuse is called for each Misuse, on the goroutine that found it, which for a
// Leak or a write is also the one on which the runtime runs finalizers: it must
// not block. It may be called concurrently. If it is nil, the goroutine panics
// with the *Misuse.
func Checked(pool BufferPool, onMisuse func(*Misuse)) *CheckedPool {
	if c, ok := pool.(*CheckedPool); ok {
		pool = c.inner
	}
	if onMisuse == nil {
		onMisuse = func(m *Misuse) { panic(m) }
	}
	c := &CheckedPool{inner: pool, loans: newLoans(onMisuse), copies: true}
	c.fill = func(lent, own []byte) { copy(lent, own) } // what an unknown pool promises, it keeps
	if p, ok := pool.(*DefaultBufferPool); ok {
		c.copies = p.cfg.Enabled
		c.fill = func(lent, _ []byte) { flood(lent, unwrittenPage) }
		if p.cfg.Scrub || !p.cfg.Enabled {
			c.fill = func(_, _ []byte) {}
		}
	}
	return c
}

// Get implements BufferPool.
func (c *CheckedPool) Get(size int) []byte {
	own := c.inner.Get(size)
	if cap(own) == 0 {
		return own // breaks the contract, and is nothing that could be lent
	}
	c.loans.lentAgain(own)
	buf := c.loans.open(own)
	c.fill(buf[:cap(buf)], own[:cap(own)])
	return buf
}

// Put implements BufferPool.
func (c *CheckedPool) Put(buf []byte) {
	if cap(buf) != 0 {
		c.end(buf, idle)
	}
}

// Drop gives up a buffer that something may still touch; see the function Drop.
func (c *CheckedPool) Drop(buf []byte) {
	if cap(buf) != 0 {
		c.end(buf, dropped)
	}
}

// end ends the loan of buf, and settles the count of the pool beneath: one Put or
// Drop for each loan, however it ends.
func (c *CheckedPool) end(buf []byte, as state) {
	own, misuse := c.loans.end(buf, as)
	switch {
	case misuse == nil && as == idle:
		c.inner.Put(own)
		return
	case own != nil:
		Drop(c.inner, own)
	case misuse.Kind == ForeignPut:
		Drop(c.inner, buf)
	default:
		c.repeats.Add(1)
	}
	if misuse != nil {
		c.loans.onMisuse(misuse)
	}
}

// CopyBuffer implements BufferPool.
func (c *CheckedPool) CopyBuffer(dst io.Writer, src io.Reader) (int64, error) {
	if !c.copies {
		return c.inner.CopyBuffer(dst, src)
	}
	return OptimizedCopyBuffer(c, dst, src)
}

// TeeReader implements BufferPool.
func (c *CheckedPool) TeeReader(r io.Reader, w io.Writer) io.Reader {
	if !c.copies {
		return c.inner.TeeReader(r, w)
	}
	return OptimizedTeeReader(c, r, w)
}

// Stats are those of the pool beneath, with the repeats and writes found here.
func (c *CheckedPool) Stats() BufferPoolStats {
	s := c.inner.Stats()
	s.DoublePuts += c.repeats.Load()
	s.Damaged += c.loans.written.Load()
	return s
}

// Check looks at every buffer that was put and is not collected yet, and reports
// those that were written to, and leaks that a collection has found. It neither
// stops other calls nor starts a collection.
func (c *CheckedPool) Check() { c.loans.check() }

// Held returns what is out now, the longest loan first, each as a Misuse of the
// kind HeldAtClose that names the Get. It reports nothing.
func (c *CheckedPool) Held() []*Misuse { return c.loans.held(false) }

// Close is Check, reports each buffer that is out as HeldAtClose, once, and closes
// the pool beneath. What is out may still be put.
func (c *CheckedPool) Close() error {
	err := Close(c.inner)
	c.Check()
	for _, m := range c.loans.held(true) {
		c.loans.onMisuse(m)
	}
	return err
}

// Unwrap returns the pool beneath, which knows the counts and is not to be used.
func (c *CheckedPool) Unwrap() BufferPool { return c.inner }

// maxKept makes copies ask for what they ask of the pool beneath.
func (c *CheckedPool) maxKept() int {
	if k, ok := c.inner.(interface{ maxKept() int }); ok {
		return k.maxKept()
	}
	return 0
}
