// Package clean changes one method of a pool that exists, by embedding it: what
// its Get lends is zero from the first byte to the capacity, whoever had it before.
//
// Scrub in the configuration does that too, on Put. Here it is done on Get, so that
// memory which lies idle costs nothing, and a write after Put is wiped as well.
package clean

import (
	"github.com/daramjwee/daramjwee/strategy"
	"github.com/daramjwee/daramjwee/strategy/syncpool"
)

// Name is what a configuration calls this strategy.
const Name = "clean"

func init() { strategy.Register(Name, Open) }

// Open is the strategy.Factory.
func Open(cfg strategy.BufferPoolConfig) (strategy.BufferPool, error) {
	cfg.Strategy = syncpool.Name
	p, err := strategy.New(cfg)
	if err != nil {
		return nil, err
	}
	return pool{p}, nil
}

// pool has all methods of what it embeds but Get. Those that copy call the Get of
// the pool beneath, whose bytes no caller sees.
type pool struct{ strategy.BufferPool }

func (p pool) Get(size int) []byte {
	buf := p.BufferPool.Get(size)
	clear(buf[:cap(buf)])
	return buf
}

// Unwrap lets strategy.Close find the pool beneath: an embedded interface hides
// every method that is not its own.
func (p pool) Unwrap() strategy.BufferPool { return p.BufferPool }
