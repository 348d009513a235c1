package cache

import (
	"context"
	"errors"
	"sync"

	"github.com/daramjwee/daramjwee/cache/store"
)

// promoteAndTeeStream streams a lower tier's entry to the caller while it fills
// tier 0, with the metadata it has: the age goes along. It returns nil, and the
// entry is read where it is, when another caller promotes the key already, or
// tier 0 does not take it.
func (c *DaramjweeCache) promoteAndTeeStream(ctx context.Context, key string, h hit) stream {
	if !c.promoting.add(key) {
		return nil
	}
	if !c.streams.enter() {
		c.promoting.remove(key)
		return nil
	}
	w := c.generations.begin(key)
	writer := c.createPromoted(ctx, key, h)
	if writer == nil {
		w.end()
		c.promoting.remove(key)
		c.streams.leave()
		return nil
	}
	f := &fill{
		cache: c, src: &source{body: h.entry, size: h.entry.Size()},
		meta: *h.meta, tier: 0, staged: staged{writer: writer, work: w},
	}
	f.tee = c.BufferPool.TeeReader(f.src, tap{f})
	return f
}

// createPromoted looks at the lower tier once more: what was deleted between the
// lookup and the beginning of this work is not on record any more, and must not
// come back.
func (c *DaramjweeCache) createPromoted(ctx context.Context, key string, h hit) store.Writer {
	m, err := c.cfg.Tiers[h.tier].Stat(ctx, key)
	if err != nil || m.Generation != h.meta.Generation {
		return nil
	}
	promoted := *h.meta
	promoted.Size = h.entry.Size()
	writer, err := c.cfg.Tiers[0].Create(ctx, key, promoted)
	if err != nil {
		if !errors.Is(err, store.ErrTooLarge) && ctx.Err() == nil {
			c.tierFailed(0, "create", key, err)
		}
		return nil
	}
	return writer
}

// keySet holds keys that something is under way for.
type keySet struct {
	mu   sync.Mutex // guards keys
	keys map[string]struct{}
}

// add reports whether key was not there.
func (s *keySet) add(key string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.keys[key]; ok {
		return false
	}
	s.keys[key] = struct{}{}
	return true
}

func (s *keySet) remove(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.keys, key)
}
