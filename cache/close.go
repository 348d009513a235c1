package cache

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/daramjwee/daramjwee/strategy"
)

// graceAfterCancel is what cancelled work gets to notice it.
const graceAfterCancel = time.Second

// Close takes no more calls, waits for the streams that fill a tier or read the
// origin and then for the background work, and closes the tiers and the pool that
// the cache opened. What is left after CloseTimeout is cancelled, and the error
// says how much that was. Entries that callers read from a tier can be read to
// their end. Closing twice is closing once.
func (c *DaramjweeCache) Close() error {
	c.closeOnce.Do(func() {
		c.closed.Store(true)
		errs := []error{c.drain(), c.deleteLeftovers(context.Background())}
		for i, t := range c.cfg.Tiers {
			if err := t.Close(); err != nil {
				errs = append(errs, fmt.Errorf("cache: close %s: %w", c.tierNames[i], err))
			}
		}
		if c.cfg.Pool == nil {
			errs = append(errs, strategy.Close(c.BufferPool))
		}
		c.closeErr = errors.Join(errs...)
	})
	return c.closeErr
}

func (c *DaramjweeCache) drain() error {
	timeout := time.NewTimer(c.cfg.CloseTimeout)
	defer timeout.Stop()
	inTime := await(c.streams.close(), timeout.C)
	open := c.streams.count()
	workersGone := c.background.close() // after the streams, whose commits schedule work
	inTime = inTime && await(workersGone, timeout.C)
	waiting, running := c.background.abandon() // nothing, when all was done in time
	c.cancel()
	c.sources.interrupt(ErrCacheClosed)
	if inTime {
		return nil
	}
	grace := time.NewTimer(graceAfterCancel)
	defer grace.Stop()
	await(workersGone, grace.C)
	err := fmt.Errorf("cache: close: abandoned %d open streams, %d running and %d queued background jobs after %v: %w",
		open, running, waiting, c.cfg.CloseTimeout, context.DeadlineExceeded)
	c.cfg.Logger.Warn(err.Error())
	return err
}

// await reports whether done was closed before the time ran out.
func await(done <-chan struct{}, timeout <-chan time.Time) bool {
	select {
	case <-done:
		return true
	case <-timeout:
		return false
	}
}
