package cache

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// opContext bounds an operation on a tier that no caller's context should end, by
// OpTimeout. Most tiers only look at Err: the timer is set when somebody asks for
// Done.
type opContext struct {
	context.Context // the cache's
	limit           time.Duration
	until           atomic.Int64 // in Unix nanoseconds; 0: not begun, looked: neither, but Err was called

	once   sync.Once
	timed  context.Context
	cancel context.CancelFunc
}

func (c *DaramjweeCache) opContext() *opContext {
	return &opContext{Context: c.ctx, limit: c.cfg.OpTimeout}
}

// looked is until after the first Err: most tiers call it once, before they begin,
// and that need not read the clock.
const looked = 1

// deadline begins the time.
func (o *opContext) deadline() time.Time {
	for {
		until := o.until.Load()
		if until > looked {
			return time.Unix(0, until)
		}
		o.until.CompareAndSwap(until, now().Add(o.limit).UnixNano())
	}
}

func (o *opContext) Deadline() (time.Time, bool) { return o.deadline(), true }

func (o *opContext) Done() <-chan struct{} {
	o.once.Do(func() { o.timed, o.cancel = context.WithDeadline(o.Context, o.deadline()) })
	return o.timed.Done()
}

func (o *opContext) Err() error {
	if err := o.Context.Err(); err != nil {
		return err
	}
	switch until := o.until.Load(); {
	case until == 0 && o.until.CompareAndSwap(0, looked):
		return nil
	case until <= looked:
		o.deadline()
		return nil
	case now().UnixNano() < until:
		return nil
	}
	<-o.Done() // which must not be open once Err has spoken
	return o.timed.Err()
}

// end is called by the one who made it, when the operation is over.
func (o *opContext) end() {
	if o.cancel != nil {
		o.cancel()
	}
}
