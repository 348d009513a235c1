// Package ring is a custom backend that uses all of its buffers in turn: per size
// class a ring of MaxIdle places under one mutex, first in, first out. It shows
// the two optional methods, Idle and Close.
//
// Cost: a lock for each Get and Put, and no allocation ever after Open. Bound:
// MaxIdle buffers a size class; they outlive collections.
package ring

import (
	"sync"

	"github.com/daramjwee/daramjwee/strategy"
)

// Name is what a configuration calls this strategy.
const Name = "ring"

func init() { strategy.Register(Name, Open) }

// Open is the strategy.Factory.
func Open(cfg strategy.BufferPoolConfig) (strategy.BufferPool, error) {
	places := cfg.WithDefaults().MaxIdle
	return strategy.NewPool(cfg, func(int) strategy.Backend { return &ring{places: make([][]byte, places)} })
}

type ring struct {
	mu     sync.Mutex // guards following 3 fields
	places [][]byte   // nil once closed
	first  int        // place of the buffer that was kept first
	kept   int
}

// Take implements strategy.Backend.
func (r *ring) Take() []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.kept == 0 {
		return nil
	}
	buf := r.places[r.first]
	r.places[r.first] = nil
	r.first = (r.first + 1) % len(r.places)
	r.kept--
	return buf
}

// Keep implements strategy.Backend.
func (r *ring) Keep(buf []byte) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.kept == len(r.places) {
		return false
	}
	r.places[(r.first+r.kept)%len(r.places)] = buf
	r.kept++
	return true
}

// Idle is the number of buffers kept now, for the pool's Stats.
func (r *ring) Idle() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.kept
}

// Close lets go of the buffers. The pool calls it once; Take and Keep may still
// be called by those who were in the midst of a Get or a Put.
func (r *ring) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.places, r.first, r.kept = nil, 0, 0
	return nil
}
