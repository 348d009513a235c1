package cache

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"sync/atomic"
	"time"

	"github.com/daramjwee/daramjwee/cache/store"
	"github.com/daramjwee/daramjwee/strategy"
)

// DaramjweeCache is a read-through cache over one tier or several. All methods
// are safe for concurrent use.
type DaramjweeCache struct {
	// BufferPool lends the buffers of every stream. New sets it; it is only read
	// after that.
	BufferPool strategy.BufferPool

	cfg           Config           // every default filled in
	tierNames     []string         // "tier-0" …, so that a hit formats nothing
	bodies        store.BodyOpener // tier 0, if it is one
	strategy      string
	strategyError string

	keys       keys
	memos      memos
	admission  *admission
	background background
	streams    gate
	sources    sources
	counts     counters
	began      time.Time // of the cache's clock

	ctx       context.Context // of all background work and of every fetch; ends when Close ends
	cancel    context.CancelFunc
	closed    atomic.Bool
	closeOnce sync.Once
	closeErr  error
}

// New makes a cache from DefaultConfig and options. A faulty configuration is an
// errors.Join of *ConfigError, and the tiers stay the caller's.
func New(opts ...Option) (*DaramjweeCache, error) {
	cfg, err := config(opts)
	if err != nil {
		return nil, err
	}
	return NewFromConfig(cfg)
}

// NewFromConfig makes a cache from a whole configuration, as a file gives it.
func NewFromConfig(cfg Config) (*DaramjweeCache, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.WithDefaults()
	c := &DaramjweeCache{
		cfg:       cfg,
		memos:     memos{byKey: make(map[string]memo)},
		admission: newAdmission(cfg.PromoteWithin),
		streams:   gate{empty: make(chan struct{})},
		counts:    counters{tiers: make([]tierCounters, len(cfg.Tiers))},
		began:     time.Now(),
	}
	c.bodies, _ = cfg.Tiers[0].(store.BodyOpener)
	c.keys.open(c)
	c.sources = sources{limit: cfg.OpTimeout, clock: c.clock}
	for i := range cfg.Tiers {
		c.tierNames = append(c.tierNames, fmt.Sprintf("tier-%d", i))
	}
	if err := c.openPool(); err != nil {
		return nil, err
	}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	c.background.start(c.ctx, cfg.Workers, cfg.QueueSize, cfg.OpTimeout)
	return c, nil
}

// openPool opens the strategy that the configuration names. One that cannot be
// opened is no reason not to serve: noop takes its place, and Stats says so.
func (c *DaramjweeCache) openPool() error {
	if c.cfg.Pool != nil {
		c.BufferPool, c.strategy = c.cfg.Pool, "custom"
		return nil
	}
	cfg := c.cfg.BufferPool
	c.strategy = cfg.WithDefaults().Strategy
	if !cfg.Enabled {
		c.strategy = "disabled"
	}
	pool, err := strategy.New(cfg)
	if fault := (*ConfigError)(nil); errors.As(err, &fault) {
		return errors.Join(prefixed("BufferPool.", err)...)
	}
	if err != nil {
		c.cfg.Logger.Warn("cache: buffer pool strategy failed, going on without pooling", "strategy", cfg.Strategy, "err", err)
		c.strategy, c.strategyError = "noop", err.Error()
		cfg.Enabled, cfg.Strategy = false, ""
		if pool, err = strategy.New(cfg); err != nil {
			return err
		}
	}
	c.BufferPool = pool
	return nil
}

// lastGeneration is at least what the tiers hold. The clock covers the tiers that
// cannot list their entries.
func lastGeneration(tiers []store.Store) uint64 {
	last := uint64(time.Now().UnixNano())
	for _, t := range tiers {
		if l, ok := t.(store.Lister); ok {
			for _, m := range l.List() {
				last = max(last, m.Generation)
			}
		}
	}
	return last
}

// clock is the time since the cache began, and never 0.
func (c *DaramjweeCache) clock() int64 { return int64(time.Since(c.began)) + 1 }

// Config returns the configuration in effect, every default filled in.
func (c *DaramjweeCache) Config() Config { return c.cfg }

// usable is what every call that needs a Fetcher checks first.
func (c *DaramjweeCache) usable(ctx context.Context, f Fetcher) error {
	switch {
	case c.closed.Load():
		return ErrCacheClosed
	case isNil(f):
		return ErrNilFetcher
	}
	return ctx.Err()
}

// isNil sees a nil func or pointer inside the interface too: it would panic only
// later, in a call that others wait for.
func isNil(f Fetcher) bool {
	switch f := f.(type) {
	case nil:
		return true
	case FetcherFunc:
		return f == nil
	}
	v := reflect.ValueOf(f)
	return v.Kind() == reflect.Pointer && v.IsNil()
}
