package conformance

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"
	"runtime"
	"slices"
	"strings"

	"github.com/daramjwee/daramjwee/strategy"
)

// outcome is all that can be seen of one copy.
type outcome struct {
	n     int64
	err   error
	end   end
	got   []byte // what arrived at the destination
	taken int    // what was read from a probed source
	reads []int  // the lengths that a probed source was read with
}

func (o outcome) String() string {
	if o.end.panicked != nil {
		return fmt.Sprintf("panic: %v", o.end.panicked)
	}
	return fmt.Sprintf("n %d, error %v, %d bytes arrived, %d taken", o.n, o.err, len(o.got), o.taken)
}

// same compares all but the taken bytes.
func (o outcome) same(want outcome) bool {
	if o.end.panicked != nil || want.end.panicked != nil {
		return samePanic(o.end.panicked, want.end.panicked)
	}
	return o.n == want.n && sameError(o.err, want.err) && bytes.Equal(o.got, want.got)
}

// sameError: the streams' own errors must come out as they are. The standard
// library's are values of one package or made anew for each call, so their type
// and text count.
func sameError(got, want error) bool {
	if got == want || got == nil || want == nil {
		return got == want
	}
	return want != errSource && want != errSink && want != io.EOF && got.Error() == want.Error() ||
		reflect.TypeOf(got) == reflect.TypeOf(want) && want != errSource && want != errSink && addressed(want)
}

// addressed errors name ports or files, which differ from run to run.
func addressed(err error) bool {
	_, wraps := err.(interface{ Unwrap() error })
	return wraps
}

// samePanic: the text of a runtime error has lengths in it that may differ.
func samePanic(got, want any) bool {
	_, gotRuntime := got.(runtime.Error)
	_, wantRuntime := want.(runtime.Error)
	return gotRuntime && wantRuntime || reflect.DeepEqual(got, want)
}

type copyFunc func(dst io.Writer, src io.Reader) (int64, error)

// observe runs one copy.
func (c *poolCheck) observe(cp copyFunc, from source, to sink, data []byte, limits []int) (o outcome) {
	src := from.open(c, data)
	var p *probe
	if from.probed {
		p = &probe{r: src, limits: limits}
		src = p
	}
	dst, got := to.open(c)
	o.end = protect(func() { o.n, o.err = cp(dst, src) })
	o.got = got()
	if p != nil {
		o.taken, o.reads = p.taken, p.seen
	}
	return o
}

// protect is ending for what does not Goexit, without a goroutine.
func protect(f func()) (e end) {
	defer func() { e.panicked = recover() }()
	f()
	return end{}
}

// oracle yields the outcomes that are right: io.Copy's, and io.CopyBuffer's of
// operands of which only Read or Write is seen, since a pool may hide the rest
// so that its own buffer is used. All read with the lengths that the pool used.
func (c *poolCheck) oracle(from source, to sink, data []byte, limits []int) func(yield func(outcome) bool) {
	buf := c.staging(limits)
	masked := func(dst io.Writer, src io.Reader) (int64, error) {
		return io.CopyBuffer(maskWriter{dst}, maskReader{src}, buf)
	}
	return func(yield func(outcome) bool) {
		_ = yield(c.observe(func(dst io.Writer, src io.Reader) (int64, error) { return io.CopyBuffer(dst, src, buf) }, from, to, data, limits)) &&
			yield(c.observe(masked, from, to, data, limits)) &&
			yield(c.observe(func(dst io.Writer, src io.Reader) (int64, error) { return io.CopyBuffer(maskWriter{dst}, src, buf) }, from, to, data, limits)) &&
			yield(c.observe(func(dst io.Writer, src io.Reader) (int64, error) { return io.CopyBuffer(dst, maskReader{src}, buf) }, from, to, data, limits))
	}
}

// matrix compares copies of every size from every source to every sink.
func (c *poolCheck) matrix(p strategy.BufferPool, sources []source, sinks func(size int) []sink, sizes []int) {
	for _, from := range sources {
		for _, size := range sizes {
			if from.most > 0 && size > from.most {
				continue
			}
			for _, to := range sinks(size) {
				if to.name == shortWrite && strings.HasPrefix(from.name, "bufio.Reader") {
					continue // bufio's WriteTo repeats a short write for ever
				}
				c.sweep(func() { c.cell(p, from, to, payload(size)) })
			}
		}
	}
}

func (c *poolCheck) cell(p strategy.BufferPool, from source, to sink, data []byte) {
	got := c.observe(p.CopyBuffer, from, to, data, nil)
	var first *outcome
	for want := range c.oracle(from, to, data, got.reads) {
		if got.same(want) {
			c.count(1)
			return
		}
		if first == nil {
			first = &want
		}
	}
	c.that(false, got, *first, "CopyBuffer of %d bytes from %s to %s", len(data), from.name, to.name)
}

