package conformance

import (
	"math"
	"runtime"
	"time"
	"weak"

	"github.com/daramjwee/daramjwee/strategy"
)

// putWatched puts n buffers of a size that were all out at once. What it
// returns does not keep them alive.
//
//go:noinline
func (c *poolCheck) putWatched(p strategy.BufferPool, n, size int) []weak.Pointer[byte] {
	held := make([][]byte, n)
	for i := range held {
		held[i] = c.get(p, size)
	}
	watched := make([]weak.Pointer[byte], n)
	for i, buf := range held {
		watched[i] = watch(buf)
		p.Put(buf)
	}
	return watched
}

// putEach is putWatched for every size class.
func (c *poolCheck) putEach(p strategy.BufferPool, n int) []weak.Pointer[byte] {
	var watched []weak.Pointer[byte]
	for _, size := range c.classes() {
		watched = append(watched, c.putWatched(p, n, size)...)
	}
	return watched
}

func keepOversize(c *poolCheck) {
	p := c.fresh()
	largest := c.cfg.MaxBufferSize
	sizes := []int{largest + 1, largest * 2, largest*4 + 3}
	watched := make([][]weak.Pointer[byte], len(sizes))
	for i, size := range sizes {
		s := make(seen)
		for range 4 {
			buf := c.get(p, size)
			c.that(!s.before(buf), "a buffer that was put", "a fresh one", "Get(%d), MaxBufferSize is %d", size, largest)
			p.Put(buf)
		}
		watched[i] = c.putWatched(p, 4, size)
	}
	runtime.GC() // one for all: on a large heap it is what this rule costs
	for i, size := range sizes {
		n := reachable(watched[i], 0)
		c.that(n == 0, n, 0, "buffers of %d still reachable after Put and a collection, MaxBufferSize is %d", size, largest)
	}
	runtime.KeepAlive(p)
}

func keepPrefix(c *poolCheck) {
	p := c.fresh()
	put := func(k int) weak.Pointer[byte] {
		buf := make([]byte, 4*c.cfg.MaxBufferSize)
		p.Put(buf[:k])
		return watch(buf)
	}
	var watched []weak.Pointer[byte]
	for _, k := range c.classes() {
		watched = append(watched, put(k))
	}
	runtime.GC()
	for i, k := range c.classes() {
		c.that(watched[i].Value() == nil, "reachable", "free", "a buffer of %d after Put(b[:%d]) and a collection", 4*c.cfg.MaxBufferSize, k)
	}
	runtime.KeepAlive(p)
}

// keepSizes looks at the heap of the whole process, so what is left behind has
// to show in every round.
func keepSizes(c *poolCheck) {
	const rounds, sizes, entry = 3, 3000, 8 // bytes: less than any table entry
	cfg := c.cfg
	cfg.MinBufferSize, cfg.DefaultBufferSize, cfg.MaxBufferSize = 64, 256, 512
	p := c.freshWith(cfg)
	heap := func(enough int64) int64 {
		var m runtime.MemStats
		for range 4 { // what has a finalizer goes with the collection after it ran
			runtime.GC()
			if runtime.ReadMemStats(&m); int64(m.HeapAlloc) < enough {
				break
			}
			time.Sleep(time.Millisecond)
		}
		return int64(m.HeapAlloc)
	}
	size := cfg.MaxBufferSize
	least := int64(1 << 62)
	for range rounds {
		before := heap(math.MaxInt64)
		for range sizes {
			size++
			p.Put(c.get(p, size))
		}
		least = min(least, heap(before+sizes*entry)-before)
	}
	c.that(least < sizes*entry, least, "less than "+bytesText(sizes*entry), "bytes of heap that each of %d rounds of %d new sizes left behind", rounds, sizes)
	runtime.KeepAlive(p)
}

func keepBound(c *poolCheck) {
	p := c.fresh()
	n := 64
	if b := c.o.Bounded.Buffers; b > 0 {
		n = b + 8
	}
	for range 2 {
		var buffers, bytes int64
		for _, size := range c.classes() {
			real := cap(c.get(p, size)) // never put back: only its capacity is of interest
			got := int64(reachable(c.putWatched(p, n, size), 1))
			buffers += got
			bytes += got * int64(real)
		}
		c.withinBound(buffers, bytes, "reachable after Put of many of each size class and a collection")
		s := p.Stats()
		c.withinBound(s.IdleBuffers, s.IdleBytes, "IdleBuffers and IdleBytes of Stats")
	}
	runtime.KeepAlive(p)
}

func (c *poolCheck) withinBound(buffers, bytes int64, where string) {
	b := c.o.Bounded
	ok := (b.Buffers == 0 || buffers <= int64(b.Buffers)) && (b.Bytes == 0 || bytes <= b.Bytes)
	c.that(ok, Bounded{Buffers: int(buffers), Bytes: bytes}, b, "%s", where)
}

