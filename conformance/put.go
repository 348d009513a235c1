package conformance

import (
	"github.com/daramjwee/daramjwee/strategy"
)

func putNothing(c *poolCheck) {
	p := c.fresh()
	held := p.Get(c.small())
	for name, buf := range map[string][]byte{"nil": nil, "[]byte{}": {}, "buf[:0:0]": held[:0:0]} {
		before := p.Stats()
		p.Put(buf)
		c.that(p.Stats() == before, p.Stats(), before, "Stats after Put(%s)", name)
	}
	p.Put(held)
}

func putPrefix(c *poolCheck) {
	p := c.fresh()
	for _, n := range c.classes() {
		for _, k := range []int{0, 1, n / 2, n - 1} {
			buf := c.get(p, n)
			before := p.Stats()
			p.Put(buf[:k])
			after := p.Stats()
			c.that(after.TotalPuts == before.TotalPuts+1, after.TotalPuts-before.TotalPuts, 1, "puts counted for Put(b[:%d]) of %d bytes", k, n)
			c.that(after.DoublePuts == before.DoublePuts, after.DoublePuts-before.DoublePuts, 0, "double puts counted for Put(b[:%d])", k)
			again := p.Get(n)
			c.that(len(again) == n, len(again), n, "len(Get(%d)) after Put(b[:%d])", n, k)
			p.Put(again)
		}
	}
}

func putForeign(c *poolCheck) {
	for _, n := range c.classes() {
		big := make([]byte, 4*c.cfg.MaxBufferSize)
		misuses := []struct {
			name string
			put  func(p strategy.BufferPool)
		}{
			{"b[1:]", func(p strategy.BufferPool) { p.Put(p.Get(n)[1:]) }},
			{"b[n/2:]", func(p strategy.BufferPool) { p.Put(p.Get(n)[n/2:]) }},
			{"b[n-1:]", func(p strategy.BufferPool) { p.Put(p.Get(n)[n-1:]) }},
			{"both halves", func(p strategy.BufferPool) {
				b := p.Get(n)
				p.Put(b[: n/2 : n/2])
				p.Put(b[n/2:])
			}},
			{"append(b, 1)", func(p strategy.BufferPool) {
				b := p.Get(n)
				p.Put(append(b[:len(b):len(b)], 1))
			}},
			{"make(n)", func(p strategy.BufferPool) { p.Put(make([]byte, n)) }},
			{"make(n-1)", func(p strategy.BufferPool) { p.Put(make([]byte, n-1)) }},
			{"make(n+1)", func(p strategy.BufferPool) { p.Put(make([]byte, n+1)) }},
			{"make(0, n)", func(p strategy.BufferPool) { p.Put(make([]byte, 0, n)) }},
			{"make(1)", func(p strategy.BufferPool) { p.Put(make([]byte, 1)) }},
			{"make(7)", func(p strategy.BufferPool) { p.Put(make([]byte, 7)) }},
			{"two neighbours in a larger array", func(p strategy.BufferPool) {
				p.Put(big[:n:n])
				p.Put(big[n : 2*n : 2*n])
			}},
			{"a window of a larger array", func(p strategy.BufferPool) { p.Put(big[2*n : 2*n+n/2 : 3*n]) }},
		}
		for _, m := range misuses {
			p := c.fresh()
			for range 4 {
				m.put(p)
			}
			var held [][]byte
			for range 3 {
				for _, size := range []int{n, n / 2, n - 1, n + 1, 1} {
					buf := p.Get(size)
					if len(buf) != size {
						c.that(false, len(buf), size, "len(Get(%d)) after Put of %s", size, m.name)
					}
					held = append(held, buf)
				}
			}
			if m.name != "a window of a larger array" && m.name != "two neighbours in a larger array" {
				c.disjoint(held, "Gets after Put of %s of a buffer of %d", m.name, n)
			}
		}
	}
}

func putRepeated(c *poolCheck) {
	p := c.fresh()
	for _, n := range c.classes() {
		buf := c.get(p, n)
		for range 100 {
			p.Put(buf)
		}
		again := p.Get(n)
		c.that(len(again) == n, len(again), n, "len(Get(%d)) after 100 Puts of one buffer", n)
	}
	if b, s := c.o.Bounded, p.Stats(); b != (Bounded{}) {
		c.withinBound(s.IdleBuffers, s.IdleBytes, "IdleBuffers after 100 Puts of one buffer")
	}
}

func putRefused(c *poolCheck) {
	for _, n := range c.classes() {
		p := c.fresh()
		buf := c.get(p, n)
		fill(whole(buf), 0xA5)
		for range 3 {
			p.Put(buf)
		}
		var held [][]byte
		for range 8 {
			held = append(held, p.Get(n))
		}
		c.disjoint(held, "8 Gets after three Puts of one buffer of %d", n)
	}
}

func putMany(c *poolCheck) {
	p := c.fresh()
	for range 2 {
		var held [][]byte
		for range 500 {
			held = append(held, c.get(p, c.small()))
		}
		for _, buf := range held {
			p.Put(buf)
		}
	}
	c.count(1) // what counts is to get here
}

func putAllocations(c *poolCheck) {
	p := c.fresh()
	const pairs = 500
	allocs := leastAllocs(p, func() {
		for range pairs {
			p.Put(p.Get(c.small()))
		}
	})
	if raceEnabled {
		c.count(1) // the race detector's own allocations would be counted
		return
	}
	c.that(allocs.objects <= pairs/20, allocs.objects, "nearly 0", "allocations, those for misses aside, in %d pairs of Get and Put", pairs)
}