// copyEqual takes descriptors, which are slow to make, at the sizes around which
// copies change their minds.
func copyEqual(c *poolCheck) {
	p := c.fresh()
	c.listen()
	n := c.cfg.DefaultBufferSize
	inMemory := func(int) []sink { return goodSinks[:sinksInMemory] }
	c.matrix(p, goodSources, func(int) []sink { return goodSinks }, []int{0, n + 1})
	c.matrix(p, goodSources[:sourcesInMemory], inMemory, []int{1, n - 1, n})
	descriptors := func(int) []sink { return goodSinks[sinksInMemory:] }
	c.matrix(p, goodSources, descriptors, []int{n - 1, n})
	c.matrix(p, slices.Concat(goodSources[:1], goodSources[sourcesInMemory:]), descriptors, []int{megabyte})
	c.matrix(p, goodSources, func(int) []sink { return goodSinks[:2] }, []int{4097, megabyte})
	plain := func(int) []sink { return goodSinks[:1] }
	c.matrix(p, goodSources[sourcesInMemory:], plain, []int{n - 1, n})
	c.matrix(p, goodSources[:sourcesInMemory], plain, []int{c.cfg.MinBufferSize - 1, c.cfg.MaxBufferSize - 1, c.cfg.MaxBufferSize + 1})
}

func copyErrors(c *poolCheck) {
	p := c.fresh()
	good := func(int) []sink { return goodSinks[:4] }
	bad := func(size int) []sink { return badSinks(size / 2) }
	sizes := []int{1, 100, c.cfg.DefaultBufferSize + 1, 3*c.cfg.DefaultBufferSize + 5}
	c.matrix(p, badSources, good, append(sizes, 0))
	c.matrix(p, badSources, bad, sizes)
	c.matrix(p, goodSources[:sourcesInMemory], bad, sizes) // what has no descriptor
}

// copyPosition sees what was taken where both sides are the suite's own.
func copyPosition(c *poolCheck) {
	p := c.fresh()
	for _, from := range slices.Concat(goodSources, badSources) {
		for _, size := range []int{1, 4097, 3*c.cfg.DefaultBufferSize + 5} {
			if !from.probed || from.most > 0 && size > from.most {
				continue
			}
			for _, to := range append(badSinks(size / 2)[:3], goodSinks[0]) {
				c.sweep(func() {
					got := c.observe(p.CopyBuffer, from, to, payload(size), nil)
					for want := range c.oracle(from, to, payload(size), got.reads) {
						c.that(got.taken == want.taken, got.taken, want.taken, "bytes that CopyBuffer took from %s of %d, to %s", from.name, size, to.name)
						break
					}
				})
			}
		}
	}
	beyond := &onlyReader{data: payload(1000)}
	_, _ = p.CopyBuffer(&onlyWriter{}, io.LimitReader(beyond, 600))
	c.that(beyond.at == 600, beyond.at, 600, "bytes that CopyBuffer took from under an io.LimitedReader of 600")
}

func copyLying(c *poolCheck) {
	p := c.fresh()
	lies := map[string]func(b []byte) int{
		"more than was offered": func(b []byte) int { return len(b) + 1 },
		"less than nothing":     func([]byte) int { return -1 },
	}
	for name, count := range lies {
		for _, err := range []error{nil, errSink} {
			to := sink{"a writer that reports " + name, func(*poolCheck) (io.Writer, func() []byte) {
				return &lyingWriter{count, err}, func() []byte { return nil }
			}}
			for _, from := range goodSources[:5] {
				c.cell(p, from, to, payload(3000))
			}
		}
	}
	failed := errors.New("a lying reader's")
	for _, n := range []int{-1, math.MinInt} { // counts too large are for copy/private
		from := plainSource(fmt.Sprintf("a reader that ends with count %d", n), func(r io.Reader) io.Reader {
			return io.MultiReader(r, readFunc(func([]byte) (int, error) { return n, failed }))
		})
		c.sweep(func() { c.cell(p, from, goodSinks[0], payload(3000)) })
	}
}

func copyPrivate(c *poolCheck) {
	c.private(func(p strategy.BufferPool, w io.Writer, liar io.Reader) { _, _ = p.CopyBuffer(w, liar) })
}

// private poisons a pool, and lets a reader claim bytes that it never wrote.
func (c *poolCheck) private(stream func(p strategy.BufferPool, w io.Writer, liar io.Reader)) {
	const poison = 0 // no byte of payload
	p := c.fresh()
	for _, extra := range []int{1, 100, c.cfg.MaxBufferSize} {
		for _, at := range c.classes() {
			var held [][]byte
			for range 4 {
				buf := c.get(p, at)
				fill(whole(buf), poison)
				held = append(held, buf)
			}
			for _, buf := range held {
				p.Put(buf)
			}
		}
		for _, honest := range []int{0, 1, 600} { // bytes that the reader writes before it lies
			w := &onlyWriter{}
			calls := 0
			liar := readFunc(func(b []byte) (int, error) {
				if calls++; calls > 1 {
					return 0, io.EOF
				}
				copy(b, payload(honest))
				return len(b) + extra, nil
			})
			end := protect(func() { stream(p, w, liar) })
			i := bytes.IndexByte(w.got, poison)
			c.that(i < 0, i, "none", "index of a byte at the destination that the source never wrote (panic: %v)", end.panicked)
		}
	}
}

type readFunc func(p []byte) (int, error)

func (f readFunc) Read(p []byte) (int, error) { return f(p) }

func copyBuffer(c *poolCheck) {
	p := c.fresh()
	for range 3 {
		for _, size := range []int{0, 1, c.cfg.DefaultBufferSize + 1} {
			_, _ = p.CopyBuffer(&onlyWriter{}, &onlyReader{data: payload(size), before: func(b []byte) {
				c.that(len(b) > 0 && len(b) == cap(b), []int{len(b), cap(b)}, "len == cap > 0", "len and cap of the buffer that CopyBuffer reads into")
			}})
		}
	}
}
