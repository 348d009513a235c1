package conformance

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/daramjwee/daramjwee/strategy"
)

func poolsBuffers(c *poolCheck) {
	a, b := c.fresh(), c.fresh()
	var held [][]byte
	for _, n := range c.classes() {
		for range 8 {
			held = append(held, c.get(a, n))
		}
	}
	s := make(seen)
	for _, buf := range held {
		s.before(buf)
		a.Put(buf)
	}
	for _, n := range c.classes() {
		for range 8 {
			c.that(!s.before(c.get(b, n)), "a buffer that was put into another pool", "one of its own", "Get(%d)", n)
		}
	}
}

func poolsCounters(c *poolCheck) {
	a, b := c.fresh(), c.fresh()
	before := b.Stats()
	for range 5 {
		a.Put(c.get(a, c.small()))
	}
	c.get(a, c.small())
	c.that(b.Stats() == before, fmt.Sprintf("%+v", b.Stats()), fmt.Sprintf("%+v", before), "Stats after calls of another pool")
}

// closeGoroutines gives them time to end: what is left when the rule's time is
// nearly over was not stopped.
func closeGoroutines(c *poolCheck) {
	p := c.unclosed(c.cfg)
	c.putEach(p, 4)
	c.copyThrough(p, 2*c.cfg.DefaultBufferSize)
	c.that(strategy.Close(p) == nil, "an error", nil, "Close")
	c.alone(c.o.timeout(), "goroutines of the pool after Close")
}

// alone wants no goroutine to be left that this rule's calls started.
func (c *check) alone(timeout time.Duration, where string) {
	patience := time.NewTimer(min(timeout/2, 5*time.Second))
	defer patience.Stop()
	tick := time.NewTicker(10 * time.Millisecond) // a look costs a stack of every goroutine
	defer tick.Stop()
	for {
		left := c.strangers()
		if len(left) == 0 {
			c.count(1)
			return
		}
		select {
		case <-tick.C:
		case <-patience.C:
			c.that(false, strings.Join(left, "\n"), "none", "%s", where)
			return
		}
	}
}

// strangers are the goroutines that this rule's calls started and the suite did not.
func (c *check) strangers() (left []string) {
	for _, g := range c.goroutines() {
		if !strings.Contains(g, "conformance.ending") && !strings.Contains(g, "conformance.(*check).parallel") { // every goroutine of the suite runs in it
			left = append(left, g)
		}
	}
	return left
}

func closeTwice(c *poolCheck) {
	p := c.unclosed(c.cfg)
	c.putEach(p, 2)
	first, second := strategy.Close(p), strategy.Close(p)
	c.that(first == nil && second == nil, []error{first, second}, "no errors", "two Closes")
}

func closeUsable(c *poolCheck) {
	p := c.unclosed(c.cfg)
	c.putEach(p, 2)
	_ = strategy.Close(p)
	for _, n := range append(c.classes(), 1, 2*c.cfg.MaxBufferSize) {
		buf := p.Get(n)
		c.that(len(buf) == n, len(buf), n, "len(Get(%d)) after Close", n)
	}
	data := payload(3 * c.cfg.DefaultBufferSize)
	w := &onlyWriter{}
	n, err := p.CopyBuffer(w, &onlyReader{data: data})
	c.that(n == int64(len(data)) && err == nil && string(w.got) == string(data), []any{n, err}, []any{len(data), nil}, "CopyBuffer after Close")
	got, err := io.ReadAll(p.TeeReader(&onlyReader{data: data}, &onlyWriter{}))
	c.that(err == nil && string(got) == string(data), []any{len(got), err}, []any{len(data), nil}, "TeeReader after Close")
}

