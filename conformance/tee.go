package conformance

import (
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"slices"

	"github.com/daramjwee/daramjwee/strategy"
)

// teeEnd is one of two tees that are read in step.
type teeEnd struct {
	r, src io.Reader
	from   source
	seen   func() []byte // what was teed so far
	got    func() []byte // what was teed in all
	into   []byte
}

func newTeeEnd(c *poolCheck, make func(io.Reader, io.Writer) io.Reader, from source, to sink, data []byte) *teeEnd {
	t := &teeEnd{src: from.open(c, data), from: from}
	if from.probed {
		t.src = &probe{r: t.src}
	}
	w, got := to.open(c)
	t.r, t.seen, t.got = make(t.src, w), got, got
	switch w.(type) {
	case *os.File, *net.TCPConn: // to look would be slow, or the end of it
		t.seen = func() []byte { return nil }
	}
	return t
}

func (t *teeEnd) read(chunk int) (string, error) {
	t.into = slices.Grow(t.into[:0], chunk)[:chunk]
	clear(t.into)
	read := t.r.Read
	if t.from.ragged {
		read = func(p []byte) (int, error) { return io.ReadFull(t.r, p) }
	}
	n, err := read(t.into)
	taken := 0
	if p, ok := t.src.(*probe); ok {
		taken = p.taken
	}
	return fmt.Sprintf("n %d, error %v, bytes %x, teed %x, taken %d", n, err, sum(t.into), sum(t.seen()), taken), err
}

// end is what was teed, and what the tee left in its source.
func (t *teeEnd) end() string {
	left := int64(-1) // a failed tee has lost as much of a ragged source as it had read
	if !t.from.ragged {
		left, _ = io.Copy(io.Discard, maskReader{t.src})
	}
	return fmt.Sprintf("teed %x, left %d", sum(t.got()), left)
}

// sum is the bytes themselves where they are few, which prints well.
func sum(b []byte) any {
	if len(b) <= 16 {
		return b
	}
	h := uint64(14695981039346656037)
	for _, c := range b {
		h = (h ^ uint64(c)) * 1099511628211
	}
	return h
}

func teeEqual(c *poolCheck) {
	p := c.fresh()
	c.listen()
	const size = 2000
	inMemory, descriptors := slices.Concat(goodSources[:sourcesInMemory], badSources), goodSources[sourcesInMemory:]
	sinks := slices.Concat(badSinks(size/2), goodSinks)
	c.teesInStep(p, inMemory, slices.Concat(sinks[:3], goodSinks[:1]), size, 0, 1, 5, 333, 5000)
	c.teesInStep(p, inMemory, slices.Concat(sinks[3:4], goodSinks[1:]), size, 333)
	c.teesInStep(p, descriptors, sinks, size, 333)
}

// teesInStep reads chunks through our TeeReader and through io's, and compares
// after each.
func (c *poolCheck) teesInStep(p strategy.BufferPool, sources []source, sinks []sink, size int, chunks ...int) {
	for _, from := range sources {
		for _, to := range sinks {
			for _, chunk := range chunks {
				if chunk == 0 && (from.name == "iotest.DataErrReader" || from.name == "fails with its data") {
					continue // they never return from a Read of nothing
				}
				c.sweep(func() { c.teeInStep(p, from, to, size, chunk) })
			}
		}
	}
}

func (c *poolCheck) teeInStep(p strategy.BufferPool, from source, to sink, size, chunk int) {
	ours, std := newTeeEnd(c, p.TeeReader, from, to, payload(size)), newTeeEnd(c, io.TeeReader, from, to, payload(size))
	failed := 0 // one that timed out may go on
	for i := range 12 {
		got, _ := ours.read(chunk)
		want, err := std.read(chunk)
		if !c.that(got == want, got, want, "Read %d of %d bytes through a TeeReader from %s to %s", i, chunk, from.name, to.name) {
			return
		}
		if err != nil {
			failed++
		}
		if failed == 3 || err != nil && from.ragged {
			break
		}
	}
	got, want := ours.end(), std.end()
	c.that(got == want, got, want, "the end of Reads of %d bytes through a TeeReader from %s to %s", chunk, from.name, to.name)
}

func teeHeld(c *poolCheck) {
	p := c.fresh()
	data := payload(3 * c.cfg.DefaultBufferSize)
	c.balanced(p, "a TeeReader that is read in part", func() {
		r := p.TeeReader(&onlyReader{data: data}, &onlyWriter{})
		_, _ = r.Read(make([]byte, 100))
		_, _ = r.Read(make([]byte, 100))
	})
	copyOut := func(src *onlyReader, teed *onlyWriter) func() {
		return func() { ending(func() { _, _ = io.Copy(&onlyWriter{}, p.TeeReader(src, teed)) }) }
	}
	boom := func([]byte) { panic(errSource) }
	c.balanced(p, "io.Copy of a TeeReader", copyOut(&onlyReader{data: data}, &onlyWriter{}))
	c.balanced(p, "a TeeReader whose source panics", copyOut(&onlyReader{data: data, before: boom}, &onlyWriter{}))
	c.balanced(p, "a TeeReader whose writer panics", copyOut(&onlyReader{data: data}, &onlyWriter{before: boom}))
	c.balanced(p, "a TeeReader whose source ends the goroutine", copyOut(&onlyReader{data: data, before: func([]byte) { runtime.Goexit() }}, &onlyWriter{}))
}

// teePrivate looks at what is teed and at what is copied out, in one stream.
func teePrivate(c *poolCheck) {
	c.private(func(p strategy.BufferPool, w io.Writer, liar io.Reader) {
		_, _ = io.Copy(w, p.TeeReader(liar, io.Discard))
	})
	c.private(func(p strategy.BufferPool, w io.Writer, liar io.Reader) {
		_, _ = io.Copy(&onlyWriter{}, p.TeeReader(liar, w))
	})
}

func teeAllocations(c *poolCheck) {
	c.copiesAllocate("io.Copies out of a TeeReader", func(p strategy.BufferPool, dst io.Writer, src io.Reader) {
		_, _ = io.Copy(dst, p.TeeReader(src, dst))
	})
}
