package cache

import (
	"context"
	"errors"
	"fmt"

	"github.com/daramjwee/daramjwee/cache/store"
)

// Set stages an entry that the caller writes. Commit publishes it in the nearest
// tier that takes it, removes older values from all others, and persists it to
// the colder ones in the background. A fetch or Set of the key that began
// earlier is dropped when it commits later; this Set's own Commit returns
// ErrSuperseded when a later Set or Delete of the key came first.
//
// m.Size of 0 or -1 is unknown, a zero m.StoredAt is now; Generation and Negative
// are the cache's own.
func (c *DaramjweeCache) Set(ctx context.Context, key string, m store.Metadata) (store.Writer, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if !c.streams.enter() {
		return nil, ErrCacheClosed
	}
	w := c.keys.begin(key)
	size := m.Size
	if size <= 0 {
		size = -1
	}
	m = fetched(m, w, size, now())
	writer, tier, err := c.create(ctx, key, m, 0)
	if err != nil {
		w.end()
		c.streams.leave()
		return nil, fmt.Errorf("cache: set: %w", err)
	}
	hold(writer)
	return &setWriter{Writer: writer, cache: c, work: w, tier: tier, meta: m}, nil
}

// setWriter is used by one goroutine, like every store.Writer.
type setWriter struct {
	store.Writer
	cache *DaramjweeCache
	work  *work
	tier  int
	meta  store.Metadata
	n     int64 // bytes written
	ended bool
}

// Write goes on in the next tier when an unknown size has outgrown this one, or the
// room that readers leave there.
func (s *setWriter) Write(p []byte) (n int, err error) {
	n, err = s.Writer.Write(p)
	for errors.Is(err, store.ErrTooLarge) && s.spill(s.meta) {
		var m int
		m, err = s.Writer.Write(p[n:])
		n += m
	}
	s.n += int64(n)
	return n, err
}

func (s *setWriter) spill(m store.Metadata) bool {
	next, tier, err := s.cache.spill(s.Writer, s.work.key, m, s.tier)
	if err != nil {
		return false
	}
	hold(next)
	s.Writer.Abort()
	release(s.Writer)
	s.Writer, s.tier = next, tier
	return true
}

func (s *setWriter) Commit(ctx context.Context) error {
	if s.ended {
		return store.ErrClosed
	}
	defer s.end()
	if err := s.publish(ctx); err != nil {
		s.Writer.Abort()
		return err
	}
	s.cache.scheduleSetToStore(s.work.key, s.tier, s.work.gen)
	return nil
}

func (s *setWriter) publish(ctx context.Context) error {
	c := s.cache
	s.work.of.publish.Lock()
	defer s.work.of.publish.Unlock()
	if c.keys.outdated(s.work.key, s.work.gen) {
		c.counts.superseded.Add(1)
		return ErrSuperseded
	}
	err := s.Writer.Commit(ctx)
	for whole := s.meta; errors.Is(err, store.ErrTooLarge); err = s.Writer.Commit(ctx) {
		if whole.Size = s.n; !s.spill(whole) {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("cache: set: %w", err)
	}
	// What other tiers hold is older than this value: were it left there, it would
	// be back as soon as this tier evicts.
	s.work.raise()
	s.work.published(s.work.gen)
	s.work.gone(s.tier)
	c.clear(ctx, s.work, 0, s.tier)
	c.clear(ctx, s.work, s.tier+1, len(c.cfg.Tiers))
	return nil
}

func (s *setWriter) Abort() error {
	if s.ended {
		return nil
	}
	defer s.end()
	return s.Writer.Abort()
}

func (s *setWriter) end() {
	s.ended = true
	release(s.Writer)
	s.work.end()
	s.cache.streams.leave()
}

// Delete removes a key from every tier. Values whose fetch or Set began before
// are not published after it, and Get does not return them. The error names the
// tiers that failed to delete; nil says that all did. What a tier failed to delete
// Get ignores until the cache is closed, which tries once more.
func (c *DaramjweeCache) Delete(ctx context.Context, key string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if !c.streams.enter() {
		return ErrCacheClosed
	}
	defer c.streams.leave()
	w := c.keys.begin(key)
	defer w.end()
	w.raise()
	// What passed the check before is published by now, and deleted below.
	w.of.publish.Lock()
	defer w.of.publish.Unlock()
	var errs []error
	for tier := range c.cfg.Tiers {
		if err := c.deleteFrom(ctx, tier, w); err != nil {
			errs = append(errs, fmt.Errorf("cache: delete from %s: %w", c.tierNames[tier], err))
		}
	}
	return errors.Join(errs...)
}
