// Package stack is a custom backend as small as they come: per size class a stack
// of idle buffers under one mutex, of MaxIdle at most. The buffer that was used
// last, the one most likely to be in a processor's cache, is lent first.
//
// Cost: a lock for each Get and Put, which cores contend for. Bound: MaxIdle
// buffers a size class; they outlive collections.
package stack

import (
	"sync"

	"github.com/daramjwee/daramjwee/strategy"
)

// Name is what a configuration calls this strategy.
const Name = "stack"

func init() { strategy.Register(Name, Open) }

// Open is the strategy.Factory. NewPool adds to the two methods below all that
// they do not have: size classes, statistics, refusal of repeated Puts, streams.
func Open(cfg strategy.BufferPoolConfig) (strategy.BufferPool, error) {
	most := cfg.WithDefaults().MaxIdle
	return strategy.NewPool(cfg, func(int) strategy.Backend { return &stack{most: most} })
}

type stack struct {
	most int

	mu   sync.Mutex // guards idle
	idle [][]byte
}

// Take implements strategy.Backend.
func (s *stack) Take() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	last := len(s.idle) - 1
	if last < 0 {
		return nil
	}
	buf := s.idle[last]
	s.idle[last] = nil // or the stack would keep it alive where it lies
	s.idle = s.idle[:last]
	return buf
}

// Keep implements strategy.Backend.
func (s *stack) Keep(buf []byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.idle) == s.most {
		return false
	}
	s.idle = append(s.idle, buf)
	return true
}
