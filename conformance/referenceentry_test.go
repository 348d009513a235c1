package conformance

import (
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"

	"github.com/daramjwee/daramjwee/cache/store"
)

// plainReader is an open entry of a plainStore. Its body is never written to, so
// that a read needs no protection from Close.
type plainReader struct {
	body   []byte
	meta   *store.Metadata
	off    int
	closed atomic.Bool
}

func (r *plainReader) Metadata() *store.Metadata { return r.meta }
func (r *plainReader) Size() int64               { return int64(len(r.body)) }

func (r *plainReader) Read(p []byte) (int, error) {
	n, err := r.ReadAt(p, int64(r.off))
	r.off += n
	if n > 0 || len(p) == 0 && err == io.EOF {
		err = nil
	}
	return n, err
}

func (r *plainReader) ReadAt(p []byte, off int64) (int, error) {
	if r.closed.Load() {
		return 0, store.ErrClosed
	}
	return readBody(r.body, p, off)
}

func readBody(body, p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, errors.New("negative offset")
	}
	n := copy(p, body[min(off, int64(len(body))):])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (r *plainReader) WriteTo(w io.Writer) (written int64, err error) {
	if r.closed.Load() {
		return 0, store.ErrClosed
	}
	for r.off < len(r.body) {
		p := r.body[r.off:min(r.off+10_000, len(r.body))]
		n, err := w.Write(p)
		if n < 0 || n > len(p) {
			return written, errors.New("impossible count")
		}
		r.off += n
		written += int64(n)
		if err == nil && n < len(p) {
			err = io.ErrShortWrite
		}
		if err != nil {
			return written, err
		}
	}
	return written, nil
}

func (r *plainReader) Close() error {
	r.closed.Store(true)
	return nil
}

// plainWriter stages a body in blocks that stay where they are.
type plainWriter struct {
	s      *plainStore
	key    string
	meta   store.Metadata
	lent   []byte
	failed error

	mu                    sync.Mutex // guards the following
	blocks                [][]byte   // all but the last have their capacity filled
	size                  int64
	ended, held, released bool
}

func (w *plainWriter) Write(p []byte) (n int, err error) {
	for err == nil && n < len(p) {
		room := w.Next()
		c := copy(room, p[n:])
		if err = w.Advance(c); err == nil {
			n += c
		}
	}
	if len(p) == 0 {
		w.lent = nil
		err = w.usable()
	}
	return n, err
}

func (w *plainWriter) usable() error {
	if w.ended {
		return store.ErrClosed
	}
	return w.failed
}

func (w *plainWriter) Next() []byte {
	w.lent = nil
	if w.usable() != nil {
		return nil
	}
	last := len(w.blocks) - 1
	if last < 0 || len(w.blocks[last]) == cap(w.blocks[last]) {
		w.mu.Lock()
		w.blocks = append(w.blocks, make([]byte, 0, 16<<10))
		w.mu.Unlock()
		last++
	}
	b := w.blocks[last]
	w.lent = b[len(b):cap(b)]
	return w.lent
}

func (w *plainWriter) Advance(n int) error {
	lent := w.lent
	w.lent = nil
	if err := w.usable(); err != nil {
		return err
	}
	size := w.size + int64(n)
	switch {
	case n < 0 || n > len(lent):
		w.failed = errors.New("Advance beyond Next")
	case w.meta.Size >= 0 && size > w.meta.Size:
		w.failed = store.ErrIncomplete
	case w.meta.Size < 0 && size > w.s.max/2:
		w.failed = store.ErrTooLarge
	case n > 0:
		w.mu.Lock()
		last := len(w.blocks) - 1
		w.blocks[last] = w.blocks[last][:len(w.blocks[last])+n]
		w.size = size
		w.mu.Unlock()
	}
	return w.failed
}

// body is what was written so far, in one piece.
func (w *plainWriter) body() []byte {
	b := make([]byte, 0, w.size)
	for _, block := range w.blocks {
		b = append(b, block...)
	}
	return b
}

func (w *plainWriter) Commit(ctx context.Context) error {
	if w.ended {
		return store.ErrClosed
	}
	err := w.usable()
	if err == nil && w.meta.Size >= 0 && w.size != w.meta.Size {
		err = store.ErrIncomplete
	}
	if err == nil {
		err = w.s.enter(ctx)
	}
	if err != nil {
		_ = w.Abort()
		return err
	}
	defer w.s.mu.Unlock()
	w.s.staged -= max(w.meta.Size, 0)
	meta := w.meta
	meta.Size = w.size
	w.s.put(&plainEntry{key: w.key, body: w.body(), meta: &meta})
	w.end()
	return nil
}

func (w *plainWriter) Abort() error {
	if w.end() {
		w.s.mu.Lock()
		defer w.s.mu.Unlock()
		w.s.staged -= max(w.meta.Size, 0)
	}
	return nil
}

func (w *plainWriter) end() (first bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	first = !w.ended
	w.ended = true
	return first
}

func (w *plainWriter) Hold()    { w.held = true }
func (w *plainWriter) Release() { w.mu.Lock(); defer w.mu.Unlock(); w.released = true }

func (w *plainWriter) ReadAt(p []byte, off int64) (n int, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended && (!w.held || w.released) {
		return 0, store.ErrClosed
	}
	if off < 0 {
		return 0, errors.New("negative offset")
	}
	for n < len(p) && off+int64(n) < w.size {
		at := off + int64(n)
		n += copy(p[n:], w.blocks[at>>14][at&(16<<10-1):])
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}
