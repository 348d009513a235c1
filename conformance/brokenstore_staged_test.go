package conformance

import (
	"context"
	"errors"
	"io"
	"iter"
	"sync"
	"sync/atomic"

	"github.com/daramjwee/daramjwee/cache/store"
)

// writers bends what Create returns.
func writers(bend func(w *liarWriter)) func(*liarStore) {
	return func(l *liarStore) { l.writer = bend }
}

func brokenStaged() []brokenStore {
	return []brokenStore{
		{"says nothing of the frontier", "staged/frontier", writers(func(w *liarWriter) {
			w.readAt = func(p []byte, off int64) (int, error) {
				n, err := w.plainWriter.ReadAt(p, off)
				if err == io.EOF && n > 0 && !w.held {
					err = nil
				}
				return n, err
			}
		}), keeping},
		{"takes a negative offset of a writer for the frontier", "staged/frontier", writers(func(w *liarWriter) {
			w.readAt = func(p []byte, off int64) (int, error) {
				if off < 0 {
					return 0, io.EOF
				}
				return w.plainWriter.ReadAt(p, off)
			}
		}), keeping},
		{"moves the frontier before the bytes are there", "staged/followers", writers(func(w *liarWriter) {
			w.write = func(p []byte) (int, error) {
				if len(p) == 0 || len(p) > 10_000 {
					return w.plainWriter.Write(p)
				}
				var rooms [][]byte
				for n := 0; n < len(p); {
					room := w.Next()
					room = room[:min(len(room), len(p)-n)]
					if err := w.plainWriter.Advance(len(room)); err != nil {
						return n, err
					}
					rooms = append(rooms, room)
					n += len(room)
				}
				yieldNow()
				n := 0
				for _, room := range rooms {
					n += copy(room, p[n:])
				}
				return n, nil
			}
		}), keeping},
		{"reads what is held from the index", "staged/held", func(l *liarStore) {
			l.writer = func(w *liarWriter) {
				var committed atomic.Bool
				w.commit = func(ctx context.Context) error {
					err := w.plainWriter.Commit(ctx)
					committed.Store(err == nil)
					return err
				}
				w.readAt = func(p []byte, off int64) (int, error) {
					if committed.Load() {
						if _, err := l.plainStore.Stat(background, w.key); err != nil {
							return 0, store.ErrClosed
						}
					}
					return w.plainWriter.ReadAt(p, off)
				}
			}
		}, keeping},
		{"is not held", "staged/held staged/released", writers(func(w *liarWriter) { w.hold = func() {} }), keeping},
		{"is held from the start", "staged/released", writers(func(w *liarWriter) { w.held = true }), keeping},
		{"is never released", "staged/released", writers(func(w *liarWriter) { w.release = func() {} }), keeping},
		{"ends when it is released, written or not", "staged/released", writers(func(w *liarWriter) {
			w.readAt = func(p []byte, off int64) (int, error) {
				w.mu.Lock()
				released := w.released
				w.mu.Unlock()
				if released {
					return 0, store.ErrClosed
				}
				return w.plainWriter.ReadAt(p, off)
			}
		}), keeping},
	}
}

func brokenDirect() []brokenStore {
	return []brokenStore{
		{"spoils a byte between Write and Advance", "direct/appends", writers(func(w *liarWriter) {
			written := false
			w.write = func(p []byte) (int, error) {
				written = true
				return w.plainWriter.Write(p)
			}
			w.advance = func(n int) error {
				if written && n > 1 && n <= len(w.lent) {
					w.lent[0] ^= 2
				}
				written = written && n == 0
				return w.plainWriter.Advance(n)
			}
		}), keeping},
		{"advances as far as it can", "direct/beyond", writers(func(w *liarWriter) {
			w.advance = func(n int) error { return w.plainWriter.Advance(min(n, len(w.lent))) }
		}), keeping},
		{"takes a negative number for none", "direct/beyond", writers(func(w *liarWriter) {
			w.advance = func(n int) error { return w.plainWriter.Advance(max(n, 0)) }
		}), keeping},
		{"lends the same memory each time", "direct/memory", writers(func(w *liarWriter) {
			scratch := make([]byte, 5000)
			lent := 0
			w.next = func() []byte {
				if w.ended {
					return nil
				}
				lent = len(scratch)
				return scratch
			}
			w.write = func(p []byte) (int, error) {
				lent = 0
				return w.plainWriter.Write(p)
			}
			w.advance = func(n int) error {
				had := lent
				lent = 0
				if n < 0 || n > had {
					return w.plainWriter.Advance(-1)
				}
				_, err := w.plainWriter.Write(scratch[:n])
				return err
			}
		}), keeping},
	}
}

