package disk

import (
	"context"
	"errors"
	"io"

	"github.com/daramjwee/daramjwee/cache/store"
)

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

// Hold implements store.StagedHolder: the file stays open, under its name or none.
func (w *writer) Hold() { w.fence.Hold() }

// Release implements store.StagedHolder.
func (w *writer) Release() {
	if w.fence.Unhold() {
		w.logged(w.release())
	}
}

func (w *writer) leave() {
	if w.fence.Leave() {
		w.logged(w.release())
	}
}

// Abort implements store.Writer.
func (w *writer) Abort() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return wrap("abort", w.end())
}

// end gives back what was counted, and the file when nobody reads it. It does
// nothing a second time, and wants mu, outside of the store.
func (w *writer) end() error {
	if w.fence.Closed() {
		return nil
	}
	if w.file == nil {
		w.unlink() // where it cannot be while it is open, release tries again
	}
	w.s.mu.Lock()
	delete(w.s.writers, w)
	if w.file == nil {
		w.pinned = w.staged + w.loose
		w.s.pinned += w.pinned
	}
	w.s.unstage(w)
	w.s.mu.Unlock()
	if _, release := w.fence.Close(); release {
		return w.release()
	}
	return nil
}

// release is called once, when neither the writer, nor a hold, nor a ReadAt needs
// the file, outside of the store.
func (w *writer) release() error {
	err := w.fd.Close()
	if w.file != nil {
		w.s.release(w.file)
		return err
	}
	w.s.mu.Lock()
	w.s.pinned -= w.pinned
	w.s.mu.Unlock()
	return errors.Join(err, w.unlink())
}

// unlink removes the staged file if it is there. A closed store has swept it.
func (w *writer) unlink() error {
	if w.temp == "" || w.s.enter(context.Background()) != nil {
		return nil
	}
	defer w.s.leave()
	err := w.s.root.Remove(w.temp)
	if err == nil {
		w.temp = ""
	}
	return err
}

func (w *writer) logged(err error) {
	if err != nil {
		w.s.log.Warn("disk: staged file left behind", "dir", w.s.dir, "name", w.temp, "error", err)
	}
}
