package conformance

import (
	"context"
	"errors"
	"iter"
	"math"
	"sync/atomic"

	"github.com/daramjwee/daramjwee/cache/store"
)

func brokenBounds() []brokenStore {
	return []brokenStore{
		{"does not count what is staged", "bound/bytes", func(l *liarStore) {
			l.create = func(ctx context.Context, key string, m store.Metadata) (store.Writer, error) {
				if m.Size > l.max {
					return nil, store.ErrTooLarge
				}
				size := m.Size
				m.Size = min(m.Size, 0)
				w, err := l.plainStore.Create(ctx, key, m)
				if err == nil {
					w.(*plainWriter).meta.Size = size
					l.mu.Lock()
					l.staged += 0
					l.mu.Unlock()
				}
				return w, err
			}
			l.writer = func(w *liarWriter) {
				forget := func() { l.mu.Lock(); l.staged = 0; l.mu.Unlock() }
				w.commit = func(ctx context.Context) error { defer forget(); return w.plainWriter.Commit(ctx) }
				w.abort = func() error { defer forget(); return w.plainWriter.Abort() }
			}
		}, keeping},
		{"evicts nothing, ever", "bound/bytes", func(l *liarStore) {
			limit := l.max
			l.max = math.MaxInt64 / 4
			l.create = func(ctx context.Context, key string, m store.Metadata) (store.Writer, error) {
				if m.Size > limit {
					return nil, store.ErrTooLarge
				}
				return l.plainStore.Create(ctx, key, m)
			}
			l.writer = func(w *liarWriter) {
				w.write = func(p []byte) (int, error) {
					if w.meta.Size < 0 && w.size > limit {
						w.failed = store.ErrTooLarge
					}
					return w.plainWriter.Write(p)
				}
			}
		}, keeping},
		{"evicts for a body that it cannot keep", "bound/outgrown", func(l *liarStore) {
			l.writer = func(w *liarWriter) {
				w.write = func(p []byte) (int, error) {
					n, err := w.plainWriter.Write(p)
					if w.meta.Size < 0 && l.enter(background) == nil {
						l.evict(3 * w.size)
						l.mu.Unlock()
					}
					return n, err
				}
			}
		}, keeping},
		{"commits what it could not write", "bound/outgrown", func(l *liarStore) {
			l.writer = func(w *liarWriter) {
				w.commit = func(ctx context.Context) error {
					if errors.Is(w.failed, store.ErrTooLarge) {
						w.failed = nil
					}
					return w.plainWriter.Commit(ctx)
				}
			}
		}, keeping},
	}
}

func brokenRaces() []brokenStore {
	return []brokenStore{
		{"forgets a Delete beside a Commit", "race/values", func(l *liarStore) {
			var committing atomic.Int64
			l.writer = func(w *liarWriter) {
				w.commit = func(ctx context.Context) error {
					committing.Add(1)
					defer committing.Add(-1)
					yieldNow()
					return w.plainWriter.Commit(ctx)
				}
			}
			l.delete = func(ctx context.Context, key string) error {
				for range 3 {
					if committing.Load() > 0 {
						return ctx.Err()
					}
					yieldNow()
				}
				return l.plainStore.Delete(ctx, key)
			}
		}, keeping},
		{"returns the metadata of before with the body of now", "race/values", func(l *liarStore) {
			l.open = func(ctx context.Context, key string) (store.Entry, error) {
				before, _ := l.plainStore.Stat(ctx, key)
				yieldNow()
				e, err := l.plainStore.Open(ctx, key)
				if r, ok := e.(*plainReader); ok && before != nil && before.Generation != r.meta.Generation && len(key) > len("racer 9") { // race/close has four
					r.meta = before
				}
				return e, err
			}
		}, keeping},
		{"opens entries without bytes while it is closed", "race/close", func(l *liarStore) {
			var closing atomic.Bool
			l.close = func() error {
				closing.Store(true)
				for range 1000 {
					yieldNow()
				}
				return l.plainStore.Close()
			}
			l.open = func(ctx context.Context, key string) (store.Entry, error) {
				e, err := l.plainStore.Open(ctx, key)
				if r, ok := e.(*plainReader); ok && closing.Load() {
					r.body = nil
				}
				return e, err
			}
		}, keeping},
	}
}

// closedNot is false once the tier is closed.
func (s *plainStore) closedNot() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.closed
}

func brokenCloses() []brokenStore {
	return []brokenStore{
		{"commits without an error when it is closed", "closed/refuses", func(l *liarStore) {
			l.writer = func(w *liarWriter) {
				w.commit = func(ctx context.Context) error {
					already := w.ended
					err := w.plainWriter.Commit(ctx)
					if errors.Is(err, store.ErrClosed) && !already {
						err = nil
					}
					return err
				}
			}
		}, keeping},
		{"calls everything not found when it is closed", "closed/refuses", func(l *liarStore) {
			l.stat = func(ctx context.Context, key string) (*store.Metadata, error) {
				m, err := l.plainStore.Stat(ctx, key)
				if errors.Is(err, store.ErrClosed) {
					err = store.ErrNotFound
				}
				return m, err
			}
		}, keeping},
		{"lists when it is closed", "closed/refuses", func(l *liarStore) {
			l.list = func() iter.Seq2[string, *store.Metadata] {
				if l.closedNot() {
					return l.plainStore.List()
				}
				return func(yield func(string, *store.Metadata) bool) {
					for key, e := range l.saved {
						if !yield(key, e.meta) {
							return
						}
					}
				}
			}
		}, keeping},
		{"calls a second Close of the tier an error", "closed/again", func(l *liarStore) {
			var closed atomic.Bool
			l.close = func() error {
				if closed.Swap(true) {
					return store.ErrClosed
				}
				return l.plainStore.Close()
			}
		}, keeping},
		{"leaves a goroutine behind", "closed/goroutines", func(l *liarStore) {
			until := make(chan struct{})
			l.close = func() error {
				go func() { <-until }()
				return l.plainStore.Close()
			}
			go func() { <-untilStoreJudged; close(until) }()
		}, StoreOptions{MaxBytes: plainLimit, Reopen: keeping.Reopen, Timeout: waiting.Timeout}},
		{"loses the last byte when it is opened again", "reopen/same", func(l *liarStore) {
			for _, e := range l.index {
				e.body = e.body[:max(0, len(e.body)-1)]
			}
		}, keeping},
		{"opens what was staged when it is opened again", "reopen/same", func(l *liarStore) {
			var all []*plainWriter
			l.writer = func(w *liarWriter) { all = append(all, w.plainWriter) }
			l.close = func() error {
				err := l.plainStore.Close()
				for _, w := range all {
					if !w.ended {
						l.saved[w.key] = &plainEntry{key: w.key, body: w.body(), meta: &w.meta}
					}
				}
				return err
			}
		}, keeping},
		{"keeps nothing past Close", "reopen/same", func(l *liarStore) {
			l.close = func() error {
				err := l.plainStore.Close()
				clear(l.saved)
				return err
			}
		}, keeping},
	}
}