func brokenUpdates() []brokenStore {
	updates := func(update func(l *liarStore, e *plainEntry, m *store.Metadata) (*plainEntry, error)) func(*liarStore) {
		return func(l *liarStore) {
			l.update = func(ctx context.Context, key string, ifGeneration uint64, m store.Metadata) error {
				if err := l.enter(ctx); err != nil {
					return err
				}
				defer l.mu.Unlock()
				e := l.index[key]
				m = m.Clone()
				if e == nil {
					return store.ErrNotFound
				}
				size := e.meta.Size
				if e.meta.Generation != ifGeneration {
					if _, err := update(l, nil, nil); err != nil {
						return store.ErrNotFound
					}
				}
				m.Size = size
				e, err := update(l, e, &m)
				if err == nil {
					l.put(e)
				}
				return err
			}
		}
	}
	return []brokenStore{
		{"keeps the flag of before", "update/applies", updates(func(_ *liarStore, e *plainEntry, m *store.Metadata) (*plainEntry, error) {
			if e == nil {
				return nil, store.ErrNotFound
			}
			m.Negative = e.meta.Negative
			return &plainEntry{key: e.key, body: e.body, meta: m}, nil
		}), forgetful},
		{"takes the size that it is given", "update/applies", func(l *liarStore) {
			l.update = func(ctx context.Context, key string, ifGeneration uint64, m store.Metadata) error {
				err := l.plainStore.UpdateMetadata(ctx, key, ifGeneration, m)
				if err == nil && m.Size >= 0 && l.enter(ctx) == nil {
					defer l.mu.Unlock()
					l.index[key].meta.Size = m.Size
				}
				return err
			}
		}, keeping},
		{"updates any generation", "update/condition", updates(func(_ *liarStore, e *plainEntry, m *store.Metadata) (*plainEntry, error) {
			if e == nil {
				return nil, nil
			}
			return &plainEntry{key: e.key, body: e.body, meta: m}, nil
		}), keeping},
		{"has no error for an update of nothing", "update/condition", func(l *liarStore) {
			l.update = func(ctx context.Context, key string, ifGeneration uint64, m store.Metadata) error {
				err := l.plainStore.UpdateMetadata(ctx, key, ifGeneration, m)
				if errors.Is(err, store.ErrNotFound) {
					err = nil
				}
				return err
			}
		}, keeping},
		{"writes to the metadata that others hold", "update/open", updates(func(_ *liarStore, e *plainEntry, m *store.Metadata) (*plainEntry, error) {
			if e == nil {
				return nil, store.ErrNotFound
			}
			*e.meta = *m
			return e, nil
		}), keeping},
		{"lists what is staged", "list/all", func(l *liarStore) {
			var staged sync.Map // of *store.Metadata by key
			l.writer = func(w *liarWriter) {
				staged.Store(w.key, &w.meta)
				ended := func() { staged.Delete(w.key) }
				w.commit = func(ctx context.Context) error { ended(); return w.plainWriter.Commit(ctx) }
				w.abort = func() error { ended(); return w.plainWriter.Abort() }
			}
			l.list = func() iter.Seq2[string, *store.Metadata] {
				return func(yield func(string, *store.Metadata) bool) {
					for key, m := range l.plainStore.List() {
						if !yield(key, m) {
							return
						}
					}
					if l.enter(background) != nil {
						return
					}
					l.mu.Unlock()
					for key, m := range staged.Range {
						if !yield(key.(string), m.(*store.Metadata)) {
							return
						}
					}
				}
			}
		}, keeping},
		{"lists a part", "list/all", func(l *liarStore) {
			l.list = func() iter.Seq2[string, *store.Metadata] {
				return func(yield func(string, *store.Metadata) bool) {
					n := 0
					for key, m := range l.plainStore.List() {
						if n++; n > 10 || !yield(key, m) {
							return
						}
					}
				}
			}
		}, keeping},
		{"lists under its lock", "list/all", func(l *liarStore) {
			l.list = func() iter.Seq2[string, *store.Metadata] {
				return func(yield func(string, *store.Metadata) bool) {
					if l.enter(background) != nil {
						return
					}
					defer l.mu.Unlock()
					for _, e := range l.order {
						if !yield(e.key, e.meta) {
							return
						}
					}
				}
			}
		}, waiting},
	}
}
