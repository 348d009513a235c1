package disk

import (
	"fmt"
	"io"
	"sync/atomic"
)

// blockState remembers which blocks of a file have been checked. It is safe for
// concurrent use: to check a block twice does no harm.
type blockState struct {
	table atomic.Pointer[[]byte] // the file's table once it is read and checked
	good  []atomic.Uint32        // a bit for each block
}

func newBlockState(blocks int64) blockState {
	return blockState{good: make([]atomic.Uint32, (blocks+31)/32)}
}

// reset forgets everything: the file was touched.
func (s *blockState) reset() {
	s.table.Store(nil)
	for i := range s.good {
		s.good[i].Store(0)
	}
}

func (s *blockState) checked(b int64) bool { return s.good[b/32].Load()&(1<<(b%32)) != 0 }
func (s *blockState) mark(b int64)         { s.good[b/32].Or(1 << (b % 32)) }

// extent returns where the block that holds off begins, and its length.
func (b body) extent(off int64) (start, length int64) {
	start = off - off%b.block
	return start, min(b.block, b.size-start)
}

// checkedRun returns how many of the n bytes from off on lie in blocks that have
// been checked, up to the first one that has not.
func (f *file) checkedRun(off, n int64) int64 {
	limit, end := min(off+n, f.size), off
	for end < limit && f.blocks.checked(end/f.block) {
		end = min(end-end%f.block+f.block, limit)
	}
	return end - off
}

// readBlock fills buf with the block that begins at start and checks it. buf has
// the block's length.
func (f *file) readBlock(r io.ReaderAt, start int64, buf []byte) error {
	table, err := f.readTable(r)
	if err != nil {
		return err
	}
	if err := readFull(r, buf, start); err != nil {
		return err
	}
	b := start / f.block
	if checksum(buf) != le.Uint32(table[b*sumSize:]) {
		return fmt.Errorf("%w: checksum of block %d", ErrCorrupt, b)
	}
	f.blocks.mark(b)
	return nil
}

// readTable returns the file's table, from memory after the first time.
func (f *file) readTable(r io.ReaderAt) ([]byte, error) {
	if t := f.blocks.table.Load(); t != nil {
		return *t, nil
	}
	t := make([]byte, f.tableEnd()-f.size)
	if err := readFull(r, t, f.size); err != nil {
		return nil, err
	}
	if checksum(t) != f.tableSum {
		return nil, fmt.Errorf("%w: checksum of the table", ErrCorrupt)
	}
	f.blocks.table.Store(&t)
	return t, nil
}
