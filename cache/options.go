package cache

import (
	"log/slog"
	"time"

	"github.com/daramjwee/daramjwee/cache/store"
	"github.com/daramjwee/daramjwee/strategy"
)

// Option changes one part of the configuration that New starts from. Each is
// also a field of Config.
type Option func(*settings)

type settings struct {
	Config
	poolConfigured string // the option that configured BufferPool last, to name it beside WithPool
}

// WithTiers sets the tiers, the nearest first. The cache closes them.
func WithTiers(tiers ...store.Store) Option {
	return func(s *settings) { s.Tiers = tiers }
}

// WithFreshness sets how long entries and negative entries are fresh whose
// origin gave no TTL of its own.
func WithFreshness(positive, negative time.Duration) Option {
	return func(s *settings) { s.Freshness, s.NegativeFreshness = positive, negative }
}

// WithTierFreshness does so for the entries of each tier, the nearest first; 0 is
// what WithFreshness says.
func WithTierFreshness(byTier ...time.Duration) Option {
	return func(s *settings) { s.TierFreshness = byTier }
}

// WithStaleWhileRevalidate sets how long a stale entry is served while it is
// refreshed behind (RFC 5861).
func WithStaleWhileRevalidate(d time.Duration) Option {
	return func(s *settings) { s.StaleWhileRevalidate = d }
}

// WithStaleIfError sets how long a stale entry is served when the origin fails
// (RFC 5861).
func WithStaleIfError(d time.Duration) Option {
	return func(s *settings) { s.StaleIfError = d }
}

// WithBackoff sets how long at most the origin is left alone after failures,
// while a stale entry can be served.
func WithBackoff(d time.Duration) Option {
	return func(s *settings) { s.Backoff = d }
}

// WithFinish sets when a fill that all callers have left is finished in the
// background: when fewer bytes are missing, or a larger percentage is there.
func WithFinish(bytes int64, percent int) Option {
	return func(s *settings) { s.FinishBytes, s.FinishPercent = bytes, percent }
}

// WithOpTimeout bounds each call to a Fetcher and each wait for bytes; see
// Config.OpTimeout.
func WithOpTimeout(d time.Duration) Option {
	return func(s *settings) { s.OpTimeout = d }
}

// WithCloseTimeout bounds the draining on Close.
func WithCloseTimeout(d time.Duration) Option {
	return func(s *settings) { s.CloseTimeout = d }
}

// WithWorkers sets the goroutines for background work and how much work may wait
// for them.
func WithWorkers(n, queue int) Option {
	return func(s *settings) { s.Workers, s.QueueSize = n, queue }
}

// WithOverflow sets what becomes of persists that find the queue full.
func WithOverflow(p OverflowPolicy) Option {
	return func(s *settings) { s.Overflow = p }
}

// WithPromoteWithin has entries of lower tiers promoted by their second hit
// within d; 0 is by the first.
func WithPromoteWithin(d time.Duration) Option {
	return func(s *settings) { s.PromoteWithin = d }
}

// WithObserver has every event of the cache told to o.
func WithObserver(o Observer) Option {
	return func(s *settings) { s.Observer = o }
}

// WithLogger sets the logger; a cache is silent without one.
func WithLogger(l *slog.Logger) Option {
	return func(s *settings) { s.Logger = l }
}

// WithBufferPool turns pooling on or off and sets the default buffer size in
// bytes, 0 for 32 KiB. The bounds follow the size.
func WithBufferPool(enabled bool, defaultSize int) Option {
	return func(s *settings) {
		s.BufferPool.Enabled = enabled
		s.BufferPool.DefaultBufferSize = defaultSize
		s.poolConfigured = "WithBufferPool"
	}
}

// WithBufferPoolStrategy selects a registered strategy by name, and turns
// pooling on.
func WithBufferPoolStrategy(name string) Option {
	return func(s *settings) {
		s.BufferPool.Enabled = true
		s.BufferPool.Strategy = name
		s.poolConfigured = "WithBufferPoolStrategy"
	}
}

// WithBufferPoolAdvanced replaces the whole configuration of the buffer pool.
func WithBufferPoolAdvanced(config strategy.BufferPoolConfig) Option {
	return func(s *settings) {
		s.BufferPool = config
		s.poolConfigured = "WithBufferPoolAdvanced"
	}
}

// WithPool has the cache use a pool of the caller's, who closes it. It does not
// go together with the options that configure one.
func WithPool(p strategy.BufferPool) Option {
	return func(s *settings) { s.Pool = p }
}

// config applies options to the default configuration.
func config(opts []Option) (Config, error) {
	s := settings{Config: DefaultConfig()}
	for _, o := range opts {
		if o != nil {
			o(&s)
		}
	}
	if s.Pool != nil && s.poolConfigured != "" {
		return Config{}, &ConfigError{Field: "Pool", Value: "WithPool and " + s.poolConfigured, Allowed: "one of the two"}
	}
	return s.Config, nil
}
