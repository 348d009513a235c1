package memory

import (
	"errors"
	"io"
	"iter"
)

var errOffset = errors.New("memory: ReadAt of a negative offset")

// body is size bytes in blocks. All blocks have the same length but the last
// one, which may be shorter; the bytes below size do not change any more.
type body struct {
	blocks [][]byte
	size   int64
}

// blockLen is the length of every block but the last. There must be one.
func (b *body) blockLen() int64 { return int64(len(b.blocks[0])) }

// from yields the bytes from off on, block by block. To append to one is to copy it.
func (b *body) from(off int64) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		var i, start int64
		left := b.size - off
		if off > 0 && left > 0 { // a hit mostly begins at the beginning, and a division takes its time
			i, start = off/b.blockLen(), off%b.blockLen()
		}
		for ; left > 0; i, start = i+1, 0 {
			end := min(int64(len(b.blocks[i])), start+left)
			left -= end - start
			if !yield(b.blocks[i][start:end:end]) {
				return
			}
		}
	}
}

// free returns what is left of the last block.
func (b *body) free() []byte {
	if len(b.blocks) == 0 {
		return nil
	}
	last := len(b.blocks) - 1
	return b.blocks[last][b.size-int64(last)*b.blockLen():]
}

// ReadAt has the errors of io.ReaderAt.
func (b *body) ReadAt(p []byte, off int64) (n int, err error) {
	if off < 0 {
		return 0, errOffset
	}
	for block := range b.from(off) {
		if n += copy(p[n:], block); n == len(p) {
			return n, nil
		}
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// WriteFrom implements store.Body: one Write per block, or all of them at once (writev)
// where w is a TCP or Unix connection, with the errors of io.Copy.
func (b *body) WriteFrom(w io.Writer, off int64) (written int64, err error) {
	if len(b.blocks) > 1 && b.size-off > b.blockLen() && vectored(w) {
		return b.writeVector(w, off)
	}
	for p := range b.from(off) {
		n, err := w.Write(p)
		if n < 0 || n > len(p) {
			n = 0
			if err == nil {
				err = errWrite
			}
		}
		written += int64(n)
		if err != nil {
			return written, err
		}
		if n < len(p) {
			return written, io.ErrShortWrite
		}
	}
	return written, nil
}
