package disk

import (
	"context"
	"errors"
	"hash/crc32"
	"io"
	"os"
	"sync/atomic"

	"github.com/daramjwee/daramjwee/cache/store"
	"github.com/daramjwee/daramjwee/internal/fence"
)

// writer stages an entry in a file of the tmp folder.
type writer struct {
	s        *Store
	key      string
	meta     store.Metadata
	declared bool // meta.Size is to be met
	record   []byte
	temp     string
	fd       *os.File
	fence    fence.Fence // closed by Commit, Abort, an error of Write, and Store.Close

	written atomic.Int64 // bytes of the body so far: how far ReadAt may look
	sum     uint32       // of the block in progress
	table   []byte       // checksums of the blocks before it

	// What reserve has counted. The writer's goroutine changes them, and
	// whoever leaves the fence last gives them back.
	promised, staged, loose int64
	published               bool
}

var (
	_ store.Writer       = (*writer)(nil)
	_ store.StagedReader = (*writer)(nil)
)

// Create implements store.Store.
func (s *Store) Create(ctx context.Context, key string, m store.Metadata) (store.Writer, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.leave()
	w := &writer{s: s, key: key, meta: m, declared: m.Size >= 0}
	if m.Size > s.limit {
		return nil, store.ErrTooLarge // and fileSize cannot overflow
	}
	var err error
	if w.record, err = encodeRecord(key, m); err != nil {
		return nil, err
	}
	promise := w.fileSize(max(m.Size, 0))
	if _, err := s.reserve(promise, 0); err != nil { // evicts nothing: nothing is staged
		return nil, err
	}
	w.promised = promise
	w.temp, w.fd, err = s.stage()
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.promised -= promise
		return nil, wrap("create", err)
	}
	s.writers[w] = struct{}{}
	return w, nil
}

// fileSize is the size of a file with a body of n bytes.
func (w *writer) fileSize(n int64) int64 {
	b := body{size: n, block: w.s.block}
	return b.tableEnd() + int64(len(w.record)) + footerSize
}

// Write implements io.Writer. After an error the writer is aborted.
func (w *writer) Write(p []byte) (int, error) {
	if !w.fence.Enter() {
		return 0, store.ErrClosed
	}
	defer w.leave()
	if len(p) == 0 {
		return 0, nil
	}
	n := 0
	err := w.hold(w.written.Load() + int64(len(p)))
	if err == nil {
		n, err = w.fd.Write(p)
		err = wrap("write", err)
	}
	if err != nil {
		w.fence.Close()
		return n, err
	}
	w.add(p)
	w.written.Add(int64(n)) // after the bytes: a follower may read them now
	return n, nil
}

// hold counts a body of n bytes that is being written.
func (w *writer) hold(n int64) error {
	if w.declared {
		return w.grow(n)
	}
	size := w.fileSize(n)
	if err := w.s.reserveLoose(size - w.loose); err != nil {
		return err
	}
	w.loose = size
	return nil
}

// grow makes room for a body of n bytes.
func (w *writer) grow(n int64) error {
	s := w.s
	if err := s.enter(context.Background()); err != nil {
		return err
	}
	defer s.leave()
	size := w.fileSize(n)
	promise := max(size-w.promised, 0)
	victims, err := s.reserve(promise, size-w.staged)
	if err != nil {
		return err
	}
	w.promised += promise
	w.staged = size
	s.remove(victims)
	return nil
}

// add takes p into the checksums.
func (w *writer) add(p []byte) {
	off := w.written.Load()
	for len(p) > 0 {
		n := min(int64(len(p)), w.s.block-off%w.s.block)
		w.sum = crc32.Update(w.sum, castagnoli, p[:n])
		off += n
		p = p[n:]
		if off%w.s.block == 0 {
			w.seal()
		}
	}
}

// seal ends a block.
func (w *writer) seal() {
	w.table = le.AppendUint32(w.table, w.sum)
	w.sum = 0
}

// ReadAt implements store.StagedReader. What it reads is on its way through the
// page cache and is not checked against the checksums.
func (w *writer) ReadAt(p []byte, off int64) (int, error) {
	if !w.fence.Enter() {
		return 0, store.ErrClosed
	}
	defer w.leave()
	if off < 0 {
		return 0, errors.New("disk: ReadAt of a negative offset")
	}
	n := max(min(int64(len(p)), w.written.Load()-off), 0)
	if err := readFull(w.fd, p[:n], off); err != nil {
		return 0, wrap("read staged", err)
	}
	if n < int64(len(p)) {
		return int(n), io.EOF
	}
	return int(n), nil
}

// Abort implements store.Writer.
func (w *writer) Abort() error {
	if _, release := w.fence.Close(); release {
		return wrap("abort", w.release())
	}
	return nil
}

func (w *writer) leave() {
	if w.fence.Leave() {
		if err := w.release(); err != nil {
			w.s.log.Warn("disk: staged file left behind", "dir", w.s.dir, "name", w.temp, "error", err)
		}
	}
}

// release is called once, by the last one out, outside of the store.
func (w *writer) release() error {
	s := w.s
	err := w.fd.Close()
	if !w.published && s.enter(context.Background()) == nil { // Close sweeps what is left
		err = errors.Join(err, s.root.Remove(w.temp))
		s.leave()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.writers, w)
	s.promised -= w.promised
	s.staged -= w.staged
	s.loose -= w.loose
	return err
}
