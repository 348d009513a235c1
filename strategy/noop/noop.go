// Package noop is the strategy that does not pool: every Get allocates, every
// Put leaves its buffer to the garbage collector, CopyBuffer is io.Copy and
// TeeReader is io.TeeReader. It still counts.
//
// Cost: an allocation per Get, for 32 KiB some 200 times the price of a buffer
// that syncpool lends again, and the collections that follow. Bound: it keeps nothing.
//
// Choose it to measure what the other strategies save, to rule a pool out when
// bytes are wrong, or for a service so idle that any kept buffer is a waste.
// syncpool, bytebuffer and channel reuse buffers; see there.
package noop

import "github.com/daramjwee/daramjwee/strategy"

// Name is what a configuration calls this strategy.
const Name = "noop"

func init() { strategy.Register(Name, open) }

func open(cfg strategy.BufferPoolConfig) (strategy.BufferPool, error) {
	cfg.Enabled = false // a disabled pool is the standard library, which is all that noop is
	return strategy.NewPool(cfg, nil)
}
