// Package mine is a strategy of one's own: a stack of idle buffers per size class,
// so that the one used last, which is still in the processor's cache, is lent
// first. MaxIdle is its bound.
package mine

import (
	"sync"

	"github.com/daramjwee/daramjwee/strategy"
)

func init() {
	strategy.Register("mine", func(cfg strategy.BufferPoolConfig) (strategy.BufferPool, error) {
		return strategy.NewPool(cfg, func(int) strategy.Backend { return &stack{max: cfg.MaxIdle} })
	})
}

type stack struct {
	mu   sync.Mutex // guards idle
	idle [][]byte
	max  int
}

// Take implements strategy.Backend.
func (s *stack) Take() (buf []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if last := len(s.idle) - 1; last >= 0 {
		buf, s.idle[last] = s.idle[last], nil
		s.idle = s.idle[:last]
	}
	return buf
}

// Keep implements strategy.Backend.
func (s *stack) Keep(buf []byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.idle) == s.max {
		return false
	}
	s.idle = append(s.idle, buf)
	return true
}
