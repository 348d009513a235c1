package memory

import (
	"errors"
	"io"

	"github.com/daramjwee/daramjwee/cache/store"
	"github.com/daramjwee/daramjwee/internal/fence"
)

var (
	_ store.Entry = (*reader)(nil)
	_ io.WriterTo = (*reader)(nil)
	_ io.ReaderAt = (*reader)(nil)
	_ store.Body  = (*entry)(nil)
)

var errWrite = errors.New("memory: destination returned an impossible count")

// reader is an open entry. It holds one reference, which goes back when Close was
// called and the last call is out. Close may run beside every method; ReadAt and
// WriteTo may also run beside each other, Read and WriteTo share an offset.
type reader struct {
	entry *entry
	meta  *store.Metadata
	off   int64
	fence fence.Fence
}

func (r *reader) Metadata() *store.Metadata { return r.meta }

func (r *reader) Size() int64 { return r.entry.size }

// Read implements io.Reader.
func (r *reader) Read(p []byte) (n int, err error) {
	if !r.fence.Enter() {
		return 0, store.ErrClosed
	}
	defer r.leave()
	n, err = r.entry.ReadAt(p, r.off)
	r.off += int64(n)
	if n > 0 {
		err = nil // at the next call
	}
	return n, err
}

// ReadAt implements io.ReaderAt.
func (r *reader) ReadAt(p []byte, off int64) (int, error) {
	if !r.fence.Enter() {
		return 0, store.ErrClosed
	}
	defer r.leave()
	return r.entry.ReadAt(p, off)
}

// WriteTo implements io.WriterTo: the rest of the body, one Write per block, or all
// of them at once (writev) where w is a TCP or Unix connection, with the errors of
// io.Copy. What w accepted is not written again by a later call, unless w panicked. A
// Close meanwhile does not end it: blocks are put back when it returns.
func (r *reader) WriteTo(w io.Writer) (written int64, err error) {
	if !r.fence.Enter() {
		return 0, store.ErrClosed
	}
	defer r.leave() // also when Write panics
	written, err = r.entry.WriteFrom(w, r.off)
	r.off += written
	return written, err
}

// Close gives the entry back. It never waits.
func (r *reader) Close() error {
	if _, release := r.fence.Close(); release {
		r.entry.unref()
	}
	return nil
}

func (r *reader) leave() {
	if r.fence.Leave() {
		r.entry.unref()
	}
}