// closeHeld closes in the midst of calls: every worker has begun, and goes on
// for a while after.
func closeHeld(c *poolCheck) {
	const workers = 4
	p := c.unclosed(c.cfg)
	held := [][]byte{c.get(p, c.small()), c.get(p, c.cfg.DefaultBufferSize)}
	var begun sync.WaitGroup
	begun.Add(workers)
	var closed atomic.Bool
	c.parallel(workers+1, func(i int) {
		if i == workers {
			defer closed.Store(true)
			begun.Wait()
			_ = strategy.Close(p)
			return
		}
		begin := sync.OnceFunc(begun.Done)
		defer begin()
		for after := 0; after < 50; {
			if closed.Load() {
				after++
			} else {
				c.yield() // the one who closes needs a processor too
			}
			buf := c.get(p, c.small())
			buf[0], buf[len(buf)-1] = 1, 2
			p.Put(buf)
			begin()
		}
	})
	for _, buf := range held {
		fill(whole(buf), 0xA5)
		p.Put(buf)
	}
	c.lawful(p.Stats(), strategy.BufferPoolStats{}, "Stats after Close and the Puts of what was out")
}

func closeIdle(c *poolCheck) {
	p := c.unclosed(c.cfg)
	if !closable(p) {
		c.that(strategy.Close(p) == nil, "an error", nil, "Close of a pool that has none")
		return
	}
	late := [][]byte{c.get(p, c.small())}
	watched := c.putEach(p, 4)
	_ = strategy.Close(p)
	watched = append(watched, putAllWatched(p, &late)...)
	n := len(watched)
	for range 3 { // sync.Pool's victims take a second collection
		if n = reachable(watched, 1); n == 0 {
			break
		}
	}
	c.that(n == 0, n, 0, "buffers still reachable after Close")
	runtime.KeepAlive(p)
}

func closable(p strategy.BufferPool) bool {
	for p != nil {
		if _, ok := p.(io.Closer); ok {
			return true
		}
		w, ok := p.(interface{ Unwrap() strategy.BufferPool })
		if !ok {
			return false
		}
		p = w.Unwrap()
	}
	return false
}

func configFaults(c *poolCheck) {
	for _, cfg := range []strategy.BufferPoolConfig{
		{DefaultBufferSize: -1},
		{MinBufferSize: -1},
		{MaxBufferSize: -1},
		{MaxIdle: -1},
		{MinBufferSize: 63},
		{MinBufferSize: 8192, DefaultBufferSize: 4096},
		{DefaultBufferSize: 64 << 10, MaxBufferSize: 32 << 10},
	} {
		cfg.Enabled = true
		p, err := c.open(cfg)
		if err == nil {
			_ = strategy.Close(p)
		}
		var fault *strategy.ConfigError
		c.that(errors.As(err, &fault), err, "a *strategy.ConfigError", "Factory(%+v)", cfg)
	}
}

func disabledFresh(c *poolCheck) {
	cfg := c.cfg
	cfg.Enabled = false
	p := c.freshWith(cfg)
	s := make(seen)
	for i := range 20 {
		n := c.classes()[i%len(c.classes())]
		buf := p.Get(n)
		c.that(len(buf) == n, len(buf), n, "len(Get(%d)) of a disabled pool", n)
		c.that(!s.before(buf), "a buffer that was put", "a fresh one", "Get of a disabled pool")
		for _, b := range whole(buf) {
			if b != 0 {
				c.that(false, b, 0, "a byte of Get(%d) of a disabled pool", n)
				break
			}
		}
		fill(whole(buf), 0xA5)
		p.Put(buf)
	}
	c.that(p.Stats().PoolHits == 0, p.Stats().PoolHits, 0, "PoolHits of a disabled pool")
}

func disabledStandard(c *poolCheck) {
	cfg := c.cfg
	cfg.Enabled = false
	p := c.freshWith(cfg)
	lengths := func(cp func(io.Writer, io.Reader) (int64, error)) string {
		var all []int
		_, _ = cp(&onlyWriter{}, &onlyReader{data: payload(100_000), before: func(b []byte) { all = append(all, len(b)) }})
		return fmt.Sprint(all)
	}
	got, want := lengths(p.CopyBuffer), lengths(io.Copy)
	c.that(got == want, got, want, "lengths that CopyBuffer reads with, against io.Copy's")
	tee, std := p.TeeReader(&onlyReader{}, io.Discard), io.TeeReader(&onlyReader{}, io.Discard)
	c.that(fmt.Sprintf("%T", tee) == fmt.Sprintf("%T", std), fmt.Sprintf("%T", tee), fmt.Sprintf("%T", std), "type of TeeReader's result")
}
