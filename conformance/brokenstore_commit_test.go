package conformance

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/daramjwee/daramjwee/cache/store"
)

func brokenCommits() []brokenStore {
	return []brokenStore{
		{"keeps what it is given to write", "write/borrows", func(l *liarStore) {
			l.writer = func(w *liarWriter) {
				type piece struct {
					off int64
					p   []byte
				}
				var pieces []piece
				w.write = func(p []byte) (int, error) {
					off := w.size
					n, err := w.plainWriter.Write(p)
					pieces = append(pieces, piece{off, p[:n]})
					return n, err
				}
				w.commit = func(ctx context.Context) error {
					for _, piece := range pieces {
						for i, b := range piece.p {
							at := piece.off + int64(i)
							w.blocks[at>>14][at&(16<<10-1)] = b
						}
					}
					return w.plainWriter.Commit(ctx)
				}
			}
		}, keeping},
		{"writes behind what it is given", "write/borrows", func(l *liarStore) {
			l.writer = func(w *liarWriter) {
				w.write = func(p []byte) (int, error) {
					_ = append(p, '\n')
					return w.plainWriter.Write(p)
				}
			}
		}, keeping},
		{"counts one byte too few of a long Write", "write/counts", func(l *liarStore) {
			l.writer = func(w *liarWriter) {
				w.write = func(p []byte) (int, error) {
					n, err := w.plainWriter.Write(p)
					if n > 8192 {
						n--
					}
					return n, err
				}
			}
		}, keeping},
		{"admits a key when it is committed the second time", "commit/kept", func(l *liarStore) {
			var mu sync.Mutex
			seen := make(map[string]bool)
			l.writer = func(w *liarWriter) {
				w.commit = func(ctx context.Context) error {
					err := w.plainWriter.Commit(ctx)
					mu.Lock()
					defer mu.Unlock()
					if err == nil && !seen[w.key] {
						_ = l.plainStore.Delete(ctx, w.key)
					}
					seen[w.key] = true
					return err
				}
			}
		}, forgetful},
		{"loses a single byte behind a full block", "commit/whole", func(l *liarStore) {
			l.writer = func(w *liarWriter) {
				w.commit = func(ctx context.Context) error {
					if n := w.size; n > 32<<10 && n%(32<<10) == 1 && w.meta.Size < 0 {
						last := len(w.blocks) - 1
						w.blocks, w.size = w.blocks[:last], n-1
					}
					return w.plainWriter.Commit(ctx)
				}
			}
		}, keeping},
		{"takes more bytes than were declared", "commit/incomplete", func(l *liarStore) {
			l.writer = func(w *liarWriter) {
				declared := w.meta.Size
				w.write = func(p []byte) (int, error) {
					if declared >= 0 && w.size+int64(len(p)) > declared {
						l.mu.Lock()
						l.staged -= max(w.meta.Size, 0)
						l.mu.Unlock()
						w.meta.Size = -1
					}
					return w.plainWriter.Write(p)
				}
			}
		}, keeping},
		{"has an error of its own for an incomplete body", "commit/incomplete", func(l *liarStore) {
			l.writer = func(w *liarWriter) {
				w.commit = func(ctx context.Context) error {
					err := w.plainWriter.Commit(ctx)
					if errors.Is(err, store.ErrIncomplete) {
						err = errors.New("unexpected size")
					}
					return err
				}
			}
		}, keeping},
		{"commits again", "commit/ended", func(l *liarStore) {
			l.writer = func(w *liarWriter) {
				var committed *plainEntry
				w.commit = func(ctx context.Context) error {
					if committed != nil && l.enter(ctx) == nil {
						defer l.mu.Unlock()
						l.put(committed)
						return nil
					}
					err := w.plainWriter.Commit(ctx)
					if err == nil {
						meta := w.meta
						meta.Size = w.size
						committed = &plainEntry{key: w.key, body: w.body(), meta: &meta}
					}
					return err
				}
			}
		}, keeping},
		{"drops what is written after Abort", "commit/ended", func(l *liarStore) {
			l.writer = func(w *liarWriter) {
				w.write = func(p []byte) (int, error) {
					n, err := w.plainWriter.Write(p)
					if errors.Is(err, store.ErrClosed) {
						return len(p), nil
					}
					return n, err
				}
			}
		}, keeping},
		{"commits a whole body that is aborted", "abort/drops", func(l *liarStore) {
			l.writer = func(w *liarWriter) {
				w.abort = func() error {
					if !w.ended && w.size == w.meta.Size {
						_ = w.plainWriter.Commit(background)
					}
					return w.plainWriter.Abort()
				}
			}
		}, keeping},
		{"calls Abort after Commit an error", "abort/again", func(l *liarStore) {
			l.writer = func(w *liarWriter) {
				committed := false
				w.commit = func(ctx context.Context) error {
					err := w.plainWriter.Commit(ctx)
					committed = err == nil
					return err
				}
				w.abort = func() error {
					if committed {
						return store.ErrClosed
					}
					return w.plainWriter.Abort()
				}
			}
		}, keeping},
		{"removes the entry when its writer is aborted", "abort/again", func(l *liarStore) {
			l.writer = func(w *liarWriter) {
				committed := false
				w.commit = func(ctx context.Context) error {
					err := w.plainWriter.Commit(ctx)
					committed = err == nil
					return err
				}
				w.abort = func() error {
					if committed {
						return l.plainStore.Delete(background, w.key)
					}
					return w.plainWriter.Abort()
				}
			}
		}, forgetful},
	}
}

