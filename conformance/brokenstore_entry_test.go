package conformance

import (
	"context"
	"errors"
	"io"
	"sync"

	"github.com/daramjwee/daramjwee/cache/store"
)

func brokenEntries() []brokenStore {
	return []brokenStore{
		{"wipes what it evicts", "entry/outlives", func(l *liarStore) {
			l.writer = func(w *liarWriter) {
				w.commit = func(ctx context.Context) error {
					l.mu.Lock()
					for len(l.order) > 0 && l.used+l.staged+w.size > l.max {
						victim := l.order[0]
						clear(victim.body)
						l.drop(victim)
					}
					l.mu.Unlock()
					return w.plainWriter.Commit(ctx)
				}
			}
		}, forgetful},
		{"wipes a long body that it replaces", "entry/outlives stalled/calls", func(l *liarStore) {
			l.writer = func(w *liarWriter) {
				w.commit = func(ctx context.Context) error {
					l.mu.Lock()
					old := l.index[w.key]
					l.mu.Unlock()
					err := w.plainWriter.Commit(ctx)
					if err == nil && old != nil && len(old.body) >= medium {
						clear(old.body)
					}
					return err
				}
			}
		}, forgetful},
		{"ends its long entries in Close", "entry/outlives", func(l *liarStore) {
			var mu sync.Mutex
			var all []*liarEntry
			l.entry = func(e *liarEntry) {
				mu.Lock()
				defer mu.Unlock()
				if len(e.body) >= medium {
					all = append(all, e)
				}
			}
			l.close = func() error {
				mu.Lock()
				defer mu.Unlock()
				for _, e := range all {
					_ = e.plainReader.Close()
				}
				return l.plainStore.Close()
			}
		}, forgetful},
		{"reads at any place after Close", "entry/closed", entries(func(e *liarEntry) {
			e.readAt = func(p []byte, off int64) (int, error) { return readBody(e.body, p, off) }
		}), keeping},
		{"writes nothing, without an error, after Close", "entry/closed", entries(func(e *liarEntry) {
			e.writeTo = func(w io.Writer) (int64, error) {
				n, err := e.plainReader.WriteTo(w)
				if n == 0 && errors.Is(err, store.ErrClosed) {
					err = nil
				}
				return n, err
			}
		}), keeping},
		{"calls a second Close an error", "entry/again", entries(func(e *liarEntry) {
			e.close = func() error {
				if e.closed.Swap(true) {
					return store.ErrClosed
				}
				return nil
			}
		}), keeping},
		{"gives its memory back at each Close", "entry/again", entries(func(e *liarEntry) {
			e.close = func() error {
				if e.closed.Swap(true) {
					clear(e.body)
				}
				return nil
			}
		}), keeping},
		{"gives the memory of a deleted entry back in Close", "entry/closing", func(l *liarStore) {
			l.entry = func(e *liarEntry) {
				inside := make(chan struct{}, 1)
				e.writeTo = func(w io.Writer) (int64, error) {
					inside <- struct{}{}
					defer func() { <-inside }()
					return e.plainReader.WriteTo(w)
				}
				e.close = func() error {
					l.mu.Lock()
					defer l.mu.Unlock()
					deleted := true
					for _, o := range l.order {
						deleted = deleted && (len(o.body) == 0 || len(e.body) == 0 || &o.body[0] != &e.body[0])
					}
					if deleted && len(inside) > 0 && e.off > 0 { // as one does that pins no more than the first block
						clear(e.body)
					}
					return e.plainReader.Close()
				}
			}
		}, forgetful},
	}
}
