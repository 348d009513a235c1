package conformance

import (
	"bytes"
	"errors"
	"io"
	"runtime"
	"sync"

	"github.com/daramjwee/daramjwee/strategy"
)

// balanced asserts that a call left ActiveBuffers as it was.
func (c *poolCheck) balanced(p strategy.BufferPool, where string, f func()) {
	before := p.Stats()
	f()
	after := p.Stats()
	c.that(after.ActiveBuffers == before.ActiveBuffers, after.ActiveBuffers-before.ActiveBuffers, 0, "growth of ActiveBuffers, %s", where)
	c.that(after.TotalGets-before.TotalGets == after.TotalPuts-before.TotalPuts, after.TotalPuts-before.TotalPuts, after.TotalGets-before.TotalGets,
		"Puts for the Gets, %s", where)
}

func copyCounts(c *poolCheck) {
	p := c.fresh()
	buf := c.get(p, c.small()) // held, so that a Put too many does not hide behind zero
	defer p.Put(buf)
	data := payload(2 * c.cfg.DefaultBufferSize)
	boom := func([]byte) { panic(errSource) }
	goexit := func([]byte) { runtime.Goexit() }
	calls := []struct {
		name string
		src  io.Reader
		dst  io.Writer
	}{
		{"success", &onlyReader{data: data}, &onlyWriter{}},
		{"empty source", &onlyReader{}, &onlyWriter{}},
		{"success through bytes.Reader", bytes.NewReader(data), &onlyWriter{}},
		{"success into bytes.Buffer", &onlyReader{data: data}, &bytes.Buffer{}},
		{"read error", io.MultiReader(&onlyReader{data: data}, &writesItself{err: errSource}), &onlyWriter{}},
		{"write error", &onlyReader{data: data}, &failAfter{n: 10, err: errSink}},
		{"short write", &onlyReader{data: data}, &failAfter{n: 10}},
		{"invalid write", &onlyReader{data: data}, &lyingWriter{count: func(b []byte) int { return len(b) + 1 }}},
		{"panic in Read", &onlyReader{data: data, before: boom}, &onlyWriter{}},
		{"panic in Write", &onlyReader{data: data}, &onlyWriter{before: boom}},
		{"reader that lies", readFunc(func(b []byte) (int, error) { return len(b) + 1, io.EOF }), &onlyWriter{}},
		{"Goexit in Read", &onlyReader{data: data, before: goexit}, &onlyWriter{}},
		{"Goexit in Write", &onlyReader{data: data}, &onlyWriter{before: goexit}},
	}
	for _, call := range calls {
		c.balanced(p, "CopyBuffer that ends with "+call.name, func() {
			ending(func() { _, _ = p.CopyBuffer(call.dst, call.src) })
		})
	}
}

func copyPanics(c *poolCheck) {
	p := c.fresh()
	value := errors.New("conformance: a value to panic with")
	boom := func([]byte) { panic(value) }
	e := ending(func() { _, _ = p.CopyBuffer(&onlyWriter{}, &onlyReader{data: payload(9), before: boom}) })
	c.that(e.panicked == value, e.panicked, value, "panic of the reader, as it leaves CopyBuffer")
	e = ending(func() { _, _ = p.CopyBuffer(&onlyWriter{before: boom}, &onlyReader{data: payload(9)}) })
	c.that(e.panicked == value, e.panicked, value, "panic of the writer, as it leaves CopyBuffer")
	e = ending(func() {
		_, _ = p.CopyBuffer(&onlyWriter{}, &onlyReader{data: payload(9), before: func([]byte) { runtime.Goexit() }})
	})
	c.that(e.goexit, e, "runtime.Goexit", "Goexit of the reader, as it leaves CopyBuffer")
}

func copyReentrant(c *poolCheck) {
	p := c.fresh()
	data := payload(2*c.cfg.DefaultBufferSize + 7)
	inside := func(where string) func([]byte) {
		return func(staging []byte) {
			held := [][]byte{staging[:len(staging):len(staging)]}
			for _, n := range c.classes() {
				for range 3 {
					buf := p.Get(n)
					fill(whole(buf), 0xEE)
					held = append(held, buf)
				}
			}
			c.disjoint(held, "the buffer that CopyBuffer uses, and Gets in a %s of it", where)
			for _, buf := range held[1:] {
				p.Put(buf)
			}
			w := &onlyWriter{}
			_, err := p.CopyBuffer(w, &onlyReader{data: payload(5000)})
			c.that(err == nil && bytes.Equal(w.got, payload(5000)), []any{len(w.got), err}, "5000 bytes as they were", "CopyBuffer in a %s of CopyBuffer", where)
			p.Stats()
		}
	}
	w := &onlyWriter{before: inside("Write")}
	n, err := p.CopyBuffer(w, &onlyReader{data: data, before: inside("Read")})
	c.that(n == int64(len(data)) && err == nil && bytes.Equal(w.got, data), []any{n, err}, "the source's bytes", "CopyBuffer around other calls of the pool")
}

// copyConcurrent has all copies inside a Read at once.
func copyConcurrent(c *poolCheck) {
	p := c.fresh()
	const copies = 32
	var all sync.WaitGroup // until every copy is inside
	all.Add(copies)
	c.parallel(copies, func(i int) {
		data := bytes.Repeat([]byte{byte(i) + 1}, c.cfg.DefaultBufferSize+100*i)
		var once sync.Once
		in := func() { once.Do(all.Done) }
		defer in()
		w := &onlyWriter{before: func([]byte) {
			in()
			all.Wait() // now every copy holds what it read
			runtime.Gosched()
		}}
		n, err := p.CopyBuffer(w, &onlyReader{data: data})
		c.that(n == int64(len(data)) && err == nil && bytes.Equal(w.got, data), []any{n, err, len(w.got)}, "its own bytes", "copy %d of %d at once", i, copies)
	})
}

func copyAllocations(c *poolCheck) {
	c.copiesAllocate("copies", func(p strategy.BufferPool, dst io.Writer, src io.Reader) { _, _ = p.CopyBuffer(dst, src) })
}

func (c *poolCheck) copiesAllocate(what string, once func(p strategy.BufferPool, dst io.Writer, src io.Reader)) {
	p := c.fresh()
	const copies = 40
	src, dst := &onlyReader{data: payload(100_000)}, writeFunc(func(p []byte) (int, error) { return len(p), nil })
	allocs := leastAllocs(p, func() {
		for range copies {
			src.at = 0
			once(p, dst, src)
		}
	})
	if raceEnabled {
		c.count(1) // sync.Pool drops what it likes then
		return
	}
	missed := p.Stats().PoolMisses
	least := int64(c.cfg.MinBufferSize) * copies / 2
	c.that(allocs.bytes < least || missed > copies, allocs.bytes, "less than "+bytesText(int(least)), "bytes allocated by %d %s that missed %d times", copies, what, missed)
}

type writeFunc func(p []byte) (int, error)

func (f writeFunc) Write(p []byte) (int, error) { return f(p) }
