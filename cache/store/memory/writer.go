package memory

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/daramjwee/daramjwee/cache/store"
	"github.com/daramjwee/daramjwee/internal/fence"
)

var (
	_ store.Writer       = (*writer)(nil)
	_ store.StagedReader = (*writer)(nil)
	_ store.StagedHolder = (*writer)(nil)
	_ store.DirectWriter = (*writer)(nil)
	_ io.ReaderFrom      = (*writer)(nil)
)

// writer stages an entry. Its caller uses it from one goroutine, but for ReadAt.
type writer struct {
	entry *entry
	fence fence.Fence // of ReadAt; closed by Commit and Abort, held by Hold

	staged atomic.Int64 // the entry's size, for ReadAt
	mu     sync.Mutex   // guards the entry's blocks between the writer and ReadAt

	lent     []byte  // what Next returned, until the next call
	spare    [3]byte // lent where a block would end with the declared size: 2 for its last byte, then 1
	replaced []byte  // a pooled block that is still read, by ReadAt or through what Next returned
	failed   error   // what Write, ReadFrom or Advance returned: bytes are missing, so Commit fails too
}

// someBlocks are those that a declared size has a place for at once: the size may be
// an origin's whim.
const someBlocks = 4096

// Create implements store.Store. The writer is also a store.StagedHolder, a
// store.DirectWriter and an io.ReaderFrom.
func (s *Store) Create(ctx context.Context, key string, m store.Metadata) (store.Writer, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	e := &entry{store: s, hash: s.index.hash(key), key: strings.Clone(key), first: m.Clone(), declared: m.Size >= 0}
	e.node.Value, e.blocks = e, e.one[:0]
	e.refs.Store(1)
	w := &writer{entry: e}
	fixed := overhead(key, &m)
	if e.declared {
		if m.Size > s.room.limit { // and the sum below cannot overflow
			return nil, store.ErrTooLarge
		}
		blocks := (m.Size + s.block - 1) / s.block
		if err := s.promise(e, fixed+m.Size+blocks*blockOverhead); err != nil {
			return nil, err
		}
		if blocks > 1 {
			e.blocks = make([][]byte, 0, min(blocks, someBlocks))
		}
	}
	if _, err := s.reserve(e, fixed, fixed); err != nil {
		w.Abort()
		return nil, err
	}
	return w, nil
}

// Write implements io.Writer. It returns ErrIncomplete for what is beyond the
// declared size. After an error the entry can be read and aborted, not committed.
func (w *writer) Write(p []byte) (n int, err error) {
	if err := w.usable(); err != nil {
		return 0, err
	}
	for n < len(p) && err == nil {
		free := w.entry.free()
		switch {
		case w.entry.declared && w.left() == 0:
			err = store.ErrIncomplete
		case len(free) == 0:
			err = w.grow()
		default:
			if w.entry.declared {
				free = free[:min(w.left(), int64(len(free)))]
			}
			c := copy(free, p[n:])
			w.append(c)
			n += c
		}
	}
	w.failed = err
	return n, err
}

// usable begins a call: what Next lent comes back.
func (w *writer) usable() error {
	if w.fence.Closed() {
		return store.ErrClosed
	}
	w.lent, w.entry.lent = nil, false
	return w.failed
}

// append counts n bytes that were written behind the body.
func (w *writer) append(n int) {
	w.entry.size += int64(n)
	w.staged.Store(w.entry.size)
}

// left is how many bytes of the declared size are missing.
func (w *writer) left() int64 { return w.entry.first.Size - w.entry.size }

// Next implements store.DirectWriter. It never ends where the declared size
// does: the read that completes the body has room for a byte more, so that a
// source that goes on is noticed in that read, and Advance returns ErrIncomplete.
//
// The room is on loan until the next call. Abort takes what is still on loan for
// something that a lost goroutine may write to, and leaves it to the garbage
// collector; Advance(0) gives it back.
func (w *writer) Next() []byte {
	room, _ := w.next()
	return room
}

func (w *writer) next() ([]byte, error) {
	if err := w.usable(); err != nil {
		return nil, err
	}
	e, left := w.entry, w.left()
	free := e.free()
	if len(free) == 0 && !(e.declared && left == 0) { // to see EOF needs no block
		if err := w.grow(); err != nil {
			return nil, err
		}
		free = e.free()
	}
	if e.declared && int64(len(free)) == left {
		switch left {
		case 0:
			free = w.spare[2:] // the byte before may be read by a follower
		case 1:
			free = w.spare[:2]
		default:
			free = free[:left-1]
		}
	}
	w.lent, e.lent = free, true
	return free, nil
}

// Advance implements store.DirectWriter.
func (w *writer) Advance(n int) error {
	lent := w.lent
	if err := w.usable(); err != nil {
		return err
	}
	switch {
	case n < 0 || n > len(lent):
		w.failed = fmt.Errorf("memory: Advance of %d bytes, of %d that Next returned", n, len(lent))
	case n > 0 && &lent[0] == &w.spare[0]:
		_, w.failed = w.Write(lent[:n])
	case w.entry.declared && int64(n) > w.left():
		w.append(int(w.left()))
		w.failed = store.ErrIncomplete
	default:
		w.append(n)
	}
	return w.failed
}

// ReadFrom implements io.ReaderFrom: it reads straight into blocks. n is how many
// bytes were appended.
func (w *writer) ReadFrom(r io.Reader) (n int64, err error) {
	before := w.entry.size
	defer func() { n = w.entry.size - before }()
	for {
		room, err := w.next()
		if errors.Is(err, store.ErrTooLarge) {
			return 0, w.atEnd(r, err)
		}
		if err != nil {
			return 0, err
		}
		c, err := r.Read(room)
		if err := w.Advance(c); err != nil {
			return 0, err
		}
		if err == io.EOF {
			return 0, nil
		}
		if err != nil {
			return 0, err
		}
	}
}

// atEnd tells a body that fills the room there is to the last byte from one that
// outgrows it.
func (w *writer) atEnd(r io.Reader, outgrown error) error {
	for {
		c, err := r.Read(w.spare[2:])
		if c != 0 {
			w.failed = outgrown
			return w.failed
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// ReadAt implements store.StagedReader.
func (w *writer) ReadAt(p []byte, off int64) (int, error) {
	if !w.fence.Enter() {
		return 0, store.ErrClosed
	}
	defer w.leave()
	b := body{size: w.staged.Load()}
	w.mu.Lock()
	b.blocks = w.entry.blocks // has at least what the size counts; what comes later goes into other bytes, or another list
	w.mu.Unlock()
	return b.ReadAt(p, off)
}

func (w *writer) leave() {
	if w.fence.Leave() {
		w.end()
	}
}
