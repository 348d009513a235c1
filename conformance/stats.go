package conformance

import (
	"fmt"
	"runtime"
	"sync/atomic"

	"github.com/daramjwee/daramjwee/strategy"
)

func bytesText(n int) string { return fmt.Sprintf("%d bytes", n) }

func statsCalls(c *poolCheck) {
	p := c.fresh()
	var gets, puts int64
	var held [][]byte
	look := func(after string, args ...any) {
		s := p.Stats()
		where := "Stats after " + fmt.Sprintf(after, args...)
		c.that(s.TotalGets == gets, s.TotalGets, gets, "TotalGets, %s", where)
		c.that(s.PoolHits+s.PoolMisses == s.TotalGets, s.PoolHits+s.PoolMisses, s.TotalGets, "PoolHits + PoolMisses, %s", where)
		c.that(s.TotalPuts == puts, s.TotalPuts, puts, "TotalPuts, %s", where)
		c.that(s.ActiveBuffers == int64(len(held)), s.ActiveBuffers, len(held), "ActiveBuffers, %s", where)
	}
	sizes := append(c.classes(), 1, c.cfg.MinBufferSize+1, 2*c.cfg.MaxBufferSize)
	for range 3 {
		for _, n := range sizes {
			held = append(held, c.get(p, n))
			gets++
			look("Get(%d)", n)
		}
		for len(held) > 1 {
			last := len(held) - 1
			p.Put(held[last])
			held = held[:last]
			puts++
			look("Put")
		}
	}
	before := p.Stats()
	c.copyThrough(p, 2*c.cfg.DefaultBufferSize)
	s := p.Stats()
	c.that(s.TotalGets-before.TotalGets == s.TotalPuts-before.TotalPuts, s.TotalGets-before.TotalGets, s.TotalPuts-before.TotalPuts,
		"Gets and Puts that CopyBuffer counted")
}

// hitOrMiss gets a buffer and asserts that it is counted as what it is.
func (c *poolCheck) hitOrMiss(p strategy.BufferPool, s seen, size int, where string) []byte {
	before := p.Stats()
	buf := c.get(p, size)
	after := p.Stats()
	want := [2]int64{0, 1}
	if s.before(buf) {
		want = [2]int64{1, 0}
	}
	got := [2]int64{after.PoolHits - before.PoolHits, after.PoolMisses - before.PoolMisses}
	c.that(got == want, got, want, "hits and misses counted for Get(%d) %s", size, where)
	return buf
}

func statsHits(c *poolCheck) {
	p := c.fresh()
	s := make(seen)
	var held [][]byte
	sizes := append(c.classes(), c.cfg.MinBufferSize/2, c.cfg.MaxBufferSize+1)
	for i := range 120 {
		held = append(held, c.hitOrMiss(p, s, sizes[i*7%len(sizes)], "among Gets and Puts of all sizes"))
		if i%5 > 1 {
			p.Put(held[0])
			held = held[1:]
		}
	}
}

func statsCollections(c *poolCheck) {
	p := c.fresh()
	s := make(seen)
	for round := range 2 {
		if round > 0 {
			for range 3 {
				runtime.GC()
			}
		}
		var held [][]byte
		for range 10 {
			held = append(held, c.hitOrMiss(p, s, c.small(), "after three collections"))
		}
		for _, buf := range held {
			p.Put(buf)
		}
	}
}

func statsDiscards(c *poolCheck) {
	p := c.fresh()
	for i := range 5 {
		buf := c.get(p, c.cfg.MaxBufferSize+1+i)
		before := p.Stats()
		p.Put(buf)
		after := p.Stats()
		c.that(after.Discards == before.Discards+1, after.Discards-before.Discards, 1, "discards counted for Put of an oversize buffer")
	}
	for range 50 {
		buf := c.get(p, c.small())
		before := p.Stats()
		p.Put(buf)
		after := p.Stats()
		discards := after.Discards - before.Discards
		c.that(discards >= 0 && discards <= 1, discards, "0 or 1", "discards counted for one Put")
		if before.IdleBuffers >= 0 && after.IdleBuffers == before.IdleBuffers+1 {
			c.that(discards == 0, discards, 0, "discards counted for a Put that raised IdleBuffers")
		}
	}
}

