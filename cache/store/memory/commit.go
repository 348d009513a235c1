package memory

import (
	"context"
	"fmt"

	"github.com/daramjwee/daramjwee/cache/store"
)

// Commit implements store.Writer. Besides ErrIncomplete it returns the error of a
// Write that failed, and ErrFull when readers, and what other writers were promised,
// leave no room for an entry of unknown size.
func (w *writer) Commit(ctx context.Context) error {
	if w.fence.Closed() {
		return store.ErrClosed
	}
	err := w.usable()
	if err == nil {
		err = ctx.Err()
	}
	if err == nil && w.entry.declared && w.left() != 0 {
		err = fmt.Errorf("%w: %d of %d bytes", store.ErrIncomplete, w.entry.size, w.entry.first.Size)
	}
	if err == nil {
		w.trim()
		w.entry.first.Size = w.entry.size
		w.entry.meta.Store(&w.entry.first)
		err = w.entry.store.publish(w.entry, w.weight())
	}
	if err != nil {
		w.Abort()
		return err
	}
	if _, release := w.fence.Close(); release { // after it can be opened: who follows finds the one or the other
		w.end()
	}
	return nil
}

// Abort implements store.Writer. A ReadAt under way ends as it would have.
func (w *writer) Abort() error {
	if !w.fence.Enter() {
		return nil
	}
	defer w.leave() // no sooner than what it held is counted as pinned
	if first, _ := w.fence.Close(); first {
		w.entry.store.abandon(w.entry)
	}
	return nil
}

// Hold implements store.StagedHolder.
func (w *writer) Hold() { w.fence.Hold() }

// Release implements store.StagedHolder.
func (w *writer) Release() {
	if w.fence.Unhold() {
		w.end()
	}
}

// end is called once, when neither the writer, nor a hold, nor a ReadAt needs the
// blocks.
func (w *writer) end() {
	e := w.entry
	if w.replaced != nil {
		e.store.room.pinned.Add(-cost(w.replaced))
		e.store.pool.Put(w.replaced)
	}
	if len(e.blocks) == 0 || &e.blocks[0] != &e.one[0] {
		e.one[0] = nil // what trim took out lives no longer than what reads it
	}
	e.unref()
}
