package conformance

import (
	"io"
	"math"
	"sync"
	"sync/atomic"
)

func brokenGets() []broken {
	return []broken{
		{"one byte short for one size", "get/length", bent(func(l *liar) {
			l.get = func(n int) []byte {
				buf := l.DefaultBufferPool.Get(n)
				if n == 2 {
					return buf[:1]
				}
				return buf
			}
		}), honest},
		{"ignores the size", "close/goroutines close/held close/idle close/twice close/usable " +
			"copy/private get/length get/synchronised get/unknown keep/dropped keep/idle keep/oversize keep/reuse keep/sizes keep/zeroed " +
			"model pools/buffers put/foreign put/prefix put/refused put/repeated stats/calls stats/cheap stats/discards stats/hits tee/private", bent(func(l *liar) {
			l.get = func(n int) []byte {
				buf := l.DefaultBufferPool.Get(n)
				return buf[:min(len(buf), l.cfg.MinBufferSize)]
			}
		}), honest},
		{"takes the absolute of the size", "get/unknown", bent(func(l *liar) {
			l.get = func(n int) []byte {
				if n == -1 {
					n = 1
				}
				return l.DefaultBufferPool.Get(n)
			}
		}), honest},
		{"Get(0) is empty, which makes callers loop", "get/unknown model", bent(func(l *liar) {
			l.get = func(n int) []byte {
				buf := l.DefaultBufferPool.Get(n)
				return buf[:max(0, min(n, len(buf)))]
			}
		}), honest},
		{"nil for a size that cannot be had", "get/impossible", bent(func(l *liar) {
			l.get = func(n int) []byte {
				if n == math.MaxInt {
					return nil
				}
				return l.DefaultBufferPool.Get(n)
			}
		}), honest},
		{"counts before it allocates", "get/impossible", bent(func(l *liar) {
			l.get = func(n int) []byte {
				if n == math.MaxInt {
					l.DefaultBufferPool.Get(1)
				}
				return l.DefaultBufferPool.Get(n)
			}
		}), honest},
		{"cuts oversize buffers from one array and does not clip", "get/disjoint", bent(func(l *liar) {
			var mu sync.Mutex
			var rest []byte
			l.get = func(n int) []byte {
				buf := l.DefaultBufferPool.Get(n)
				if n != 3*64<<10 {
					return buf
				}
				mu.Lock()
				defer mu.Unlock()
				if len(rest) == n {
					buf, rest = rest, nil
					return buf
				}
				buf = make([]byte, 2*n)
				rest = buf[n:]
				return buf[:n]
			}
		}), honest},
		{"writes to a buffer that is held", "get/held", bent(func(l *liar) {
			var held atomic.Pointer[byte] // the last byte of what was lent last
			l.get = func(n int) []byte {
				buf := l.DefaultBufferPool.Get(n)
				held.Store(&buf[len(buf)-1])
				return buf
			}
			l.put = func(buf []byte) {
				held.Store(nil)
				l.DefaultBufferPool.Put(buf)
			}
			l.copy = func(dst io.Writer, src io.Reader) (int64, error) {
				n, err := l.DefaultBufferPool.CopyBuffer(dst, src)
				if last := held.Load(); last != nil && n > 40_000 {
					*last++
				}
				return n, err
			}
		}), honest},
		{"lends one buffer twice when eight thousand are out", "get/exclusive", bent(func(l *liar) {
			var out atomic.Int64
			var last atomic.Pointer[[]byte]
			l.get = func(n int) []byte {
				buf := l.DefaultBufferPool.Get(n)
				if out.Add(1) > 8_000 {
					if other := last.Swap(nil); other != nil {
						return *other
					}
					lent := buf
					last.Store(&lent)
				}
				return buf
			}
			l.put = func(buf []byte) {
				if buf != nil {
					out.Add(-1)
				}
				l.DefaultBufferPool.Put(buf)
			}
		}), honest},
		{"lends one buffer to two goroutines", "get/synchronised", bent(func(l *liar) {
			var mu sync.Mutex
			var lent []byte
			var by int
			l.get = func(n int) []byte {
				buf := l.DefaultBufferPool.Get(n)
				if n != 32<<10 {
					return buf
				}
				mu.Lock()
				defer mu.Unlock()
				if lent != nil && by != goroutine() {
					return lent[:n]
				}
				lent, by = buf, goroutine()
				return buf
			}
			l.put = func(buf []byte) {
				mu.Lock()
				if lent != nil && cap(buf) > 0 && address(buf) == address(lent) {
					lent = nil
				}
				mu.Unlock()
				l.DefaultBufferPool.Put(buf)
			}
		}), honest},
	}
}
