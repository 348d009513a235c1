package memory

import (
	"errors"
	"io"

	"github.com/daramjwee/daramjwee/cache/store"
	"github.com/daramjwee/daramjwee/internal/fence"
)

var errNegativeOffset = errors.New("memory: negative offset")

// entry reads an item, and holds one reference to it until the last call is out
// of a closed fence.
type entry struct {
	fence fence.Fence
	store *Store
	item  *item
	meta  *store.Metadata
	off   int64
}

var (
	_ store.Entry = (*entry)(nil)
	_ io.WriterTo = (*entry)(nil)
	_ io.ReaderAt = (*entry)(nil)
)

func (e *entry) Metadata() *store.Metadata { return e.meta }
func (e *entry) Size() int64               { return e.meta.Size }

func (e *entry) Read(p []byte) (int, error) {
	if !e.fence.Enter() {
		return 0, store.ErrClosed
	}
	defer e.leave()
	if len(p) == 0 {
		return 0, nil
	}
	n, err := e.item.blocks.readAt(p, e.off)
	e.off += int64(n)
	if n > 0 {
		return n, nil
	}
	return 0, err
}

func (e *entry) ReadAt(p []byte, off int64) (int, error) {
	if !e.fence.Enter() {
		return 0, store.ErrClosed
	}
	defer e.leave()
	return e.item.blocks.readAt(p, off)
}

// WriteTo writes one block a time, straight out of the tier.
func (e *entry) WriteTo(w io.Writer) (written int64, err error) {
	if !e.fence.Enter() {
		return 0, store.ErrClosed
	}
	defer e.leave()
	for {
		part := e.item.blocks.from(e.off)
		if len(part) == 0 {
			return written, nil
		}
		n, err := w.Write(part[:len(part):len(part)])
		if n < 0 || n > len(part) {
			n = 0
			if err == nil {
				err = errors.New("memory: invalid write result")
			}
		}
		e.off += int64(n)
		written += int64(n)
		if err == nil && n < len(part) {
			err = io.ErrShortWrite
		}
		if err != nil {
			return written, err
		}
	}
}

func (e *entry) Close() error {
	if _, release := e.fence.Close(); release {
		e.store.release(e.item)
	}
	return nil
}

func (e *entry) leave() {
	if e.fence.Leave() {
		e.store.release(e.item)
	}
}
