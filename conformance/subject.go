package conformance

import (
	"net"
	"runtime"
	"slices"
	"unsafe"
	"weak"

	"github.com/daramjwee/daramjwee/strategy"
)

// poolCheck is a check of a pool's rule, with the means to open pools.
type poolCheck struct {
	*check
	rooms
	o    Options
	open strategy.Factory
	cfg  strategy.BufferPoolConfig // what fresh opens with

	loopback *net.TCPListener // nil before listen
}

func (r *poolRule) check(open strategy.Factory, o Options) []*Violation {
	c := &poolCheck{check: &check{rule: r.Rule, mend: r.mend}, o: o, open: open, cfg: o.config()}
	return c.run(func() { r.run(c) }, o.timeout())
}

// fresh opens a pool that is closed when the rule is over.
func (c *poolCheck) fresh() strategy.BufferPool { return c.freshWith(c.cfg) }

func (c *poolCheck) freshWith(cfg strategy.BufferPoolConfig) strategy.BufferPool {
	p := c.unclosed(cfg)
	c.cleanup(func() { _ = strategy.Close(p) })
	return p
}

func (c *poolCheck) unclosed(cfg strategy.BufferPoolConfig) strategy.BufferPool {
	p, err := c.open(cfg)
	if err != nil || p == nil {
		c.must(false, []any{p, err}, "a pool and no error", "Factory(%+v)", cfg)
	}
	return p
}

// get is Get with a check that only stops what would otherwise panic later: the
// length itself is the matter of get/length.
func (c *poolCheck) get(p strategy.BufferPool, size int) []byte {
	buf := p.Get(size)
	if len(buf) < size {
		c.must(false, len(buf), size, "len(Get(%d))", size)
	}
	return buf
}

// classes are the lengths where a pool of this configuration may change its mind.
func (c *poolCheck) classes() []int {
	sizes := []int{c.cfg.MinBufferSize}
	for n := c.cfg.DefaultBufferSize; n < c.cfg.MaxBufferSize; n *= 2 {
		sizes = append(sizes, n)
	}
	return slices.Compact(append(sizes, c.cfg.MaxBufferSize))
}

func (c *poolCheck) small() int { return c.cfg.MinBufferSize }

// whole is a buffer up to its capacity.
func whole(buf []byte) []byte { return buf[:cap(buf)] }

func fill(buf []byte, b byte) {
	for i := range buf {
		buf[i] = b
	}
}

// address identifies an allocation for as long as the buffer is referenced.
func address(buf []byte) uintptr { return uintptr(unsafe.Pointer(unsafe.SliceData(buf))) }

// watch follows a buffer without keeping it alive.
func watch(buf []byte) weak.Pointer[byte] { return weak.Make(unsafe.SliceData(buf)) }

// reachable collects garbage and counts what is left. One collection is exact:
// sync.Pool holds what it keeps over that one.
func reachable(watched []weak.Pointer[byte], collections int) (n int) {
	for range collections {
		runtime.GC()
	}
	for _, w := range watched {
		if w.Value() != nil {
			n++
		}
	}
	return n
}

// overlap returns two buffers whose capacities share memory, or false.
func overlap(bufs [][]byte) (a, b []byte, found bool) {
	sorted := slices.SortedFunc(slices.Values(bufs), func(a, b []byte) int {
		if address(a) < address(b) {
			return -1
		}
		return 1
	})
	for i := 1; i < len(sorted); i++ {
		if address(sorted[i-1])+uintptr(cap(sorted[i-1])) > address(sorted[i]) {
			return sorted[i-1], sorted[i], true
		}
	}
	return nil, nil, false
}

// disjoint asserts that no two of the held buffers share memory.
func (c *poolCheck) disjoint(bufs [][]byte, where string, args ...any) {
	a, b, shared := overlap(bufs)
	c.that(!shared, []any{"two buffers at", address(a), address(b), "of capacity", cap(a), cap(b)}, "memory of its own for each buffer", where, args...)
}

// seen keeps buffers alive, so that an address stands for one allocation: a
// buffer at a known address was lent before.
type seen map[uintptr][]byte

func (s seen) before(buf []byte) bool {
	_, known := s[address(buf)]
	s[address(buf)] = buf
	return known
}
