package disk

import (
	"context"
	"hash/crc32"
	"os"
	"strings"
	"sync"
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
	fd       *os.File
	fence    fence.Fence  // of fd: ReadAt is inside. Closed by end, held by Hold
	written  atomic.Int64 // bytes of the body so far: how far ReadAt may look

	// mu makes the calls of the writer's goroutine and the Abort of Store.Close
	// one at a time. It guards the following, which the last one out of the fence
	// may look at, too.
	mu     sync.Mutex
	temp   string // the staged file; "" once it is renamed or removed
	failed error  // of a Write: bytes are missing, so Commit fails too
	sum    uint32 // of the block in progress
	table  []byte // checksums of the blocks before it
	file   *file  // of the index, once committed
	pinned int64  // what is counted as pinned, once aborted

	promised, staged, loose int64 // what is counted of it, see room
}

var (
	_ store.Writer       = (*writer)(nil)
	_ store.StagedReader = (*writer)(nil)
	_ store.StagedHolder = (*writer)(nil)
)

// Create implements store.Store. The writer is also a store.StagedHolder.
func (s *Store) Create(ctx context.Context, key string, m store.Metadata) (store.Writer, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.leave()
	w := &writer{s: s, key: strings.Clone(key), meta: m.Clone(), declared: m.Size >= 0}
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

// Write implements io.Writer. After an error the entry can be read and aborted, not
// committed.
func (w *writer) Write(p []byte) (n int, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.usable(); err != nil || len(p) == 0 {
		return 0, err
	}
	if err = w.count(w.written.Load() + int64(len(p))); err == nil {
		n, err = w.fd.Write(p)
		err = wrap("write", err)
		w.add(p[:n])
		w.written.Add(int64(n)) // after the bytes: a follower may read them now
	}
	w.failed = err
	return n, err
}

// usable wants mu.
func (w *writer) usable() error {
	if w.fence.Closed() {
		return store.ErrClosed
	}
	return w.failed
}

// count counts a body of n bytes that is being written.
func (w *writer) count(n int64) error {
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
