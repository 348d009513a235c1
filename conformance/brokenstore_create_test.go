package conformance

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/daramjwee/daramjwee/cache/store"
)

func brokenCreates() []brokenStore {
	return []brokenStore{
		{"shows staged entries to Stat", "create/hidden", func(l *liarStore) {
			var staged sync.Map // of *plainWriter by key
			l.writer = func(w *liarWriter) {
				if w.meta.Size > 0 {
					staged.Store(w.key, w.plainWriter)
				}
			}
			l.stat = func(ctx context.Context, key string) (*store.Metadata, error) {
				if w, ok := staged.Load(key); ok && !w.(*plainWriter).ended {
					return &w.(*plainWriter).meta, ctx.Err()
				}
				return l.plainStore.Stat(ctx, key)
			}
		}, forgetful},
		{"publishes a long body when it is whole", "abort/drops create/hidden", func(l *liarStore) {
			l.writer = func(w *liarWriter) {
				w.write = func(p []byte) (int, error) {
					n, err := w.plainWriter.Write(p)
					if err == nil && w.size == w.meta.Size && w.size >= medium && l.enter(background) == nil {
						defer l.mu.Unlock()
						meta := w.meta
						l.put(&plainEntry{key: w.key, body: w.body(), meta: &meta})
					}
					return n, err
				}
			}
		}, forgetful},
		{"makes room before it looks whether that helps", "create/oversize", func(l *liarStore) {
			l.create = func(ctx context.Context, key string, m store.Metadata) (store.Writer, error) {
				if m.Size > l.max && l.enter(ctx) == nil {
					l.evict(l.max)
					l.mu.Unlock()
				}
				return l.plainStore.Create(ctx, key, m)
			}
		}, forgetful},
		{"allocates what is declared", "create/oversize", func(l *liarStore) {
			l.create = func(ctx context.Context, key string, m store.Metadata) (store.Writer, error) {
				_ = make([]byte, max(m.Size, 0))
				return l.plainStore.Create(ctx, key, m)
			}
		}, forgetful},
		{"refuses with an error of its own", "create/oversize", func(l *liarStore) {
			l.create = func(ctx context.Context, key string, m store.Metadata) (store.Writer, error) {
				w, err := l.plainStore.Create(ctx, key, m)
				if errors.Is(err, store.ErrTooLarge) {
					err = errors.New("too large")
				}
				return w, err
			}
		}, forgetful},
		{"prefers the writer that was created last", "create/writers", func(l *liarStore) {
			var number atomic.Int64
			var latest sync.Map // number of the writer that committed last, by key
			l.writer = func(w *liarWriter) {
				own := number.Add(1)
				w.commit = func(ctx context.Context) error {
					if n, ok := latest.Load(w.key); ok && n.(int64) > own {
						return w.plainWriter.Abort()
					}
					err := w.plainWriter.Commit(ctx)
					if err == nil {
						latest.Store(w.key, own)
					}
					return err
				}
			}
		}, forgetful},
		{"stages under the name of the key", "create/writers", func(l *liarStore) {
			var mu sync.Mutex
			staging := make(map[string]*plainWriter)
			l.writer = func(w *liarWriter) {
				mu.Lock()
				staging[w.key] = w.plainWriter
				mu.Unlock()
				w.commit = func(ctx context.Context) error {
					mu.Lock()
					other := staging[w.key]
					mu.Unlock()
					if other != w.plainWriter && !other.ended && other.size > 0 {
						w.blocks = slices.Clone(other.blocks)
						w.size = other.size
						if w.meta.Size >= 0 {
							w.meta.Size = w.size
						}
					}
					return w.plainWriter.Commit(ctx)
				}
			}
		}, forgetful},
		{"deletes, whatever the context says", "context/ended", func(l *liarStore) {
			l.delete = func(ctx context.Context, key string) error {
				return errors.Join(l.plainStore.Delete(context.WithoutCancel(ctx), key), ctx.Err())
			}
		}, keeping},
		{"commits, whatever the context says", "context/ended", func(l *liarStore) {
			l.writer = func(w *liarWriter) {
				w.commit = func(ctx context.Context) error { return w.plainWriter.Commit(context.WithoutCancel(ctx)) }
			}
		}, keeping},
		{"takes keys for the same that differ in case only", "keys/any", renamesKeys(strings.ToLower), forgetful},
		{"cuts keys", "keys/any", renamesKeys(func(key string) string { return key[:min(255, len(key))] }), forgetful},
		{"ends keys at a zero byte", "keys/any", renamesKeys(func(key string) string { key, _, _ = strings.Cut(key, "\x00"); return key }), forgetful},
		{"cleans the paths that it deletes", "keys/any", func(l *liarStore) {
			l.delete = func(ctx context.Context, key string) error {
				_ = l.plainStore.Delete(ctx, strings.TrimRight(key, "/\x00"))
				return l.plainStore.Delete(ctx, key)
			}
		}, forgetful},
		{"keeps the caller's key", "keys/owned", func(l *liarStore) {
			l.create = func(ctx context.Context, key string, m store.Metadata) (store.Writer, error) {
				w, err := l.plainStore.Create(ctx, key, m)
				if err == nil {
					w.(*plainWriter).key = key
				}
				return w, err
			}
		}, keeping},
		{"keeps the strings of the caller's metadata", "keys/owned", func(l *liarStore) {
			l.create = func(ctx context.Context, key string, m store.Metadata) (store.Writer, error) {
				w, err := l.plainStore.Create(ctx, key, m)
				if err == nil {
					w.(*plainWriter).meta = m
				}
				return w, err
			}
		}, keeping},
	}
}

// renamesKeys takes a key for another.
func renamesKeys(rename func(string) string) func(*liarStore) {
	return func(l *liarStore) {
		l.open = func(ctx context.Context, key string) (store.Entry, error) { return l.plainStore.Open(ctx, rename(key)) }
		l.stat = func(ctx context.Context, key string) (*store.Metadata, error) {
			return l.plainStore.Stat(ctx, rename(key))
		}
		l.delete = func(ctx context.Context, key string) error { return l.plainStore.Delete(ctx, rename(key)) }
		l.create = func(ctx context.Context, key string, m store.Metadata) (store.Writer, error) {
			return l.plainStore.Create(ctx, rename(key), m)
		}
	}
}
