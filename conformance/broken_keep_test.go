package conformance

import (
	"sync"
	"time"
	"weak"

	"github.com/daramjwee/daramjwee/strategy"
)

var immortal struct {
	sync.Mutex
	pools []strategy.BufferPool
}

// forgets is a stack that is emptied again and again, however much it is used.
type forgets struct{ *stack }

func (forgets) empty(every time.Duration, w weak.Pointer[stack]) {
	time.AfterFunc(every, func() {
		s := w.Value()
		if s == nil {
			return
		}
		s.mu.Lock()
		s.buf = nil
		s.mu.Unlock()
		forgets{}.empty(every, w)
	})
}

func brokenKeeps() []broken {
	// retaining holds the last four buffers that are worth it.
	retaining := func(worth func(l *liar, buf []byte) bool) strategy.Factory {
		return bent(func(l *liar) {
			var mu sync.Mutex
			var kept [4][]byte
			var n int
			l.put = func(buf []byte) {
				if worth(l, buf) {
					mu.Lock()
					kept[n%4] = buf
					n++
					mu.Unlock()
				}
				l.DefaultBufferPool.Put(buf)
			}
		})
	}
	backends := func(open func(cfg strategy.BufferPoolConfig) func(int) strategy.Backend) strategy.Factory {
		return func(cfg strategy.BufferPoolConfig) (strategy.BufferPool, error) {
			return strategy.NewPool(cfg, open(cfg))
		}
	}
	return []broken{
		{"keeps oversize buffers", "keep/oversize", retaining(func(l *liar, buf []byte) bool {
			return len(buf) > l.cfg.MaxBufferSize
		}), honest},
		{"files an oversize buffer by its length", "keep/prefix", retaining(func(l *liar, buf []byte) bool {
			return cap(buf) > l.cfg.MaxBufferSize && len(buf) <= l.cfg.MaxBufferSize
		}), honest},
		{"lends oversize buffers again", "keep/oversize stats/hits", bent(func(l *liar) {
			var mu sync.Mutex
			var kept []byte
			l.put = func(buf []byte) {
				if len(buf) > 64<<10 {
					mu.Lock()
					kept = buf
					mu.Unlock()
				}
				l.DefaultBufferPool.Put(buf)
			}
			l.get = func(n int) []byte {
				buf := l.DefaultBufferPool.Get(n)
				mu.Lock()
				defer mu.Unlock()
				if n > 64<<10 && cap(kept) >= n {
					buf, kept = kept[:n], nil
				}
				return buf
			}
		}), honest},
		{"has a table entry for each size", "keep/sizes", bent(func(l *liar) {
			var mu sync.Mutex
			sizes := make(map[int][4]int)
			l.get = func(n int) []byte {
				buf := l.DefaultBufferPool.Get(n) // first: it panics for some sizes
				mu.Lock()
				defer mu.Unlock()
				sizes[n] = [4]int{n}
				return buf
			}
		}), honest},
		{"keeps one more than its bound", "keep/bound", backends(func(cfg strategy.BufferPoolConfig) func(int) strategy.Backend {
			return func(int) strategy.Backend { return &stack{max: cfg.MaxIdle + 1} }
		}), with(func(o *Options) {
			o.Config.MaxIdle = 8
			o.Bounded = Bounded{Buffers: 3 * 8}
		})},
		{"keeps one large buffer more than its bound", "keep/bound", backends(func(cfg strategy.BufferPoolConfig) func(int) strategy.Backend {
			return func(size int) strategy.Backend { return &stack{max: 8 + size>>16} }
		}), with(func(o *Options) { o.Bounded = Bounded{Bytes: 8 * (4 + 32 + 64) << 10} })},
		{"counts the bytes of idle buffers by the smallest class", "keep/idle", bent(func(l *liar) {
			l.stats = func() strategy.BufferPoolStats {
				s := l.DefaultBufferPool.Stats()
				s.IdleBytes = s.IdleBuffers * int64(l.cfg.MinBufferSize)
				return s
			}
		}), honest},
		{"knows the bytes but not the buffers", "keep/idle", bent(func(l *liar) {
			l.stats = func() strategy.BufferPoolStats {
				s := l.DefaultBufferPool.Stats()
				s.IdleBuffers = -1
				return s
			}
		}), honest},
		{"keeps what it says it does not", "keep/nothing", straight, with(func(o *Options) { o.RetainsNothing = true })},
		{"keeps nothing and does not say so", "keep/reuse", backends(func(strategy.BufferPoolConfig) func(int) strategy.Backend { return nil }),
			with(func(o *Options) { o.RefusesRepeats = false })},
		{"keeps what collections should free", "keep/collected", straight, with(func(o *Options) { o.ReleasesOnCollection = true })},
		{"keeps what has long been idle", "keep/surplus", straight, with(func(o *Options) { o.ReleasesSurplus, o.Timeout = true, hanging.Timeout })},
		{"releases all that is idle at the end of an interval", "keep/used", func(cfg strategy.BufferPoolConfig) (strategy.BufferPool, error) {
			return strategy.NewPool(cfg, func(int) strategy.Backend {
				f := forgets{&stack{max: 1 << 20}}
				if every := cfg.CleanupInterval; every > 0 && every < time.Second { // one that a rule asked for
					f.empty(every, weak.Make(f.stack))
				}
				return f
			})
		}, with(func(o *Options) { o.ReleasesSurplus = true })},
		{"is held by a global", "keep/dropped", bent(func(l *liar) {
			immortal.Lock()
			immortal.pools = append(immortal.pools, l)
			immortal.Unlock()
			l.close = func() error {
				immortal.Lock()
				immortal.pools = nil
				immortal.Unlock()
				return l.DefaultBufferPool.Close()
			}
		}), honest},
		{"scrubs up to the length", "keep/zeroed", func(cfg strategy.BufferPoolConfig) (strategy.BufferPool, error) {
			scrub := cfg.Scrub
			cfg.Scrub = false
			return bent(func(l *liar) {
				l.put = func(buf []byte) {
					if scrub {
						clear(buf)
					}
					l.DefaultBufferPool.Put(buf)
				}
			})(cfg)
		}, honest},
		{"does not scrub", "keep/zeroed", func(cfg strategy.BufferPoolConfig) (strategy.BufferPool, error) {
			cfg.Scrub = false
			return straight(cfg)
		}, honest},
	}
}
