// Package channel is the strategy on oxtoacart/bpool: a bounded channel of idle
// buffers per size class.
//
// Cost: a little over twice syncpool's on one core; all cores share one channel,
// so on two it is five to six times (BenchmarkGetPut in package strategy). Get and
// Put allocate nothing.
//
// Bound: at most MaxIdle buffers per size class stay idle, and what they are not
// needed for is released: every CleanupInterval the number that stayed idle all
// through it, the low-water mark, goes to the garbage collector. Its idle
// counts, hits and discards are exact. Collections do not empty it.
//
// Choose it for a hard bound on idle memory, or for buffers that must survive
// collections. Choose syncpool for speed on many cores.
package channel

import (
	"sync/atomic"
	"time"
	"weak"

	"github.com/oxtoacart/bpool"

	"github.com/daramjwee/daramjwee/internal/calm"
	"github.com/daramjwee/daramjwee/strategy"
)

// Name is what a configuration calls this strategy.
const Name = "channel"

func init() { strategy.Register(Name, open) }

func open(cfg strategy.BufferPoolConfig) (strategy.BufferPool, error) {
	return strategy.NewPool(cfg, func(int) strategy.Backend {
		return &backend{
			// With width 0 a miss is a slice without capacity, so hit and miss are exact.
			free:     bpool.NewBytePool(cfg.MaxIdle, 0),
			max:      int64(cfg.MaxIdle),
			interval: cfg.CleanupInterval,
		}
	})
}

type backend struct {
	calm.Backend

	free     *bpool.BytePool
	max      int64
	interval time.Duration

	idle  atomic.Int64 // places taken in free: counted before a Put and after a Get, so never fewer than it holds
	low   atomic.Int64 // the least idle since the timer was set
	armed atomic.Bool  // a timer is set
}

func (b *backend) Take() []byte {
	buf := b.free.Get()
	if cap(buf) == 0 {
		return nil
	}
	n := b.idle.Add(-1)
	for low := b.low.Load(); n < low && !b.low.CompareAndSwap(low, n); low = b.low.Load() {
	}
	return buf[:cap(buf)]
}

// Keep takes a place first: bpool drops silently what does not fit, and a drop
// that nobody counts makes the statistics lie.
func (b *backend) Keep(buf []byte) bool {
	if b.idle.Add(1) > b.max {
		b.idle.Add(-1)
		return false
	}
	b.free.Put(buf)
	b.arm()
	return true
}

func (b *backend) Idle() int { return int(b.idle.Load()) }

// arm sets the timer unless it is set. The timer holds the backend weakly, so
// that a pool that nobody closed is still collected.
func (b *backend) arm() {
	if b.interval <= 0 || b.armed.Load() || !b.armed.CompareAndSwap(false, true) {
		return
	}
	b.low.Store(b.idle.Load())
	self := weak.Make(b)
	time.AfterFunc(b.interval, func() {
		if b := self.Value(); b != nil {
			b.release()
		}
	})
}

// release drops as many buffers as were idle all through the interval, and sets
// the timer anew while any are left. The mark of the released ones is what their
// absence cannot be felt by: tcmalloc trims its free lists the same way.
func (b *backend) release() {
	for range b.low.Load() {
		if b.Take() == nil {
			break
		}
	}
	b.armed.Store(false)
	if b.idle.Load() > 0 { // looked at after armed was cleared, so a Keep in between cannot be missed
		b.arm()
	}
}
