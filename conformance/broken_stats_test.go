package conformance

import (
	"io"
	"runtime/metrics"
	"sync"
	"sync/atomic"

	"github.com/daramjwee/daramjwee/strategy"
)

func brokenStats() []broken {
	restating := func(edit func(l *liar, s *strategy.BufferPoolStats)) strategy.Factory {
		return bent(func(l *liar) {
			l.stats = func() strategy.BufferPoolStats {
				s := l.DefaultBufferPool.Stats()
				edit(l, &s)
				return s
			}
		})
	}
	return []broken{
		{"does not count what is far too large for it", "stats/calls", bent(func(l *liar) {
			const far = 128 << 10
			l.get = func(n int) []byte {
				if n == far {
					return make([]byte, n)
				}
				return l.DefaultBufferPool.Get(n)
			}
			l.put = func(buf []byte) {
				if cap(buf) != far {
					l.DefaultBufferPool.Put(buf)
				}
			}
		}), honest},
		{"counts no Put that it discards", "close/held copy/counts model stats/calls stats/load tee/held", restating(func(_ *liar, s *strategy.BufferPoolStats) {
			s.TotalPuts -= s.Discards
		}), honest},
		{"guesses hits", "stats/hits", guesses(), honest},
		{"stays with its guess after collections", "stats/collections", collectedGuesses(), honest},
		{"counts no discards", "stats/discards", restating(func(_ *liar, s *strategy.BufferPoolStats) { s.Discards = 0 }), honest},
		{"counts the Get of a copy when the copy ends", "stats/load", bent(func(l *liar) {
			var running atomic.Int64
			l.copy = func(dst io.Writer, src io.Reader) (int64, error) {
				defer running.Add(-1)
				running.Add(1)
				return l.DefaultBufferPool.CopyBuffer(dst, src)
			}
			l.stats = func() strategy.BufferPoolStats {
				s := l.DefaultBufferPool.Stats()
				s.TotalGets -= running.Load()
				return s
			}
		}), honest},
		{"does not clamp ActiveBuffers", "stats/misuse model", restating(func(_ *liar, s *strategy.BufferPoolStats) {
			s.ActiveBuffers = s.TotalGets - s.TotalPuts
		}), honest},
		{"a counter runs backwards on tiny slices", "stats/misuse", bent(func(l *liar) {
			var tiny atomic.Int64
			l.put = func(buf []byte) {
				if c := cap(buf); c > 0 && c < 8 {
					tiny.Add(1)
				}
				l.DefaultBufferPool.Put(buf)
			}
			l.stats = func() strategy.BufferPoolStats {
				s := l.DefaultBufferPool.Stats()
				s.Damaged -= tiny.Load()
				return s
			}
		}), honest},
		{"counts one repeat of many", "stats/repeats", bent(func(l *liar) {
			var mu sync.Mutex
			var last uintptr
			var hidden, repeats int64
			l.put = func(buf []byte) {
				mu.Lock()
				defer mu.Unlock()
				before := l.DefaultBufferPool.Stats().DoublePuts
				l.DefaultBufferPool.Put(buf)
				if l.DefaultBufferPool.Stats().DoublePuts == before || last != address(buf) {
					last, repeats = address(buf), 0
				}
				if l.DefaultBufferPool.Stats().DoublePuts > before {
					if repeats++; repeats > 1 {
						hidden++
					}
				}
			}
			l.stats = func() strategy.BufferPoolStats {
				s := l.DefaultBufferPool.Stats()
				mu.Lock()
				s.DoublePuts -= hidden
				mu.Unlock()
				return s
			}
		}), honest},
		{"counts a refused Put twice", "stats/repeats model", restating(func(_ *liar, s *strategy.BufferPoolStats) {
			s.TotalPuts += s.DoublePuts
			s.ActiveBuffers = max(0, s.TotalGets-s.TotalPuts)
		}), honest},
		{"counts no damage", "stats/damaged", restating(func(_ *liar, s *strategy.BufferPoolStats) { s.Damaged = 0 }), honest},
		{"lends a damaged buffer", "stats/damaged", lendsDamaged, honest},
		{"allocates in Stats", "stats/cheap", restating(func(*liar, *strategy.BufferPoolStats) {
			b := make([]byte, 100)
			sinkhole.Store(&b)
			sinkhole.Store(nil)
		}), honest},
	}
}