func brokenMetadata() []brokenStore {
	// meta changes what is committed. UpdateMetadata is honest.
	meta := func(change func(m *store.Metadata)) func(*liarStore) {
		return func(l *liarStore) { l.writer = func(w *liarWriter) { change(&w.meta) } }
	}
	pairs := func(m *store.Metadata) (pairs []string) {
		for name, value := range m.Header.All() {
			pairs = append(pairs, name, value)
		}
		return pairs
	}
	return []brokenStore{
		{"cuts times to microseconds", "metadata/kept", meta(func(m *store.Metadata) { m.StoredAt = m.StoredAt.Truncate(time.Microsecond) }), forgetful},
		{"takes no time for 1970", "metadata/kept", meta(func(m *store.Metadata) {
			if m.LastModified.IsZero() && m.TTL < 0 {
				m.LastModified = time.Unix(0, 0)
			}
		}), forgetful},
		{"forgets a window", "metadata/kept", meta(func(m *store.Metadata) { m.StaleIfError = 0 }), forgetful},
		{"forgets that an entry is negative", "metadata/kept", meta(func(m *store.Metadata) { m.Negative = false }), forgetful},
		{"replaces bytes that are no UTF-8", "metadata/kept", meta(func(m *store.Metadata) {
			if m.ETag != "" {
				m.ETag = string([]rune(m.ETag))
			}
		}), forgetful},
		{"keeps one value of a name", "metadata/kept", meta(func(m *store.Metadata) {
			seen := make(map[string]bool)
			var kept []string
			all := pairs(m)
			for i := 0; i < len(all); i += 2 {
				if !seen[all[i]] {
					kept = append(kept, all[i:i+2]...)
				}
				seen[all[i]] = true
			}
			m.Header = store.NewHeader(kept...)
		}), forgetful},
		{"does not know a size that was not declared", "metadata/size", func(l *liarStore) {
			l.writer = func(w *liarWriter) {
				w.commit = func(ctx context.Context) error {
					err := w.plainWriter.Commit(ctx)
					if err == nil && w.meta.Size < 0 && l.enter(ctx) == nil {
						defer l.mu.Unlock()
						if e := l.index[w.key]; e != nil && e.meta.Generation == w.meta.Generation {
							e.meta.Size = -1
						}
					}
					return err
				}
			}
			l.update = func(ctx context.Context, key string, ifGeneration uint64, m store.Metadata) error {
				if l.enter(ctx) == nil {
					if e := l.index[key]; e != nil && e.meta.Size < 0 {
						meta := *e.meta
						meta.Size = int64(len(e.body))
						l.put(&plainEntry{key: e.key, body: e.body, meta: &meta})
					}
					l.mu.Unlock()
				}
				return l.plainStore.UpdateMetadata(ctx, key, ifGeneration, m)
			}
		}, keeping},
	}
}
