package disk

import (
	"context"
	"fmt"

	"github.com/daramjwee/daramjwee/cache/store"
)

// Commit implements store.Writer. Besides ErrIncomplete it returns the error of a
// Write that failed.
func (w *writer) Commit(ctx context.Context) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	err := w.usable()
	if err == nil {
		err = ctx.Err()
	}
	var f *file
	if err == nil {
		f, err = w.finish()
	}
	if err == nil {
		err = w.s.publish(ctx, w, f)
	}
	w.logged(w.end()) // published or not
	return err
}

// finish appends what follows the body and returns the file for the index.
func (w *writer) finish() (*file, error) {
	n := w.written.Load()
	if w.declared && n != w.meta.Size {
		return nil, fmt.Errorf("disk: %d bytes written, %d declared: %w", n, w.meta.Size, store.ErrIncomplete)
	}
	if n%w.s.block != 0 {
		w.seal()
	}
	if !w.declared {
		var err error
		w.meta.Size = n
		if w.record, err = encodeRecord(w.key, w.meta); err != nil {
			return nil, err
		}
	}
	if err := w.grow(n); err != nil {
		return nil, err
	}
	foot := footer{
		body:      body{size: n, block: w.s.block, tableSum: checksum(w.table)},
		recordSum: checksum(w.record),
		recordLen: int64(len(w.record)),
	}
	foot.recordOff = foot.tableEnd()
	tail := make([]byte, 0, w.staged-n)
	tail = append(append(tail, w.table...), w.record...)
	if _, err := w.fd.Write(foot.append(tail)); err != nil {
		return nil, wrap("write", err)
	}
	if w.s.durable {
		if err := w.fd.Sync(); err != nil {
			return nil, wrap("flush", err)
		}
	}
	info, err := w.fd.Stat()
	if err != nil {
		return nil, wrap("commit", err)
	}
	f := newFile(w.key, nameOf(w.key), foot, canonical(w.meta, n), w.staged, info.ModTime())
	f.blocks.table.Store(&w.table)
	return f, nil
}

// publish gives a finished file its name and makes it the entry of its key.
func (s *Store) publish(ctx context.Context, w *writer, f *file) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.leave()
	lock := s.nameLock(f.key)
	lock.Lock()
	defer lock.Unlock()
	if err := s.root.Rename(w.temp, f.name); err != nil {
		return wrap("commit", err)
	}
	w.temp = ""
	var err error
	if s.durable {
		if err = syncDir(s.root); err != nil {
			s.unlink(f.name) // an error means that nothing is published
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if old := s.index[f.key]; old != nil { // its file went with the rename
		s.detach(old)
	}
	if err == nil {
		s.attach(f)
		f.readers++ // the writer, until it is released
		w.file = f
		s.unstage(w)
	}
	return wrap("flush directory", err)
}
