package cache

import (
	"context"
	"sync"
	"time"
)

// opContext bounds an operation on a tier that no caller's context should end, by
// OpTimeout. Most tiers only look at Err: the timer is set when somebody asks for
// Done.
type opContext struct {
	context.Context       // the cache's
	until           int64 // in Unix nanoseconds

	once   sync.Once
	timed  context.Context
	cancel context.CancelFunc
}

func (c *DaramjweeCache) opContext() *opContext {
	return &opContext{Context: c.ctx, until: time.Now().Add(c.cfg.OpTimeout).UnixNano()}
}

func (o *opContext) Deadline() (time.Time, bool) { return time.Unix(0, o.until), true }

func (o *opContext) Done() <-chan struct{} {
	o.once.Do(func() { o.timed, o.cancel = context.WithDeadline(o.Context, time.Unix(0, o.until)) })
	return o.timed.Done()
}

func (o *opContext) Err() error {
	if err := o.Context.Err(); err != nil {
		return err
	}
	if time.Now().UnixNano() < o.until {
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
