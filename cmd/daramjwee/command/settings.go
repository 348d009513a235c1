package command

import (
	"log/slog"
	"net/url"
	"os"
	"path/filepath"

	"github.com/daramjwee/daramjwee/cache"
	"github.com/daramjwee/daramjwee/strategy"
)

// settings is everything that serve runs with.
type settings struct {
	listen   string   // where clients are served
	admin    string   // where statistics are; "" is nowhere
	origin   *url.URL // nil: the demo origin
	logLevel slog.Level

	memoryMax   int64  // bytes; 0: no such tier
	blocks      string // strategy of the memory tier's blocks; "": that of the streams
	diskMax     int64  // bytes; 0: no such tier
	diskDir     string
	diskDurable bool

	// cache has everything but Tiers and Logger.
	cache cache.Config
}

func defaults() *settings {
	return &settings{
		listen:    "127.0.0.1:8080",
		memoryMax: 64 << 20,
		diskMax:   1 << 30,
		diskDir:   defaultDir(),
		cache:     cache.DefaultConfig(),
	}
}

// defaultDir is in the user's cache directory, or among temporary files for a
// user who has none.
func defaultDir() string {
	base, err := os.UserCacheDir()
	if err != nil {
		base = os.TempDir()
	}
	return filepath.Join(base, "daramjwee")
}

// setting is one line of a configuration file.
type setting struct {
	key   string // in the file; a dot stands for a level
	flag  string // of serve; "" is none
	field string // what a *cache.ConfigError calls it
	value value
}

// table lists every setting in the order in which a file has them. Files, flags,
// faults and the effective configuration are all read off it.
func (s *settings) table() []setting {
	c, pool := &s.cache, &s.cache.BufferPool
	return []setting{
		{"listen", "listen", "", textValue{&s.listen, address}},
		{"admin", "admin", "", textValue{&s.admin, addressOrNone}},
		{"origin", "origin", "", originValue{&s.origin}},
		{"log_level", "log-level", "", levelValue{&s.logLevel}},
		{"strategy", "pool", "BufferPool.Strategy", textValue{&pool.Strategy, nil}},
		{"buffer_pool.enabled", "", "BufferPool.Enabled", boolValue{&pool.Enabled}},
		{"buffer_pool.default_size", "", "BufferPool.DefaultBufferSize", sizeValue[int]{&pool.DefaultBufferSize}},
		{"buffer_pool.min_size", "", "BufferPool.MinBufferSize", sizeValue[int]{&pool.MinBufferSize}},
		{"buffer_pool.max_size", "", "BufferPool.MaxBufferSize", sizeValue[int]{&pool.MaxBufferSize}},
		{"buffer_pool.max_idle", "", "BufferPool.MaxIdle", countValue{&pool.MaxIdle}},
		{"buffer_pool.cleanup_interval", "", "BufferPool.CleanupInterval", durationValue{&pool.CleanupInterval, true}},
		{"buffer_pool.scrub", "", "BufferPool.Scrub", boolValue{&pool.Scrub}},
		{"memory.max_bytes", "memory", "", sizeValue[int64]{&s.memoryMax}},
		{"memory.strategy", "", "Strategy", textValue{&s.blocks, nil}},
		{"disk.max_bytes", "disk", "", sizeValue[int64]{&s.diskMax}},
		{"disk.dir", "dir", "", textValue{&s.diskDir, nil}},
		{"disk.durable", "", "", boolValue{&s.diskDurable}},
		{"promote_within", "promote-within", "PromoteWithin", windowValue{&c.PromoteWithin}},
		{"freshness.positive", "freshness", "Freshness", durationValue{&c.Freshness, true}},
		{"freshness.negative", "negative-freshness", "NegativeFreshness", durationValue{&c.NegativeFreshness, true}},
		{"freshness.stale_while_revalidate", "stale-while-revalidate", "StaleWhileRevalidate", durationValue{&c.StaleWhileRevalidate, true}},
		{"freshness.stale_if_error", "stale-if-error", "StaleIfError", durationValue{&c.StaleIfError, true}},
		{"timeouts.operation", "", "OpTimeout", durationValue{&c.OpTimeout, false}},
		{"timeouts.drain", "", "CloseTimeout", durationValue{&c.CloseTimeout, false}},
		{"background.workers", "", "Workers", countValue{&c.Workers}},
		{"background.queue", "", "QueueSize", countValue{&c.QueueSize}},
		{"background.overflow", "overflow", "Overflow", policyValue{&c.Overflow}},
	}
}

// load reads a file, "" for none, and then the flags, by name, which override
// it. The error lists every fault of both.
func load(file string, flags map[string]string) (*settings, error) {
	s := defaults()
	r := newReader(s.table())
	if file != "" {
		if err := r.readFile(file); err != nil {
			return nil, err
		}
	}
	r.readFlags(flags)
	if _, given := flags["pool"]; given {
		s.cache.BufferPool.Enabled = true // as WithBufferPoolStrategy does
	}
	s.resolve()
	r.blame(s.cache.Validate())
	r.blame(strategy.BufferPoolConfig{Strategy: s.blocks}.Validate())
	if s.memoryMax == 0 && s.diskMax == 0 {
		r.blameOne(r.settings["memory.max_bytes"], "0, and disk.max_bytes too, allowed: a size above 0 for one of the two")
	}
	return s, r.err()
}

// blockPool configures the pool of the memory tier, as that of the streams but for
// the strategy.
func (s *settings) blockPool() strategy.BufferPoolConfig {
	if s.blocks == "" {
		return s.cache.BufferPool
	}
	pool := s.cache.BufferPool
	pool.Enabled, pool.Strategy = true, s.blocks
	return pool
}

// resolve spells out what is derived, now that everything is known.
func (s *settings) resolve() {
	s.cache = s.cache.WithDefaults()
	if s.diskDir == "" {
		s.diskDir = defaultDir()
	}
	if pool := s.cache.BufferPool; pool.Validate() == nil {
		s.cache.BufferPool = pool.WithDefaults()
	}
}