// guesses counts a hit for every Get of a size class in which there was a Put.
func guesses() strategy.Factory {
	return bent(func(l *liar) {
		var mu sync.Mutex
		put := make(map[int]bool)
		var hits int64
		l.put = func(buf []byte) {
			mu.Lock()
			defer mu.Unlock()
			if cap(buf) <= l.cfg.MaxBufferSize {
				put[cap(buf)] = true
			}
			l.DefaultBufferPool.Put(buf)
		}
		l.get = func(n int) []byte {
			mu.Lock()
			defer mu.Unlock()
			buf := l.DefaultBufferPool.Get(n)
			if put[cap(buf)] {
				hits++
			}
			return buf
		}
		l.stats = func() strategy.BufferPoolStats {
			mu.Lock()
			defer mu.Unlock()
			s := l.DefaultBufferPool.Stats()
			s.PoolHits, s.PoolMisses = hits, s.TotalGets-hits
			return s
		}
	})
}

// collectible is a stack that is empty once three collections have passed since
// the last Keep.
type collectible struct {
	stack
	mu     sync.Mutex // guards following 2 fields
	sample [1]metrics.Sample
	kept   uint64
}

func (c *collectible) cycles() uint64 {
	c.sample[0].Name = "/gc/cycles/total:gc-cycles"
	metrics.Read(c.sample[:])
	return c.sample[0].Value.Uint64()
}

func (c *collectible) Take() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cycles() >= c.kept+3 {
		c.stack.mu.Lock()
		c.stack.buf = nil
		c.stack.mu.Unlock()
	}
	return c.stack.Take()
}

func (c *collectible) Keep(buf []byte) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.kept = c.cycles()
	return c.stack.Keep(buf)
}

// collectedGuesses counts by what it would have idle if there were no collector.
func collectedGuesses() strategy.Factory {
	return func(cfg strategy.BufferPoolConfig) (strategy.BufferPool, error) {
		p, err := strategy.NewPool(cfg, func(int) strategy.Backend { return &collectible{stack: stack{max: 1 << 20}} })
		if err != nil || !cfg.Enabled {
			return p, err
		}
		l := &liar{DefaultBufferPool: p, cfg: cfg}
		var mu sync.Mutex
		idle := make(map[int]int)
		var hits int64 // of direct Gets that the pool itself does not count
		l.put = func(buf []byte) {
			mu.Lock()
			defer mu.Unlock()
			before := p.Stats()
			p.Put(buf)
			after := p.Stats()
			if after.TotalPuts > before.TotalPuts && after.Discards == before.Discards {
				idle[cap(buf)]++
			}
		}
		l.get = func(n int) []byte {
			mu.Lock()
			defer mu.Unlock()
			before := p.Stats()
			buf := p.Get(n)
			really := p.Stats().PoolHits > before.PoolHits
			if idle[cap(buf)] > 0 {
				idle[cap(buf)]--
				if !really && p.Stats().Damaged == before.Damaged {
					hits++
				}
			}
			return buf
		}
		l.stats = func() strategy.BufferPoolStats {
			mu.Lock()
			defer mu.Unlock()
			s := p.Stats()
			s.PoolHits += hits
			s.PoolMisses -= hits
			return s
		}
		return l, nil
	}
}

// remembers is a stack that knows what it gave last.
type remembers struct {
	stack
	mu   sync.Mutex // guards last
	last []byte
}

func (r *remembers) Take() []byte {
	buf := r.stack.Take()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last = buf
	return buf
}

// swap returns what was given last, once.
func (r *remembers) swap() []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	last := r.last
	r.last = nil
	return last
}

// lendsDamaged counts the damage, and lends the buffer all the same.
func lendsDamaged(cfg strategy.BufferPoolConfig) (strategy.BufferPool, error) {
	var shelves []*remembers
	p, err := strategy.NewPool(cfg, func(int) strategy.Backend {
		r := &remembers{stack: stack{max: 1 << 20}}
		shelves = append(shelves, r)
		return r
	})
	if err != nil || !cfg.Enabled {
		return p, err
	}
	l := &liar{DefaultBufferPool: p, cfg: cfg}
	l.close = func() error {
		shelves = nil
		return p.Close()
	}
	l.get = func(n int) []byte {
		before := p.Stats().Damaged
		buf := p.Get(n)
		for _, s := range shelves {
			if last := s.swap(); p.Stats().Damaged > before && cap(last) == cap(buf) {
				return last[:n]
			}
		}
		return buf
	}
	return l, nil
}
