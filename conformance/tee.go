package conformance

import (
	"bytes"
	"fmt"
	"io"
	"runtime"
	"slices"

	"github.com/daramjwee/daramjwee/strategy"
)

// teeEnd is one of two tees that are read in step.
type teeEnd struct {
	r    io.Reader
	src  *probe
	got  func() []byte // what was teed so far
	into []byte
}

func newTeeEnd(c *poolCheck, make func(io.Reader, io.Writer) io.Reader, from source, to sink, data []byte) *teeEnd {
	src := &probe{r: from.open(c, data)}
	w, got := to.open(c)
	return &teeEnd{r: make(src, w), src: src, got: got}
}

func (t *teeEnd) read(chunk int) string {
	t.into = slices.Grow(t.into[:0], chunk)[:chunk]
	clear(t.into)
	n, err := t.r.Read(t.into)
	return fmt.Sprintf("n %d, error %v, bytes %x, teed %x, taken %d", n, err, sum(t.into), sum(t.got()), t.src.taken)
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
	const size = 2000
	for _, from := range slices.Concat(goodSources, badSources) {
		if !from.probed {
			continue
		}
		for _, to := range append(badSinks(size / 2)[:3], goodSinks[0]) {
			for _, chunk := range []int{0, 1, 5, 333, 5000} {
				if chunk == 0 && (from.name == "iotest.DataErrReader" || from.name == "fails with its data") {
					continue // they never return from a Read of nothing
				}
				c.sweep(func() {
					ours, std := newTeeEnd(c, p.TeeReader, from, to, payload(size)), newTeeEnd(c, io.TeeReader, from, to, payload(size))
					for i := range 12 {
						got, want := ours.read(chunk), std.read(chunk)
						if !c.that(got == want, got, want, "Read %d of %d bytes through a TeeReader from %s to %s", i, chunk, from.name, to.name) {
							break
						}
					}
				})
			}
		}
	}
}

func teeCopy(c *poolCheck) {
	p := c.fresh()
	probed := slices.Concat(goodSources[:5], badSources[:4])
	for _, size := range []int{0, 1, 3000, 2*c.cfg.DefaultBufferSize + 9} {
		data := payload(size)
		for _, from := range probed {
			if from.most > 0 && size > from.most {
				continue
			}
			for _, teed := range append(badSinks(size / 2)[:3], goodSinks[0]) {
				for _, to := range append(badSinks(size / 3)[:2], goodSinks[:4]...) {
					c.sweep(func() {
						got, gotTeed := c.teeOnce(p.TeeReader, from, teed, to, data, nil)
						want, wantTeed := c.teeOnce(io.TeeReader, from, teed, to, data, got.reads)
						if got.same(want) && bytes.Equal(gotTeed, wantTeed) {
							c.count(1)
							return
						}
						c.that(false, fmt.Sprint(got, ", teed ", len(gotTeed)), fmt.Sprint(want, ", teed ", len(wantTeed)),
							"io.Copy of %d bytes from %s through a TeeReader into %s, to %s", size, from.name, teed.name, to.name)
					})
				}
			}
		}
	}
}

func (c *poolCheck) teeOnce(make func(io.Reader, io.Writer) io.Reader, from source, teed, to sink, data []byte, limits []int) (outcome, []byte) {
	w, got := teed.open(c)
	buf := c.staging(limits)
	copying := func(dst io.Writer, src io.Reader) (int64, error) { return io.CopyBuffer(dst, make(src, w), buf) }
	o := c.observe(copying, from, to, data, limits)
	return o, got()
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