// keepIdle compares differences, since a pool may have kept buffers from the
// start that nobody has seen.
func keepIdle(c *poolCheck) {
	type one struct {
		p       strategy.BufferPool
		before  strategy.BufferPoolStats
		real    int64
		watched []weak.Pointer[byte]
	}
	var pools []one
	for _, size := range c.classes() {
		p := c.fresh()
		var held [][]byte
		for range 6 {
			held = append(held, c.get(p, size))
		}
		o := one{p: p, before: p.Stats(), real: int64(cap(held[0]))}
		o.watched = putAllWatched(p, &held)
		pools = append(pools, o)
	}
	runtime.GC()
	for i, size := range c.classes() {
		before, real := pools[i].before, pools[i].real
		kept := int64(reachable(pools[i].watched, 0))
		after := pools[i].p.Stats()
		if after.IdleBuffers == -1 || after.IdleBytes == -1 {
			c.that(after.IdleBuffers == -1 && after.IdleBytes == -1, []int64{after.IdleBuffers, after.IdleBytes}, "both -1", "IdleBuffers, IdleBytes")
			continue
		}
		c.that(after.IdleBuffers-before.IdleBuffers == kept, after.IdleBuffers-before.IdleBuffers, kept,
			"growth of IdleBuffers by 6 Puts of %d bytes, want what is reachable", size)
		c.that(after.IdleBytes-before.IdleBytes == kept*real, after.IdleBytes-before.IdleBytes, kept*real,
			"growth of IdleBytes by 6 Puts of %d bytes of capacity", real)
	}
}

//go:noinline
func putAllWatched(p strategy.BufferPool, held *[][]byte) (watched []weak.Pointer[byte]) {
	for _, buf := range *held {
		watched = append(watched, watch(buf))
		p.Put(buf)
	}
	*held = nil
	return watched
}

func keepNothing(c *poolCheck) {
	p := c.fresh()
	s := make(seen)
	const pairs = 50
	for range pairs {
		buf := c.get(p, c.small())
		c.that(!s.before(buf), "a buffer that was put", "a fresh one", "Get of a pool that retains nothing")
		p.Put(buf)
	}
	n := reachable(c.putEach(p, 4), 1)
	c.that(n == 0, n, 0, "buffers still reachable after Put and a collection")
	st := p.Stats()
	c.that(st.PoolHits == 0 && st.Discards == st.TotalPuts, []any{"hits", st.PoolHits, "discards", st.Discards},
		[]any{"hits", 0, "discards", st.TotalPuts}, "Stats of a pool that retains nothing")
	runtime.KeepAlive(p)
}

func keepReuse(c *poolCheck) {
	p := c.fresh()
	s := make(seen)
	reused := 0
	for i := range 200 {
		buf := c.get(p, c.classes()[i%len(c.classes())])
		if s.before(buf) {
			reused++
		}
		p.Put(buf)
	}
	c.that(reused > 0, reused, "at least 1", "Gets of a buffer that was put, of 200")
}

func keepCollected(c *poolCheck) {
	p := c.fresh()
	n := reachable(c.putEach(p, 4), 3)
	c.that(n == 0, n, 0, "idle buffers still reachable after three collections")
	runtime.KeepAlive(p)
}

// keepSurplus waits as long as it takes: a pool that never releases is found by
// the watchdog of the rule alone, so that a slow machine is no violation.
func keepSurplus(c *poolCheck) {
	cfg := c.cfg
	cfg.CleanupInterval = time.Millisecond
	p := c.freshWith(cfg)
	watched := c.putEach(p, 4)
	patience := time.NewTimer(c.o.timeout() / 2)
	defer patience.Stop()
	tick := time.NewTicker(cfg.CleanupInterval)
	defer tick.Stop()
	for {
		n := reachable(watched, 1)
		if n == 0 {
			c.count(1)
			return
		}
		select {
		case <-tick.C:
		case <-patience.C:
			c.that(false, n, 0, "buffers still reachable long after the interval of %v", cfg.CleanupInterval)
			return
		}
		runtime.KeepAlive(p)
	}
}

// keepUsed gets and puts the same number of buffers, all of which are idle most
// of the time, at least twice in an interval. A machine that holds it, or the
// pool's timer, up may excuse what is missed once, but not always: each try takes
// twice as long as the one before.
func keepUsed(c *poolCheck) {
	const rounds, tries = 30, 5
	cfg := c.cfg
	interval := 20 * time.Millisecond
	var missed int64
	for range tries {
		cfg.CleanupInterval = interval
		p := c.freshWith(cfg)
		c.putEach(p, 4)
		before := p.Stats().PoolMisses
		for range rounds {
			c.putEach(p, 4)
			<-time.After(interval / 10)
		}
		if missed = p.Stats().PoolMisses - before; missed == 0 {
			break
		}
		interval *= 2
	}
	c.that(missed == 0, missed, 0, "Gets that missed, of four buffers of each size class that are used %d times in an interval of %v, in the last of %d tries", 10, cfg.CleanupInterval, tries)
}

func keepDropped(c *poolCheck) {
	watched := func() []weak.Pointer[byte] {
		return c.putEach(c.unclosed(c.cfg), 4)
	}()
	n := len(watched)
	for range 5 { // finalizers, and sync.Pool's victims, take a collection each
		if n = reachable(watched, 1); n == 0 {
			break
		}
	}
	c.that(n == 0, n, 0, "buffers still reachable after their pool was dropped")
}

func keepZeroed(c *poolCheck) {
	cfg := c.cfg
	cfg.Scrub = true
	p := c.freshWith(cfg)
	dirty := func(buf []byte) int {
		for i, b := range whole(buf) {
			if b != 0 {
				return i
			}
		}
		return -1
	}
	for _, n := range c.classes() {
		for round := range 6 {
			buf := c.get(p, n)
			at := dirty(buf)
			c.that(at < 0, at, "no such byte", "index of a byte that is not zero in Get(%d), capacity %d", n, cap(buf))
			fill(whole(buf), 0xA5)
			p.Put(buf[:max(1, n>>round)])
		}
	}
}
