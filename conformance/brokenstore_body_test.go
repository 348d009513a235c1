package conformance

import (
	"context"
	"errors"
	"io"
	"sync"

	"github.com/daramjwee/daramjwee/cache/store"
)

// brokenBodies are honest in what Open returns.
func brokenBodies() []brokenStore {
	bodies := func(bend func(b *liarBody)) func(*liarStore) {
		return func(l *liarStore) { l.bodies = bend }
	}
	opens := func(open func(l *liarStore, ctx context.Context, key string) (store.Body, *store.Metadata, error)) func(*liarStore) {
		return func(l *liarStore) {
			l.bodies = func(*liarBody) {}
			l.openBody = func(ctx context.Context, key string) (store.Body, *store.Metadata, error) { return open(l, ctx, key) }
		}
	}
	fromTheBeginning := func(b *liarBody) {
		b.writeFrom = func(w io.Writer, _ int64) (int64, error) { return b.plainWriteFrom(w, 0) }
	}
	return []brokenStore{
		{"has no body, and no error, for an empty key that it has not", "open/missing reopen/same", opens(func(l *liarStore, ctx context.Context, key string) (store.Body, *store.Metadata, error) {
			b, m, err := l.plainBody(ctx, key)
			if key == "" && errors.Is(err, store.ErrNotFound) {
				err = nil
			}
			return b, m, err
		}), keeping},
		{"opens bodies under an ended context", "context/ended", opens(func(l *liarStore, ctx context.Context, key string) (store.Body, *store.Metadata, error) {
			return l.plainBody(context.WithoutCancel(ctx), key)
		}), keeping},
		{"opens bodies when it is closed", "closed/refuses", opens(func(l *liarStore, ctx context.Context, key string) (store.Body, *store.Metadata, error) {
			b, m, err := l.plainBody(ctx, key)
			if errors.Is(err, store.ErrClosed) && l.saved[key] != nil {
				return &liarBody{body: l.saved[key].body}, l.saved[key].meta, nil
			}
			return b, m, err
		}), keeping},
		{"writes bodies from the beginning", "writeto/equal", bodies(fromTheBeginning), keeping},
		{"writes bodies from the beginning, and its entries do not write", "writeto/equal", func(l *liarStore) {
			l.bareEntries, l.bodies = true, fromTheBeginning
		}, keeping},
		{"reads bodies in turn, wherever it is asked to", "read/at writeto/equal", bodies(func(b *liarBody) {
			at := int64(0)
			b.readAt = func(p []byte, off int64) (int, error) {
				n, err := readBody(b.body, p, at)
				at += int64(n)
				return n, err
			}
		}), keeping},
		{"gives the memory of a long body back at the first of many Releases", "entry/again stalled/calls", func(l *liarStore) {
			var mu sync.Mutex
			opened := make(map[*byte]int)
			l.bodies = func(b *liarBody) {
				if len(b.body) < 200_000 {
					return
				}
				mu.Lock()
				defer mu.Unlock()
				opened[&b.body[0]]++
				b.release = func() {
					mu.Lock()
					defer mu.Unlock()
					if opened[&b.body[0]]--; opened[&b.body[0]] > 0 {
						clear(b.body)
					}
				}
			}
		}, keeping},
		{"has a Release of long bodies wait for other readers", "stalled/calls", func(l *liarStore) {
			var readers sync.WaitGroup
			l.bodies = func(b *liarBody) {
				if len(b.body) < 100_000 {
					return
				}
				b.writeFrom = func(w io.Writer, off int64) (int64, error) {
					readers.Add(1)
					defer readers.Done()
					return b.plainWriteFrom(w, off)
				}
				b.release = readers.Wait
			}
		}, waiting},
	}
}
