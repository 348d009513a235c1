package disk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/daramjwee/daramjwee/cache/store"
	"github.com/daramjwee/daramjwee/internal/fence"
)

// entry is an open entry. It has a file descriptor of its own, so that the
// kernel can copy from its position, which nobody else moves.
type entry struct {
	s     *Store
	file  *file
	meta  *store.Metadata
	fd    *os.File
	fence fence.Fence

	// The one reader's own.
	off   int64
	limit io.LimitedReader
}

var (
	_ store.Entry = (*entry)(nil)
	_ io.WriterTo = (*entry)(nil)
	_ io.ReaderAt = (*entry)(nil)
)

func (e *entry) Metadata() *store.Metadata { return e.meta }
func (e *entry) Size() int64               { return e.file.size }

// Read implements io.Reader.
func (e *entry) Read(p []byte) (int, error) {
	if !e.fence.Enter() {
		return 0, store.ErrClosed
	}
	defer e.leave()
	if len(p) == 0 {
		return 0, nil
	}
	n, err := e.readSome(p, e.off)
	e.off += int64(n)
	return n, err
}

// ReadAt implements io.ReaderAt. It may be called from several goroutines.
func (e *entry) ReadAt(p []byte, off int64) (n int, err error) {
	if !e.fence.Enter() {
		return 0, store.ErrClosed
	}
	defer e.leave()
	if off < 0 {
		return 0, errors.New("disk: ReadAt of a negative offset")
	}
	for n < len(p) && err == nil {
		var m int
		m, err = e.readSome(p[n:], off+int64(n))
		n += m
	}
	return n, err
}

// readSome reads at least one byte of checked blocks, or returns an error.
func (e *entry) readSome(p []byte, off int64) (int, error) {
	f := e.file
	if off >= f.size {
		return 0, io.EOF
	}
	if run := f.checkedRun(off, int64(len(p))); run > 0 {
		if err := readFull(e.fd, p[:run], off); err != nil {
			return 0, e.damaged(err)
		}
		return int(run), nil
	}
	start, length := f.extent(off)
	if off == start && int64(len(p)) >= length { // p is the buffer
		if err := f.readBlock(e.fd, start, p[:length]); err != nil {
			return 0, e.damaged(err)
		}
		return int(length), nil
	}
	buf := e.s.buffer(length)
	defer e.s.free(buf)
	if err := f.readBlock(e.fd, start, buf); err != nil {
		return 0, e.damaged(err)
	}
	return copy(p, buf[off-start:]), nil
}

// WriteTo implements io.WriterTo. Blocks that were checked before go from the
// file to dst as dst can take them, by sendfile if it is a socket; a block that
// was not is written out of the buffer it is checked in.
func (e *entry) WriteTo(dst io.Writer) (n int64, err error) {
	if !e.fence.Enter() {
		return 0, store.ErrClosed
	}
	defer e.leave()
	for e.off < e.file.size && err == nil {
		if e.fence.Closed() {
			return n, store.ErrClosed
		}
		var m int64
		if run := e.file.checkedRun(e.off, e.file.size); run > 0 {
			m, err = e.send(dst, run)
		} else {
			m, err = e.checkAndWrite(dst)
		}
		n += m
		e.off += m
	}
	return n, err
}

// send copies n bytes of checked blocks. The destination sees an
// *io.LimitedReader over an *os.File: what the kernel paths look for.
func (e *entry) send(dst io.Writer, n int64) (m int64, err error) {
	if _, err = e.fd.Seek(e.off, io.SeekStart); err != nil {
		return 0, e.damaged(err)
	}
	e.limit = io.LimitedReader{R: e.fd, N: n}
	if e.s.pool != nil {
		m, err = e.s.pool.CopyBuffer(dst, &e.limit)
	} else {
		m, err = io.Copy(dst, &e.limit)
	}
	switch {
	case m >= n:
	case err == nil:
		err = e.damaged(fmt.Errorf("%w: cut while it was read", ErrCorrupt))
	default: // dst's or the file's: whose it is, no kernel tells
		if fault := e.checkBlock(e.off + m); fault != nil {
			err = e.damaged(fault)
		}
	}
	return m, err
}

// checkAndWrite writes the rest of the block at off.
func (e *entry) checkAndWrite(dst io.Writer) (int64, error) {
	start, length := e.file.extent(e.off)
	buf := e.s.buffer(length)
	defer e.s.free(buf)
	if err := e.file.readBlock(e.fd, start, buf); err != nil {
		return 0, e.damaged(err)
	}
	rest := buf[e.off-start:]
	m, err := dst.Write(rest)
	if m < 0 || m > len(rest) {
		return 0, errors.New("disk: invalid count from Write")
	}
	if err == nil && m < len(rest) {
		err = io.ErrShortWrite
	}
	return int64(m), err
}

// checkFirst checks the first block, unless it was checked before.
func (e *entry) checkFirst() error {
	if e.file.size == 0 || e.file.blocks.checked(0) {
		return nil
	}
	return unreadable(e.checkBlock(0))
}

// checkBlock checks the block that holds off, whether or not that was done before.
func (e *entry) checkBlock(off int64) error {
	start, length := e.file.extent(off)
	buf := e.s.buffer(length)
	defer e.s.free(buf)
	return e.file.readBlock(e.fd, start, buf)
}

// damaged removes the entry from the tier and returns what the reader is told.
func (e *entry) damaged(err error) error {
	err = unreadable(err)
	if e.s.enter(context.Background()) == nil {
		e.s.drop(e.file, err)
		e.s.leave()
	}
	return err
}

// unreadable makes an ErrCorrupt of any error: a file whose bytes cannot be read
// would fail every caller until it is evicted.
func unreadable(err error) error {
	if err == nil || errors.Is(err, ErrCorrupt) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrCorrupt, err)
}

// Close implements store.Entry.
func (e *entry) Close() error {
	if _, release := e.fence.Close(); release {
		return wrap("close", e.release())
	}
	return nil
}

func (e *entry) leave() {
	if e.fence.Leave() {
		e.release()
	}
}

// release is called once, by the last one out.
func (e *entry) release() (err error) {
	if e.fd != nil {
		err = e.fd.Close()
	}
	e.s.release(e.file)
	return err
}
