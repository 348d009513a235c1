package memory

import (
	"errors"
	"io"
)

var errOffset = errors.New("memory: ReadAt of a negative offset")

// body is size bytes in blocks. All blocks have the same length but the last
// one, which may be shorter; the bytes below size do not change any more.
type body struct {
	blocks [][]byte
	block  int64 // length of every block but the last
	size   int64
}

// at returns the bytes from off to the end of off's block. off is below size.
func (b *body) at(off int64) []byte {
	block, start := b.blocks[off/b.block], off%b.block
	end := min(int64(len(block)), b.size-off+start)
	return block[start:end:end] // what is behind is not the caller's to append to
}

// free returns what is left of the last block.
func (b *body) free() []byte {
	if len(b.blocks) == 0 {
		return nil
	}
	last := len(b.blocks) - 1
	return b.blocks[last][b.size-int64(last)*b.block:]
}

// ReadAt has the errors of io.ReaderAt.
func (b *body) ReadAt(p []byte, off int64) (n int, err error) {
	if off < 0 {
		return 0, errOffset
	}
	for n < len(p) && off+int64(n) < b.size {
		n += copy(p[n:], b.at(off+int64(n)))
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}
