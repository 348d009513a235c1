package cache

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/daramjwee/daramjwee/cache/store"
	"github.com/daramjwee/daramjwee/strategy"
)

// Config is everything a cache is made from. A zero field stands for its
// default, except that Tiers must be given and that a zero BufferPool is a
// disabled one.
type Config struct {
	// Tiers, the nearest first. The cache closes them when it is closed.
	Tiers []store.Store

	Freshness            time.Duration // of entries whose origin gave no TTL; 0: 5 minutes, < 0: never fresh
	NegativeFreshness    time.Duration // of a cached "not found"; 0: 10 seconds, < 0: not cached
	StaleWhileRevalidate time.Duration // past its freshness, an entry is served this long while it is refreshed behind; 0: 1 minute, < 0: never
	StaleIfError         time.Duration // past its freshness, an entry is served this long when the origin fails; 0: 1 hour, < 0: never

	// After a failed fetch the origin is left alone while the key's stale entry
	// can be served, for a time that doubles with each failure up to Backoff.
	Backoff time.Duration // 0: 30 seconds, < 0: it is asked each time

	// A fill that all its callers have left is finished in the background when
	// fewer than FinishBytes are missing, or more than FinishPercent is there, as
	// with Squid's quick_abort; else, and when its size is unknown, it is aborted.
	FinishBytes   int64 // 0: 16 KiB, < 0: however few, that is no reason
	FinishPercent int   // 1 to 100; 0: 95, 100: that is no reason

	// TierFreshness takes the place of Freshness for the entries of a tier, by its
	// place: a nearer tier may ask the origin sooner than one that outlives it.
	// 0, and what is missing: Freshness; < 0: never fresh.
	TierFreshness []time.Duration

	OpTimeout    time.Duration // of a call to Fetch, and of each wait for bytes or for another's fetch, never of a whole body; a stall is noticed up to an eighth later; 0: 30 seconds
	CloseTimeout time.Duration // of draining on Close; 0: 10 seconds

	// PromoteWithin: an entry of a lower tier is promoted by its second hit within
	// this time, so that what is asked for once displaces nothing. The last 4096
	// keys or so are remembered. 0: by its first hit.
	PromoteWithin time.Duration

	Workers   int            // goroutines for background work; 0: 4
	QueueSize int            // background work that waits for one of them, an open entry each; 0: 4096. Second tries may add one per worker
	Overflow  OverflowPolicy // what becomes of work that finds the queue full; "": OverflowDrop

	Logger   *slog.Logger // nil: silent
	Observer Observer     // nil: none, at no cost

	// BufferPool selects the strategy of all stream buffers by name. Its zero
	// value is disabled: io.Copy and io.TeeReader.
	BufferPool strategy.BufferPoolConfig
	// Pool is used in place of BufferPool. The cache does not close it.
	Pool strategy.BufferPool
}

const maxTiers = 64 // bits of keyWork.leftovers

// DefaultConfig returns the configuration that New starts from: every default
// spelled out, and the default strategy enabled.
func DefaultConfig() Config {
	return Config{BufferPool: strategy.DefaultConfig()}.WithDefaults()
}

// WithDefaults returns cfg with every zero field but Tiers and Pool replaced by
// what it stands for. The sizes of BufferPool stay as they are, so that setting
// one of them still moves the others along.
func (cfg Config) WithDefaults() Config {
	set := func(field *time.Duration, value time.Duration) {
		if *field == 0 {
			*field = value
		}
	}
	set(&cfg.Freshness, 5*time.Minute)
	set(&cfg.NegativeFreshness, 10*time.Second)
	set(&cfg.StaleWhileRevalidate, time.Minute)
	set(&cfg.StaleIfError, time.Hour)
	set(&cfg.Backoff, 30*time.Second)
	set(&cfg.OpTimeout, 30*time.Second)
	set(&cfg.CloseTimeout, 10*time.Second)
	if cfg.FinishBytes == 0 {
		cfg.FinishBytes = 16 << 10
	}
	if cfg.FinishPercent == 0 {
		cfg.FinishPercent = 95
	}
	if cfg.Workers == 0 {
		cfg.Workers = 4
	}
	if cfg.QueueSize == 0 {
		cfg.QueueSize = 4096
	}
	if cfg.Overflow == "" {
		cfg.Overflow = OverflowDrop
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return cfg
}

// Validate returns every fault at once, as an errors.Join of *ConfigError.
func (cfg Config) Validate() error {
	var errs []error
	check := func(ok bool, field string, value any, allowed string) {
		if !ok {
			errs = append(errs, &ConfigError{Field: field, Value: value, Allowed: allowed})
		}
	}
	check(len(cfg.Tiers) > 0, "Tiers", "none", "one store or more, the nearest first")
	check(len(cfg.Tiers) <= maxTiers, "Tiers", len(cfg.Tiers), fmt.Sprintf("at most %d stores", maxTiers))
	for i, t := range cfg.Tiers {
		check(t != nil, fmt.Sprintf("Tiers[%d]", i), "nil", "a store")
	}
	check(cfg.FinishPercent >= 0 && cfg.FinishPercent <= 100, "FinishPercent", cfg.FinishPercent, "0 (95), or 1 to 100")
	check(len(cfg.TierFreshness) <= max(1, len(cfg.Tiers)), "TierFreshness", len(cfg.TierFreshness), "at most one duration a tier")
	check(cfg.OpTimeout >= 0, "OpTimeout", cfg.OpTimeout, "0 (30s), or a positive duration")
	check(cfg.CloseTimeout >= 0, "CloseTimeout", cfg.CloseTimeout, "0 (10s), or a positive duration")
	check(cfg.Workers >= 0, "Workers", cfg.Workers, "0 (4), or 1 and more")
	check(cfg.QueueSize >= 0, "QueueSize", cfg.QueueSize, "0 (4096), or 1 and more")
	switch cfg.Overflow {
	case "", OverflowDrop, OverflowBlock, OverflowInline:
	default:
		check(false, "Overflow", string(cfg.Overflow), "drop, block or inline")
	}
	check(cfg.PromoteWithin >= 0, "PromoteWithin", cfg.PromoteWithin, "0 (every hit), or a positive duration")
	if cfg.Pool != nil {
		given := cfg.BufferPool
		check(given == strategy.BufferPoolConfig{} || given == strategy.DefaultConfig(), "Pool", "a BufferPool",
			"either a pool or a BufferPool configuration, not both")
	}
	errs = append(errs, prefixed("BufferPool.", cfg.BufferPool.Validate())...)
	return errors.Join(errs...)
}

// prefixed lists the faults of a nested configuration under their full names.
func prefixed(path string, err error) []error {
	if err == nil {
		return nil
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var errs []error
		for _, e := range joined.Unwrap() {
			errs = append(errs, prefixed(path, e)...)
		}
		return errs
	}
	if fault, ok := err.(*ConfigError); ok {
		return []error{&ConfigError{Field: path + fault.Field, Value: fault.Value, Allowed: fault.Allowed}}
	}
	return []error{err}
}
