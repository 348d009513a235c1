package memory

import (
	"errors"
	"slices"

	"github.com/daramjwee/daramjwee/cache/store"
	"github.com/daramjwee/daramjwee/strategy"
)

// A block comes from the pool when at least half of its capacity will be used and
// fits into the tier. Any other is an exact allocation, shorter than the pool's
// blocks and the last of its entry: only the last one is ever plain, or short.

// grow adds a block. Bytes of a declared size are missing, or none was declared.
func (w *writer) grow() error {
	e := w.entry
	s := e.store
	if n := len(e.blocks); n > 0 && int64(len(e.blocks[n-1])) < s.block {
		return s.room.outgrown(e) // it was all that there was left
	}
	least, want := int64(1), s.block
	if e.declared { // one more than is missing, see Next
		least, want = min(w.left(), s.block), min(w.left()+1, s.block)
	}
	if 2*want >= s.capacity(want) {
		b := s.pool.Get(int(want))[:want]
		_, err := s.reserve(e, cost(b), cost(b))
		if err == nil {
			w.push(b, false)
			return nil
		}
		s.pool.Put(b)
		if !errors.Is(err, store.ErrTooLarge) {
			return err
		}
	}
	n, err := s.reserve(e, least+blockOverhead, min(want, s.block-1)+blockOverhead)
	if err == nil {
		w.push(make([]byte, n-blockOverhead), true)
	}
	return err
}

// trim drops a last block that has no bytes, and replaces one that is less than
// half full by an exact copy.
func (w *writer) trim() {
	e := w.entry
	last := len(e.blocks) - 1
	if last < 0 {
		return
	}
	switch used := e.size - int64(last)*e.blockLen(); {
	case used == 0:
		b := e.blocks[last]
		w.mu.Lock()
		e.blocks[last] = nil // a ReadAt looks at no more than there are bytes
		e.blocks = e.blocks[:last]
		w.mu.Unlock()
		if !e.plain {
			e.store.pool.Put(b)
		}
		e.plain = false
	case 2*used < int64(cap(e.blocks[last])):
		w.replace(make([]byte, used), true)
	}
}

func (w *writer) push(b []byte, plain bool) {
	w.mu.Lock()
	w.entry.blocks = append(w.entry.blocks, b)
	w.mu.Unlock()
	w.entry.plain = plain
}

// replace puts b in the place of the last block, with the same bytes. The list is
// copied, since a ReadAt may be walking the old one.
func (w *writer) replace(b []byte, plain bool) {
	e := w.entry
	last := len(e.blocks) - 1
	copy(b, e.blocks[last])
	if !e.plain {
		w.replaced = e.blocks[last]
		w.entry.store.room.pinned.Add(cost(w.replaced))
	}
	blocks := slices.Clone(e.blocks)
	blocks[last] = b
	w.mu.Lock()
	e.blocks = blocks
	w.mu.Unlock()
	e.plain = plain
}

// weight is what the entry counts for once it is committed.
func (w *writer) weight() int64 {
	n := overhead(w.entry.key, &w.entry.first)
	for _, b := range w.entry.blocks {
		n += cost(b)
	}
	return n
}

// cost is what the tier counts of a block.
func cost(b []byte) int64 { return int64(cap(b)) + blockOverhead }

// classes are the sizes of a pool's buffers (strategy.NewPool). It is a guess for
// pools that have their own; trim sees what they have.
func classes(c strategy.BufferPoolConfig) []int64 {
	sizes := []int64{int64(c.MinBufferSize)}
	for n := c.DefaultBufferSize; n < c.MaxBufferSize; n *= 2 {
		sizes = append(sizes, int64(n))
	}
	return append(sizes, int64(c.MaxBufferSize))
}

// capacity is that of a pool's buffer for n bytes, n at most a block.
func (s *Store) capacity(n int64) int64 {
	i, _ := slices.BinarySearch(s.sizes, n)
	return s.sizes[i]
}
