package conformance

import (
	"errors"
	"io"
	"sync"
	"sync/atomic"

	"github.com/daramjwee/daramjwee/strategy"
)

func brokenLives() []broken {
	return []broken{
		{"shares its buffers with the next pool", "pools/buffers", sharing(true), Options{}},
		{"shares its counters with the next pool", "pools/counters", sharing(false), Options{}},
		{"leaves a goroutine behind", "close/goroutines", bent(func(*liar) {
			go func() { select {} }()
		}), hanging},
		{"calls the second Close an error", "close/twice", bent(func(l *liar) {
			var closed atomic.Bool
			l.close = func() error {
				if closed.Swap(true) {
					return errors.New("closed already")
				}
				return l.DefaultBufferPool.Close()
			}
		}), honest},
		{"does not copy once closed", "close/usable", bent(func(l *liar) {
			var closed atomic.Bool
			l.close = func() error {
				closed.Store(true)
				return l.DefaultBufferPool.Close()
			}
			l.copy = func(dst io.Writer, src io.Reader) (int64, error) {
				if closed.Load() {
					return 0, io.ErrClosedPipe
				}
				return l.DefaultBufferPool.CopyBuffer(dst, src)
			}
		}), honest},
		{"has nothing to lend once closed", "close/usable close/held", bent(func(l *liar) {
			var closed atomic.Bool
			l.close = func() error {
				closed.Store(true)
				return l.DefaultBufferPool.Close()
			}
			l.get = func(n int) []byte {
				if closed.Load() {
					return nil
				}
				return l.DefaultBufferPool.Get(n)
			}
		}), honest},
		{"panics when a buffer comes back after Close", "close/held", bent(func(l *liar) {
			var closed atomic.Bool
			l.close = func() error {
				closed.Store(true)
				return l.DefaultBufferPool.Close()
			}
			l.put = func(buf []byte) {
				if closed.Load() && len(buf) > l.cfg.MinBufferSize {
					panic("send on closed channel")
				}
				l.DefaultBufferPool.Put(buf)
			}
		}), honest},
		{"keeps what is idle after Close", "close/idle", bent(func(l *liar) {
			l.close = func() error { return nil }
		}), honest},
		{"keeps what comes back after Close", "close/idle", bent(func(l *liar) {
			var mu sync.Mutex
			var closed bool
			var late [][]byte
			l.close = func() error {
				mu.Lock()
				defer mu.Unlock()
				closed = true
				return l.DefaultBufferPool.Close()
			}
			l.put = func(buf []byte) {
				mu.Lock()
				if closed {
					late = append(late, buf)
				}
				mu.Unlock()
				l.DefaultBufferPool.Put(buf)
			}
		}), honest},
		{"takes the defaults for a faulty configuration", "config/faults", func(cfg strategy.BufferPoolConfig) (strategy.BufferPool, error) {
			p, err := straight(cfg)
			if err != nil {
				return straight(strategy.DefaultConfig())
			}
			return p, nil
		}, honest},
		{"pools although it is disabled", "disabled/fresh", func(cfg strategy.BufferPoolConfig) (strategy.BufferPool, error) {
			disabled := !cfg.Enabled
			cfg.Enabled = true
			return bent(func(l *liar) {
				if disabled {
					l.copy, l.tee = io.Copy, io.TeeReader
				}
			})(cfg)
		}, honest},
		{"copies in small pieces when disabled", "disabled/standard", func(cfg strategy.BufferPoolConfig) (strategy.BufferPool, error) {
			p, err := straight(cfg)
			if l, ok := p.(*liar); ok && !cfg.Enabled {
				l.copy = func(dst io.Writer, src io.Reader) (int64, error) {
					return io.CopyBuffer(maskWriter{dst}, maskReader{src}, make([]byte, 4<<10))
				}
			}
			return p, err
		}, honest},
		{"miscounts the copy after a Put of nil", "model", bent(func(l *liar) {
			var odd atomic.Bool
			l.put = func(buf []byte) {
				odd.Store(buf == nil)
				l.DefaultBufferPool.Put(buf)
			}
			l.copy = func(dst io.Writer, src io.Reader) (int64, error) {
				n, err := l.DefaultBufferPool.CopyBuffer(dst, src)
				if odd.Swap(false) {
					n++
				}
				return n, err
			}
		}), honest},
	}
}
