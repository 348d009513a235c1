package conformance

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"

	"github.com/daramjwee/daramjwee/cache/store"
)

// entries bends what Open returns.
func entries(bend func(e *liarEntry)) func(*liarStore) {
	return func(l *liarStore) { l.entry = bend }
}

func brokenReads() []brokenStore {
	return []brokenStore{
		{"has an error of its own for the empty key", "open/missing", func(l *liarStore) {
			l.open = func(ctx context.Context, key string) (store.Entry, error) {
				e, err := l.plainStore.Open(ctx, key)
				if key == "" && errors.Is(err, store.ErrNotFound) {
					err = errors.New("empty key")
				}
				return e, err
			}
		}, forgetful},
		{"finds a key that another begins with", "open/missing", func(l *liarStore) {
			l.open = func(ctx context.Context, key string) (store.Entry, error) {
				e, err := l.plainStore.Open(ctx, key)
				if err != nil && key == "k" && l.enter(ctx) == nil {
					for longer := range l.index {
						if strings.HasPrefix(longer, "key") {
							key = longer
						}
					}
					l.mu.Unlock()
					return l.plainStore.Open(ctx, key)
				}
				return e, err
			}
		}, keeping},
		{"starts again behind the end", "read/equal", entries(func(e *liarEntry) {
			ended := false
			e.read = func(p []byte) (int, error) {
				if ended {
					ended, e.off = false, 0
				}
				n, err := e.plainReader.Read(p)
				ended = err == io.EOF
				return n, err
			}
		}), keeping},
		{"loses a byte to readers of one", "read/equal", entries(func(e *liarEntry) {
			e.read = func(p []byte) (int, error) {
				if len(p) == 1 && e.off == 999 {
					e.off++
				}
				return e.plainReader.Read(p)
			}
		}), keeping},
		{"shares the position of a large entry", "read/apart", func(l *liarStore) {
			var mu sync.Mutex
			offsets := make(map[*byte]*int)
			readers := make(map[*byte]int)
			l.entry = func(e *liarEntry) {
				if len(e.body) < 32<<10 {
					return
				}
				mu.Lock()
				defer mu.Unlock()
				id := &e.body[0]
				if readers[id]++; readers[id] == 1 {
					offsets[id] = new(int)
				}
				off := offsets[id]
				e.read = func(p []byte) (int, error) {
					mu.Lock()
					defer mu.Unlock()
					e.off = *off
					n, err := e.plainReader.Read(p)
					*off = e.off
					return n, err
				}
				e.close = sync.OnceValue(func() error {
					mu.Lock()
					defer mu.Unlock()
					readers[id]--
					return e.plainReader.Close()
				})
			}
			// The others are handed their offset by these.
			plain := l.entry
			l.entry = func(e *liarEntry) {
				plain(e)
				if e.read != nil {
					e.writeTo = func(w io.Writer) (int64, error) {
						mu.Lock()
						if own := *offsets[&e.body[0]]; own > e.off {
							e.off = own
						}
						mu.Unlock()
						n, err := e.plainReader.WriteTo(w)
						mu.Lock()
						*offsets[&e.body[0]] = e.off
						mu.Unlock()
						return n, err
					}
				}
			}
		}, keeping},
		{"moves the position in ReadAt", "read/at", entries(func(e *liarEntry) {
			e.readAt = func(p []byte, off int64) (int, error) {
				n, err := e.plainReader.ReadAt(p, off)
				if err == nil && n > 0 && len(e.body) == 5000 {
					e.off = int(off) + n
				}
				return n, err
			}
		}), keeping},
		{"reads a little at a time in ReadAt", "read/at", entries(func(e *liarEntry) {
			e.readAt = func(p []byte, off int64) (int, error) {
				return e.plainReader.ReadAt(p[:min(len(p), 4000)], off)
			}
		}), keeping},
		{"says nothing of the end in ReadAt", "read/at", entries(func(e *liarEntry) {
			e.readAt = func(p []byte, off int64) (int, error) {
				n, err := e.plainReader.ReadAt(p, off)
				if n > 0 && err == io.EOF {
					err = nil
				}
				return n, err
			}
		}), keeping},
		{"takes a negative offset for the end", "read/at", entries(func(e *liarEntry) {
			e.readAt = func(p []byte, off int64) (int, error) {
				if off < 0 {
					return 0, io.EOF
				}
				return e.plainReader.ReadAt(p, off)
			}
		}), keeping},
		{"writes all of it, wherever the reader is", "writeto/equal", entries(func(e *liarEntry) {
			e.writeTo = func(w io.Writer) (int64, error) {
				if e.off < len(e.body) {
					e.off = 0
				}
				return e.plainReader.WriteTo(w)
			}
		}), keeping},
		{"can be written again and again", "writeto/equal", entries(func(e *liarEntry) {
			e.writeTo = func(w io.Writer) (int64, error) {
				before := e.off
				n, err := e.plainReader.WriteTo(w)
				e.off = before
				return n, err
			}
		}), keeping},
		{"swallows the destination's error", "writeto/faults", entries(func(e *liarEntry) {
			e.writeTo = func(w io.Writer) (int64, error) {
				n, err := e.plainReader.WriteTo(w)
				if errors.Is(err, errSink) {
					err = nil
				}
				return n, err
			}
		}), keeping},
		{"believes the destination's count", "writeto/faults", entries(func(e *liarEntry) {
			e.writeTo = func(w io.Writer) (n int64, err error) {
				if e.closed.Load() {
					return 0, store.ErrClosed
				}
				for rest := e.body[e.off:]; len(rest) > 0 && err == nil; rest = e.body[e.off:] {
					var k int
					k, err = w.Write(rest[:min(len(rest), 10_000)])
					e.off += k
					n += int64(k)
					if k < min(len(rest), 10_000) && err == nil {
						err = io.ErrShortWrite
					}
				}
				return n, err
			}
		}), keeping},
		{"skips what a failing destination has not taken", "writeto/faults", entries(func(e *liarEntry) {
			e.writeTo = func(w io.Writer) (int64, error) {
				n, err := e.plainReader.WriteTo(w)
				if err != nil && !errors.Is(err, store.ErrClosed) && e.off < len(e.body) {
					e.body = e.body[:len(e.body)-1]
				}
				return n, err
			}
		}), keeping},
		{"stays locked when the destination panics", "writeto/faults", entries(func(e *liarEntry) {
			var mu sync.Mutex
			e.writeTo = func(w io.Writer) (int64, error) {
				mu.Lock()
				n, err := e.plainReader.WriteTo(w)
				mu.Unlock()
				return n, err
			}
			e.read = func(p []byte) (int, error) {
				mu.Lock()
				defer mu.Unlock()
				return e.plainReader.Read(p)
			}
		}), waiting},
	}
}
