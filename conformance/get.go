package conformance

import (
	"encoding/binary"
	"math"
	"runtime"
	"sync"

	"github.com/daramjwee/daramjwee/strategy"
)

func getLength(c *poolCheck) {
	p := c.fresh()
	sizes := []int{1, 2, 3, c.cfg.MaxBufferSize * 2}
	for _, n := range c.classes() {
		sizes = append(sizes, n-1, n, n+1)
	}
	for round := range 3 { // the first is fresh
		for _, n := range sizes {
			a, b := p.Get(n), p.Get(n)
			for _, buf := range [][]byte{a, b} {
				c.that(len(buf) == n, len(buf), n, "len(Get(%d)), round %d", n, round)
				fill(whole(buf), 0xA5)
				p.Put(buf)
			}
		}
	}
}

func getUnknown(c *poolCheck) {
	p := c.fresh()
	for _, n := range []int{0, -1, math.MinInt, 0, -1} {
		buf := p.Get(n)
		c.that(len(buf) == c.cfg.DefaultBufferSize, len(buf), c.cfg.DefaultBufferSize, "len(Get(%d))", n)
		p.Put(buf)
	}
}

func getImpossible(c *poolCheck) {
	if math.MaxInt == math.MaxInt32 {
		c.lacks("a size that cannot be had, on 32 bits")
	}
	p := c.fresh()
	before := p.Stats()
	e := ending(func() { p.Get(math.MaxInt) })
	_, runtimeError := e.panicked.(runtime.Error)
	c.that(runtimeError, e.panicked, "a runtime.Error", "panic of Get(math.MaxInt)")
	c.that(p.Stats() == before, p.Stats(), before, "Stats after Get(math.MaxInt)")
}

func getDisjoint(c *poolCheck) {
	p := c.fresh()
	for round := range 3 {
		var held [][]byte
		for range 16 {
			for _, n := range append(c.classes(), 1) {
				held = append(held, p.Get(n))
			}
		}
		for range 4 {
			held = append(held, p.Get(3*c.cfg.MaxBufferSize))
		}
		c.disjoint(held, "%d buffers held, round %d", len(held), round)
		for _, buf := range held {
			p.Put(buf)
		}
	}
}

func getHeld(c *poolCheck) {
	p := c.fresh()
	var held [][]byte
	hold := func() {
		for _, n := range c.classes() {
			buf := p.Get(n)
			fill(whole(buf), byte(len(held))+1)
			held = append(held, buf)
		}
	}
	hold()
	for range 20 {
		hold()
		c.copyThrough(p, 3*c.cfg.DefaultBufferSize/2)
		for _, n := range c.classes() {
			buf := p.Get(n)
			fill(whole(buf), 0xEE)
			p.Put(buf)
		}
		p.Stats()
	}
	runtime.GC()
	for i, buf := range held {
		at := -1
		for j, b := range whole(buf) {
			if b != byte(i)+1 {
				at = j
				break
			}
		}
		c.that(at < 0, at, "no such byte", "index of a byte that changed in a held buffer of %d", cap(buf))
	}
}

// getExclusive finds sharing by addresses, under a lock of the suite's own: it
// sees every pair of holders, but hides missing synchronisation, which is left
// to getSynchronised.
func getExclusive(c *poolCheck) {
	const goroutines = 10_000
	cfg := c.cfg
	cfg.MinBufferSize = 256 // the memory of so many is not what is tested
	p := c.freshWith(cfg)
	for range goroutines / atOnce {
		var (
			mu   sync.Mutex // guards held
			held = make([][]byte, 0, atOnce)
			all  sync.WaitGroup // until everyone holds
		)
		all.Add(atOnce)
		c.parallel(atOnce, func(i int) {
			lent := false
			defer func() {
				if !lent {
					all.Done() // a Get that panicked must not leave the others waiting
				}
			}()
			buf := p.Get(cfg.MinBufferSize)
			mu.Lock()
			held = append(held, buf)
			mu.Unlock()
			lent = true
			all.Done()
			all.Wait()
			p.Put(buf)
		})
		c.disjoint(held, "%d buffers held at once, one a goroutine", len(held))
	}
}

// getSynchronised finds sharing by stamps, without any lock.
func getSynchronised(c *poolCheck) {
	p := c.fresh()
	sizes := c.classes()
	c.parallel(64, func(i int) {
		for j := range 100 {
			n := sizes[(i+j)%len(sizes)]
			buf := c.get(p, n)
			stamp := uint64(i)<<32 | uint64(j)
			for at := 0; at+8 <= n; at += 1024 {
				binary.NativeEndian.PutUint64(buf[at:], stamp)
			}
			runtime.Gosched() // else the window is never hit
			for at := 0; at+8 <= n; at += 1024 {
				if got := binary.NativeEndian.Uint64(buf[at:]); got != stamp {
					c.that(false, got, stamp, "stamp at %d of a held buffer of %d", at, n)
				}
			}
			p.Put(buf)
		}
		c.count(100)
	})
}

// copyThrough copies n bytes.
func (c *poolCheck) copyThrough(p strategy.BufferPool, n int) {
	_, _ = p.CopyBuffer(&onlyWriter{}, &onlyReader{data: payload(n)})
}
