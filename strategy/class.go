package strategy

import (
	"math/bits"

	"github.com/daramjwee/daramjwee/internal/calm"
)

// class is one size class and the Backend of its idle buffers.
type class struct {
	size    int
	backend Backend
	calls   Backend // the same, guarded unless it is calm
}

// take returns an idle buffer of exactly the class's size, or nil. A Backend that
// returns anything else has none: the caller still gets a buffer.
func (c *class) take() []byte {
	if buf := c.calls.Take(); cap(buf) == c.size {
		return buf[:c.size]
	}
	return nil
}

// guarded is a Backend that has nothing, and keeps nothing, when it panics.
type guarded struct{ Backend }

func (g guarded) Take() []byte {
	defer recoverBackend()
	return g.Backend.Take()
}

func (g guarded) Keep(buf []byte) bool {
	defer recoverBackend()
	return g.Backend.Keep(buf)
}

func recoverBackend() { _ = recover() }

// table finds the class of a length.
type table struct {
	classes []class
	max     int                      // the largest class; 0 when there is none
	first   [bits.UintSize + 1]uint8 // by bits.Len(n-1): the first class that may hold n bytes
}

// classSizes are Min, Default, then doubling from Default up to Max, which is
// the last one.
func classSizes(c BufferPoolConfig) []int {
	var sizes []int
	if c.MinBufferSize < c.DefaultBufferSize {
		sizes = append(sizes, c.MinBufferSize)
	}
	size := c.DefaultBufferSize
	for ; size < c.MaxBufferSize; size *= 2 {
		sizes = append(sizes, size)
		if size > c.MaxBufferSize/2 { // doubling again would pass it, or overflow
			size = c.MaxBufferSize
			break
		}
	}
	return append(sizes, size)
}

// add appends a class; sizes must ascend.
func (t *table) add(size int, b Backend) {
	for n := range t.first {
		// The shortest length with this many bits is 2^(n-1)+1; classes that
		// cannot hold it are never looked at.
		if n > 0 && size <= 1<<(n-1) {
			t.first[n] = uint8(len(t.classes) + 1)
		}
	}
	c := class{size: size, backend: b, calls: b}
	if _, ok := b.(interface{ Calm(calm.Backend) }); !ok {
		c.calls = guarded{b}
	}
	t.classes = append(t.classes, c)
	t.max = size
}

// fit returns the smallest class that holds n bytes, nil when none does. n > 0.
// The loop ends at once for classes that are powers of two: no chain of
// comparisons, whose mispredicted branches cost 7 ns on mixed sizes.
func (t *table) fit(n int) *class {
	if n > t.max {
		return nil
	}
	i := t.first[bits.Len(uint(n-1))]
	for t.classes[i].size < n {
		i++
	}
	return &t.classes[i]
}

// idle sums what the Backends keep, -1 and -1 when one of them cannot know.
func (t *table) idle() (buffers, bytes int64) {
	for i := range t.classes {
		b, ok := t.classes[i].backend.(interface{ Idle() int })
		if !ok {
			return -1, -1
		}
		n := int64(b.Idle())
		buffers += n
		bytes += n * int64(t.classes[i].size)
	}
	return buffers, bytes
}
