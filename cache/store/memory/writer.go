package memory

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/daramjwee/daramjwee/cache/store"
)

// writer stages an entry.
type writer struct {
	store    *Store
	key      string
	meta     store.Metadata
	declared bool  // meta.Size is to be met
	reserved int64 // room held in the store

	mu     sync.RWMutex // guards the following 3 fields against ReadAt from other goroutines
	blocks blocks
	failed error // why nothing more is taken; the bytes so far can still be read back
	ended  bool  // committed or aborted
}

var (
	_ store.StagedReader = (*writer)(nil)
	_ store.DirectWriter = (*writer)(nil)
	_ io.ReaderFrom      = (*writer)(nil)
)

// Create implements store.Store.
func (s *Store) Create(ctx context.Context, key string, m store.Metadata) (store.Writer, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	key, m = clone(key, m)
	w := &writer{store: s, key: key, meta: m, declared: m.Size >= 0, blocks: blocks{unit: s.blockSize}}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, store.ErrClosed
	}
	if w.declared {
		beside := weigh(key, &m)
		if m.Size > s.max-beside {
			return nil, store.ErrTooLarge
		}
		// Blocks may be larger than the last bytes need; Commit counts them exactly.
		need := min(roundUp(m.Size, int64(s.blockSize))+beside, s.max)
		if err := s.makeRoom(need); err != nil {
			return nil, err
		}
		w.reserved = need
		s.reserved += need
	}
	return w, nil
}

// makeRoom evicts until need bytes more fit. The caller holds mu for writing.
func (s *Store) makeRoom(need int64) error {
	if need > s.max {
		return store.ErrTooLarge
	}
	if s.reserved+need > s.max {
		return fmt.Errorf("memory: no room beside the entries being written: %w", store.ErrTooLarge)
	}
	for s.order.Weight()+s.reserved+need > s.max {
		victim := s.order.Evict()
		s.evictions.Add(1)
		s.forget(victim.Value)
	}
	return nil
}

func (w *writer) Write(p []byte) (written int, err error) {
	for len(p) > 0 {
		room := w.Next()
		if len(room) == 0 {
			return written, w.refuse()
		}
		n := copy(room, p)
		if err := w.Advance(n); err != nil {
			return written, err
		}
		written += n
		p = p[n:]
	}
	return written, nil
}

// ReadFrom reads a source straight into the blocks.
func (w *writer) ReadFrom(r io.Reader) (read int64, err error) {
	for {
		room := w.Next()
		if len(room) == 0 {
			// The source may be at its end: only one more byte is too many.
			if n, err := io.ReadFull(r, make([]byte, 1)); n == 0 {
				if err == io.EOF {
					err = nil
				}
				return read, err
			}
			return read, w.refuse()
		}
		n, err := r.Read(room)
		if n < 0 || n > len(room) {
			return read, errors.New("memory: source returned an invalid count")
		}
		if err := w.Advance(n); err != nil {
			return read, err
		}
		read += int64(n)
		if err == io.EOF {
			return read, nil
		}
		if err != nil {
			return read, err
		}
	}
}

// refuse says why there is no room for the byte that came.
func (w *writer) refuse() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.ended:
		return store.ErrClosed
	case w.failed == nil:
		w.failed = fmt.Errorf("%w: more than %d bytes", store.ErrIncomplete, w.meta.Size)
	}
	return w.failed
}

// Next implements store.DirectWriter.
func (w *writer) Next() []byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended || w.failed != nil {
		return nil
	}
	b := &w.blocks
	last := len(b.list) - 1
	if last < 0 || int64(len(b.list))*int64(b.unit) == b.size {
		if !w.grow() {
			return nil
		}
		last++
	}
	room := b.list[last][b.size-int64(last)*int64(b.unit):]
	if w.declared {
		if left := w.meta.Size - b.size; int64(len(room)) > left {
			room = room[:left]
		}
	}
	return room[:len(room):len(room)]
}

// grow adds a block. The caller holds w.mu.
func (w *writer) grow() bool {
	b := &w.blocks
	want := b.unit
	if w.declared {
		left := w.meta.Size - b.size
		if left == 0 {
			return false
		}
		want = int(min(int64(want), left))
	} else if !w.store.growUndeclared(w, int64(want)) {
		w.failed = store.ErrTooLarge
		return false
	}
	b.list = append(b.list, w.store.pool.Get(want))
	return true
}

// growUndeclared holds room for entries of unknown size to an eighth of the limit.
func (s *Store) growUndeclared(w *writer, n int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.undeclared+n > s.max/8 {
		return false
	}
	s.undeclared += n
	w.reserved += n
	return true
}

// Advance implements store.DirectWriter.
func (w *writer) Advance(n int) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended {
		return store.ErrClosed
	}
	b := &w.blocks
	room := int64(len(b.list))*int64(b.unit) - b.size
	if w.declared {
		room = min(room, w.meta.Size-b.size)
	}
	if n < 0 || int64(n) > room {
		return fmt.Errorf("memory: Advance by %d of %d bytes", n, room)
	}
	b.size += int64(n)
	return nil
}

// ReadAt implements store.StagedReader.
func (w *writer) ReadAt(p []byte, off int64) (int, error) {
	w.mu.RLock()
	defer w.mu.RUnlock()
	if w.ended {
		return 0, store.ErrClosed
	}
	return w.blocks.readAt(p, off)
}

// Commit implements store.Writer.
func (w *writer) Commit(ctx context.Context) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended {
		return store.ErrClosed
	}
	err := ctx.Err()
	if err == nil {
		err = w.failed
	}
	if err == nil && w.declared && w.blocks.size != w.meta.Size {
		err = fmt.Errorf("%w: %d of %d bytes", store.ErrIncomplete, w.blocks.size, w.meta.Size)
	}
	if err == nil {
		w.blocks.trim(w.store.pool)
		err = w.store.publish(w)
	}
	if err != nil {
		w.drop()
		return err
	}
	w.ended = true
	return nil
}

// publish turns a staged entry into a committed one, all under the store's lock.
func (s *Store) publish(w *writer) error {
	it := &item{key: w.key, blocks: w.blocks}
	w.meta.Size = w.blocks.size
	it.meta.Store(&w.meta)
	it.weight = w.blocks.capacity() + weigh(w.key, &w.meta)
	it.node.Value = it
	it.refs.Store(1)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return store.ErrClosed
	}
	s.unreserve(w)
	if old := s.index[w.key]; old != nil {
		s.forget(old)
	}
	if err := s.makeRoom(it.weight); err != nil {
		return err
	}
	s.index[w.key] = it
	s.order.Push(&it.node, it.weight)
	return nil
}

// unreserve gives a staged entry's room back. The caller holds s.mu.
func (s *Store) unreserve(w *writer) {
	if w.declared {
		s.reserved -= w.reserved
	} else {
		s.undeclared -= w.reserved
	}
	w.reserved = 0
}

// Abort implements store.Writer.
func (w *writer) Abort() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.ended {
		w.drop()
	}
	return nil
}

// drop gives blocks and room back. The caller holds w.mu.
func (w *writer) drop() {
	w.ended = true
	w.blocks.putAll(w.store.pool)
	w.store.mu.Lock()
	defer w.store.mu.Unlock()
	w.store.unreserve(w)
}

func roundUp(n, unit int64) int64 { return n + (unit-n%unit)%unit }
