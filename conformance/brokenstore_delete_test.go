package conformance

import (
	"context"
	"io"
	"sync"

	"github.com/daramjwee/daramjwee/cache/store"
)

func brokenDeletes() []brokenStore {
	return []brokenStore{
		{"remembers in Stat what was there before a replacement", "stat/agrees", func(l *liarStore) {
			var known sync.Map // of *store.Metadata by key
			l.stat = func(ctx context.Context, key string) (*store.Metadata, error) {
				m, err := l.plainStore.Stat(ctx, key)
				if err != nil {
					return m, err
				}
				first, _ := known.LoadOrStore(key, m)
				return first.(*store.Metadata), nil
			}
			l.update = func(ctx context.Context, key string, ifGeneration uint64, m store.Metadata) error {
				known.Delete(key)
				return l.plainStore.UpdateMetadata(ctx, key, ifGeneration, m)
			}
		}, keeping},
		{"counts Stat as a use", "stat/use", func(l *liarStore) {
			l.stat = func(ctx context.Context, key string) (*store.Metadata, error) {
				if l.enter(ctx) == nil {
					if e := l.index[key]; e != nil {
						l.touch(e)
					}
					l.mu.Unlock()
				}
				return l.plainStore.Stat(ctx, key)
			}
		}, keeping},
		{"calls it an error to delete nothing", "delete/nothing", func(l *liarStore) {
			l.delete = func(ctx context.Context, key string) error {
				if _, err := l.plainStore.Stat(ctx, key); err != nil {
					return err
				}
				return l.plainStore.Delete(ctx, key)
			}
		}, keeping},
		{"ends the writers of what it deletes", "delete/gone", func(l *liarStore) {
			var mu sync.Mutex
			writers := make(map[string]*plainWriter)
			l.writer = func(w *liarWriter) {
				mu.Lock()
				defer mu.Unlock()
				writers[w.key] = w.plainWriter
			}
			l.delete = func(ctx context.Context, key string) error {
				mu.Lock()
				w := writers[key]
				mu.Unlock()
				if w != nil && ctx.Err() == nil {
					_ = w.Abort()
				}
				return l.plainStore.Delete(ctx, key)
			}
		}, keeping},
		{"brings the version before back", "delete/gone race/values", func(l *liarStore) {
			var mu sync.Mutex
			versions := make(map[string][]*plainEntry)
			l.writer = func(w *liarWriter) {
				w.commit = func(ctx context.Context) error {
					l.mu.Lock()
					old := l.index[w.key]
					l.mu.Unlock()
					err := w.plainWriter.Commit(ctx)
					if err == nil && old != nil {
						mu.Lock()
						defer mu.Unlock()
						versions[w.key] = append(versions[w.key], old)
					}
					return err
				}
			}
			l.delete = func(ctx context.Context, key string) error {
				err := l.plainStore.Delete(ctx, key)
				mu.Lock()
				defer mu.Unlock()
				if n := len(versions[key]); err == nil && n > 0 && l.enter(ctx) == nil {
					defer l.mu.Unlock()
					l.put(versions[key][n-1])
					versions[key] = versions[key][:n-1]
				}
				return err
			}
		}, forgetful},
		{"waits for readers in Delete", "stalled/delete", func(l *liarStore) {
			var busy keyLocks
			l.entry = func(e *liarEntry) {
				key := e.meta.ETag // unique in the rule on Delete, where it is ""
				e.writeTo = func(w io.Writer) (int64, error) {
					busy.of(key).RLock()
					defer busy.of(key).RUnlock()
					return e.plainReader.WriteTo(w)
				}
			}
			l.delete = func(ctx context.Context, key string) error {
				if key == "k" {
					busy.of("").Lock()
					defer busy.of("").Unlock()
				}
				return l.plainStore.Delete(ctx, key)
			}
		}, waiting},
		{"waits for readers in Commit", "stalled/calls", func(l *liarStore) {
			var busy keyLocks
			l.open = func(ctx context.Context, key string) (store.Entry, error) {
				e, err := l.plainStore.Open(ctx, key)
				if err != nil {
					return e, err
				}
				bent := &liarEntry{plainReader: e.(*plainReader)}
				bent.writeTo = func(w io.Writer) (int64, error) {
					busy.of(key).RLock()
					defer busy.of(key).RUnlock()
					return bent.plainReader.WriteTo(w)
				}
				return bent, nil
			}
			l.writer = func(w *liarWriter) {
				w.commit = func(ctx context.Context) error {
					busy.of(w.key).Lock()
					defer busy.of(w.key).Unlock()
					return w.plainWriter.Commit(ctx)
				}
			}
		}, waiting},
		{"waits for readers in its Close", "stalled/calls", func(l *liarStore) {
			var busy sync.RWMutex
			l.entry = func(e *liarEntry) {
				e.writeTo = func(w io.Writer) (int64, error) {
					busy.RLock()
					defer busy.RUnlock()
					return e.plainReader.WriteTo(w)
				}
			}
			l.close = func() error {
				busy.Lock()
				defer busy.Unlock()
				return l.plainStore.Close()
			}
		}, waiting},
		{"waits for its WriteTo in Close", "stalled/close", entries(func(e *liarEntry) {
			var busy sync.Mutex
			e.writeTo = func(w io.Writer) (int64, error) {
				busy.Lock()
				defer busy.Unlock()
				return e.plainReader.WriteTo(w)
			}
			e.close = func() error {
				busy.Lock()
				defer busy.Unlock()
				return e.plainReader.Close()
			}
		}), waiting},
	}
}

// keyLocks are locks by key.
type keyLocks struct{ m sync.Map }

func (l *keyLocks) of(key string) *sync.RWMutex {
	mu, _ := l.m.LoadOrStore(key, &sync.RWMutex{})
	return mu.(*sync.RWMutex)
}
