package conformance

import (
	"bytes"
	"fmt"
	"io"
	"slices"

	"github.com/daramjwee/daramjwee/strategy"
)

// teeCopy has destinations that fail only where a probe lets io.TeeReader see the
// same Reads: otherwise what was teed by then is a matter of the buffer's length.
func teeCopy(c *poolCheck) {
	p := c.fresh()
	c.listen()
	probed := slices.Concat(goodSources[:5], badSources[:4])
	own := slices.Concat(goodSources[5:sourcesInMemory], badSources[4:]) // types that a tee may look at
	inMemory, descriptors := goodSinks[:sinksInMemory], goodSinks[sinksInMemory:]
	for _, size := range []int{0, 1, 3000, 2*c.cfg.DefaultBufferSize + 9} {
		failing := badSinks(size / 2)
		c.teesCopied(p, probed, slices.Concat(failing[:3], goodSinks[:1]), slices.Concat(badSinks(size / 3)[:2], goodSinks[:4]), size)
		c.teesCopied(p, probed[:1], slices.Concat(failing[3:], goodSinks[1:]), goodSinks[:4], size)
		c.teesCopied(p, own, slices.Concat(failing, inMemory), inMemory, size)
	}
	size := 2*c.cfg.DefaultBufferSize + 9
	c.teesCopied(p, goodSources[sourcesInMemory:], slices.Concat(badSinks(size/2), goodSinks), goodSinks[:1], size)
	c.teesCopied(p, own, descriptors, goodSinks[:1], size)
	c.teesCopied(p, goodSources, goodSinks[:1], descriptors, size)
}

// teesCopied compares io.Copy out of our TeeReader with io.Copy out of io's.
func (c *poolCheck) teesCopied(p strategy.BufferPool, sources []source, teed, sinks []sink, size int) {
	for _, from := range sources {
		if from.most > 0 && size > from.most {
			continue
		}
		for _, w := range teed {
			for _, to := range sinks {
				c.sweep(func() { c.teeCopied(p, from, w, to, payload(size)) })
			}
		}
	}
}

func (c *poolCheck) teeCopied(p strategy.BufferPool, from source, teed, to sink, data []byte) {
	got, gotTeed := c.teeOnce(p.TeeReader, from, teed, to, data, nil)
	want, wantTeed := c.teeOnce(io.TeeReader, from, teed, to, data, got.reads)
	if got.same(want) && bytes.Equal(gotTeed, wantTeed) {
		c.count(1)
		return
	}
	c.that(false, fmt.Sprint(got, ", teed ", len(gotTeed)), fmt.Sprint(want, ", teed ", len(wantTeed)),
		"io.Copy of %d bytes from %s through a TeeReader into %s, to %s", len(data), from.name, teed.name, to.name)
}

func (c *poolCheck) teeOnce(make func(io.Reader, io.Writer) io.Reader, from source, teed, to sink, data []byte, limits []int) (outcome, []byte) {
	w, got := teed.open(c)
	buf := c.staging(limits)
	copying := func(dst io.Writer, src io.Reader) (int64, error) { return io.CopyBuffer(dst, make(src, w), buf) }
	o := c.observe(copying, from, to, data, limits)
	return o, got()
}
