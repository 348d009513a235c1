package compare

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
)

// clients ask a cache until a deadline.
type clients struct {
	*rig
	requests *requests
	next     atomic.Uint64 // request
	each     []client
}

// client is what one of them has seen.
type client struct {
	latencies
	bytes int64
	err   error
	to    check // of the body that it reads; here, since it would be allocated
}

// grace is how long a request may go on after its run was to end. A strategy that
// takes longer hangs.
const grace = time.Minute

// errHangs ends a comparison: the goroutines that hang would be measured with
// whatever came after.
var errHangs = errors.New("hangs: requests have not ended a minute after they were to")

// warmUp fetches every hot key, and then has the workload run for a time with
// keys that are never asked for again.
func (c *clients) warmUp(ctx context.Context, d time.Duration) error {
	if err := c.all(grace, func(me *client) {
		for {
			i := c.next.Add(1) - 1
			if i >= uint64(len(c.requests.hot)) || ctx.Err() != nil || me.err != nil {
				return
			}
			me.err = c.get(ctx, c.requests.hot[i], &me.to)
		}
	}); err != nil {
		return err
	}
	c.next.Store(1 << 63)
	return c.run(ctx, d)
}

// run asks for one object after the other, for a time or until ctx ends; each
// client for one at least.
func (c *clients) run(ctx context.Context, d time.Duration) error {
	end := time.Now().Add(d)
	return c.all(d+grace, func(me *client) {
		for now := time.Now(); ctx.Err() == nil; {
			o := c.requests.at(c.next.Add(1) - 1)
			if me.err = c.get(ctx, o, &me.to); me.err != nil {
				return
			}
			then := now
			now = time.Now()
			me.add(now.Sub(then))
			me.bytes += o.size
			if !now.Before(end) {
				return
			}
		}
	})
}

// get reads one body to its end. A request for a body that was not as it should be
// is an error, as is one that panicked.
func (c *clients) get(ctx context.Context, o *object, to *check) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	res, err := c.Get(ctx, o.key, o)
	if err != nil {
		return err
	}
	defer res.Close()
	*to = check{at: o.at, len: o.size}
	if _, err := res.WriteTo(to); err != nil {
		return err
	}
	return to.ended()
}

// all has each client do its part, and returns their first error.
func (c *clients) all(most time.Duration, part func(*client)) error {
	var wg sync.WaitGroup
	for i := range c.each {
		c.each[i] = client{}
		wg.Go(func() { part(&c.each[i]) })
	}
	ended := make(chan struct{})
	go func() { wg.Wait(); close(ended) }()
	late := time.NewTimer(most)
	defer late.Stop()
	select {
	case <-ended:
	case <-late.C:
		return errHangs
	}
	for i := range c.each {
		if err := c.each[i].err; err != nil {
			return err
		}
	}
	return nil
}
