package memory

import (
	"io"

	"github.com/daramjwee/daramjwee/strategy"
)

// blocks is a body. All blocks but the last have the store's block size.
type blocks struct {
	list  [][]byte
	unit  int   // the block size
	size  int64 // bytes in use
	exact bool  // the last block is a plain allocation, not the pool's
}

// putAll gives the blocks back. Nothing may read them any more.
func (b *blocks) putAll(pool strategy.BufferPool) {
	for i, block := range b.list {
		if !b.exact || i < len(b.list)-1 {
			pool.Put(block)
		}
	}
	b.list = nil
}

// capacity is what the blocks occupy.
func (b *blocks) capacity() (n int64) {
	for _, block := range b.list {
		n += int64(cap(block))
	}
	return n
}

// from returns the bytes from off to the end of the block that has it; empty at
// the end of the body.
func (b *blocks) from(off int64) []byte {
	if off >= b.size {
		return nil
	}
	i := off / int64(b.unit)
	start := i * int64(b.unit)
	end := min(b.size-start, int64(b.unit))
	return b.list[i][off-start : end]
}

// readAt has the errors of io.ReaderAt.
func (b *blocks) readAt(p []byte, off int64) (n int, err error) {
	if off < 0 {
		return 0, errNegativeOffset
	}
	for n < len(p) {
		part := b.from(off + int64(n))
		if len(part) == 0 {
			return n, io.EOF
		}
		n += copy(p[n:], part)
	}
	return n, nil
}

// trim replaces a last block that is less than half full by an exact copy.
func (b *blocks) trim(pool strategy.BufferPool) {
	last := len(b.list) - 1
	if last < 0 {
		return
	}
	used := b.list[last][:b.size-int64(last)*int64(b.unit)]
	if len(used)*2 >= cap(b.list[last]) {
		return
	}
	copied := make([]byte, len(used))
	copy(copied, used)
	pool.Put(b.list[last])
	b.list[last], b.exact = copied, true
}