// lawful asserts the laws of one snapshot; earlier is a snapshot before it.
func (c *poolCheck) lawful(s, earlier strategy.BufferPoolStats, where string) {
	ok := s.PoolHits+s.PoolMisses == s.TotalGets && s.ActiveBuffers == s.TotalGets-s.TotalPuts && s.Discards <= s.TotalPuts && s.ActiveBuffers >= 0
	rises := s.TotalGets >= earlier.TotalGets && s.TotalPuts >= earlier.TotalPuts && s.PoolHits >= earlier.PoolHits &&
		s.PoolMisses >= earlier.PoolMisses && s.Discards >= earlier.Discards && s.DoublePuts >= earlier.DoublePuts && s.Damaged >= earlier.Damaged
	if !ok {
		c.fail(fmt.Sprintf("%+v", s), "hits + misses == gets, active == gets - puts >= 0, discards <= puts", where)
	}
	if !rises {
		c.fail(fmt.Sprintf("%+v", s), fmt.Sprintf("nothing below %+v", earlier), where)
	}
	c.count(1)
}

func statsLoad(c *poolCheck) {
	p := c.fresh()
	const workers = 4
	sizes := append(c.classes(), c.cfg.MaxBufferSize+1)
	var running atomic.Int64
	running.Store(workers)
	c.parallel(workers+1, func(i int) {
		if i == workers {
			var last strategy.BufferPoolStats
			for again := true; again; {
				again = running.Load() > 0 // one look after the last worker
				s := p.Stats()
				c.lawful(s, last, "Stats under load")
				last = s
				c.yield()
			}
			return
		}
		defer running.Add(-1)
		for j := range 300 {
			buf := p.Get(sizes[(i+j)%len(sizes)])
			if j%64 == 0 {
				runtime.Gosched()
			}
			p.Put(buf)
			if j%30 == 0 { // from inside a copy, when its own buffer is out
				_, _ = p.CopyBuffer(&onlyWriter{}, &onlyReader{data: payload(100), before: func([]byte) {
					c.lawful(p.Stats(), strategy.BufferPoolStats{}, "Stats from a Read inside CopyBuffer")
				}})
			}
		}
	})
}

func statsMisuse(c *poolCheck) {
	p := c.fresh()
	buf := c.get(p, c.small())
	for range 20 {
		p.Put(make([]byte, c.small()))
		p.Put(make([]byte, 3))
		p.Put(buf)
	}
	for range 3 {
		p.Put(p.Get(c.small()))
		s := p.Stats()
		least := min(s.TotalGets, s.TotalPuts, s.PoolHits, s.PoolMisses, s.ActiveBuffers, s.Discards, s.DoublePuts, s.Damaged)
		c.that(least >= 0, fmt.Sprintf("%+v", s), "no negative counter", "Stats after Puts of what never came from Get")
		c.that(s.IdleBuffers >= -1 && s.IdleBytes >= -1, fmt.Sprintf("%+v", s), "-1 or more", "idle counts after Puts of what never came from Get")
	}
}

// statsRepeats begins its repeats at a Put that was kept: a Put after one that
// was discarded is no repeat.
func statsRepeats(c *poolCheck) {
	p := c.fresh()
	for range 20 {
		buf := c.get(p, c.small())
		before := p.Stats()
		p.Put(buf)
		kept := p.Stats()
		if kept.Discards > before.Discards {
			continue
		}
		for range 9 {
			p.Put(buf)
		}
		s := p.Stats()
		c.that(s.DoublePuts-kept.DoublePuts == 9, s.DoublePuts-kept.DoublePuts, 9, "DoublePuts counted for nine repeats of a Put")
		c.that(s.TotalPuts == kept.TotalPuts, s.TotalPuts-kept.TotalPuts, 0, "TotalPuts counted for nine repeats of a Put")
		return
	}
	c.that(false, "every Put was discarded", "one that is kept", "20 Puts")
}

func statsDamaged(c *poolCheck) {
	const tries = 50
	p := c.fresh()
	for range tries {
		buf := c.get(p, c.small())
		p.Put(buf)
		fill(whole(buf), 0xA5)
		var held [][]byte
		for range 4 {
			got := p.Get(c.small())
			if address(got) == address(buf) {
				c.that(false, "the damaged buffer", "another one", "Get after a write to an idle buffer")
			}
			held = append(held, got)
		}
		for _, b := range held {
			p.Put(b)
		}
		runtime.KeepAlive(buf)
	}
	// Not every damaged buffer need come up again: a collection may be first.
	s := p.Stats()
	c.that(s.Damaged > 0 && s.Damaged <= tries, s.Damaged, "1 to 50", "Damaged after %d writes to idle buffers", tries)
}

func statsCheap(c *poolCheck) {
	p := c.fresh()
	c.putEach(p, 2)
	const calls = 200
	allocs := leastAllocs(p, func() {
		for range calls {
			p.Stats()
		}
	})
	if raceEnabled {
		c.count(1)
		return
	}
	c.that(allocs.objects <= calls/20, allocs.objects, 0, "allocations in %d calls of Stats", calls)
}
