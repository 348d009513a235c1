package strategy

import (
	"sync/atomic"

	"github.com/daramjwee/daramjwee/internal/stripe"
)

// counters are spread over cache lines: see package stripe.
type counters [64]counts

type counts struct {
	hits, misses, puts, discards, doublePuts, damaged atomic.Int64

	_ [stripe.Lines - 6*8]byte
}

func (c *counters) stripe() *counts { return &c[stripe.Pick(len(c))] }

func (c *counters) discard() {
	s := c.stripe()
	s.puts.Add(1)
	s.discards.Add(1)
}

// snapshot reads what happens later first: a put follows its get and a discard
// its put, so that no snapshot shows an effect without its cause.
func (c *counters) snapshot() BufferPoolStats {
	var s BufferPoolStats
	for i := range c {
		s.Discards += c[i].discards.Load()
		s.DoublePuts += c[i].doublePuts.Load()
		s.Damaged += c[i].damaged.Load()
	}
	for i := range c {
		s.TotalPuts += c[i].puts.Load()
	}
	for i := range c {
		s.PoolHits += c[i].hits.Load()
		s.PoolMisses += c[i].misses.Load()
	}
	s.TotalGets = s.PoolHits + s.PoolMisses
	s.ActiveBuffers = max(0, s.TotalGets-s.TotalPuts) // callers who put what they never got
	return s
}
