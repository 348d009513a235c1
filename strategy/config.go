package strategy

import (
	"errors"
	"fmt"
	"time"
)

// Sizes that a zero BufferPoolConfig stands for, in bytes, and the smallest
// class: a buffer must have room for the eight bytes that mark it as idle, and
// a cache line is the least that is worth pooling.
const (
	defaultBufferSize = 32 << 10 // io.Copy's own
	defaultMinSize    = 4 << 10
	defaultMaxSize    = 64 << 10
	smallestClass     = 64
	defaultMaxIdle    = 64
	defaultInterval   = time.Minute
	defaultStrategy   = "syncpool"
)

// BufferPoolConfig selects a strategy and its bounds. The zero value is valid
// and disabled: no pooling, the standard library's own behaviour. A zero field
// stands for its default.
type BufferPoolConfig struct {
	Enabled           bool
	Strategy          string        // a registered name; "" is "syncpool"
	DefaultBufferSize int           // bytes, at least 64; 0: 32 KiB
	MinBufferSize     int           // bytes, 64 to DefaultBufferSize; 0: the smaller of 4 KiB and DefaultBufferSize
	MaxBufferSize     int           // bytes, at least DefaultBufferSize; 0: the larger of 64 KiB and DefaultBufferSize. Larger buffers are never kept
	MaxIdle           int           // bounded strategies: most idle buffers kept per size class; 0: 64
	CleanupInterval   time.Duration // bounded strategies: how often surplus idle buffers are released; 0: one minute, < 0: never
	Scrub             bool          // zero a buffer when it comes back
}

// DefaultConfig returns an enabled configuration of the default strategy. Its
// sizes are left at zero, so that setting one of them moves the others along.
func DefaultConfig() BufferPoolConfig {
	return BufferPoolConfig{Enabled: true, Strategy: defaultStrategy}
}

// WithDefaults returns c with every zero field replaced by what it stands for.
func (c BufferPoolConfig) WithDefaults() BufferPoolConfig {
	set := func(field *int, value int) {
		if *field == 0 {
			*field = value
		}
	}
	set(&c.DefaultBufferSize, defaultBufferSize)
	set(&c.MinBufferSize, min(defaultMinSize, c.DefaultBufferSize))
	set(&c.MaxBufferSize, max(defaultMaxSize, c.DefaultBufferSize))
	set(&c.MaxIdle, defaultMaxIdle)
	if c.CleanupInterval == 0 {
		c.CleanupInterval = defaultInterval
	}
	if c.Strategy == "" {
		c.Strategy = defaultStrategy
	}
	return c
}

// Validate returns every fault of c at once, as an errors.Join of *ConfigError,
// or nil. A disabled configuration is held to the same rules, so that enabling
// it brings no surprise; only the default strategy need not be registered then.
func (c BufferPoolConfig) Validate() error {
	if c.Strategy == "" && !c.Enabled {
		return c.validateSizes()
	}
	return errors.Join(c.validateSizes(), validateName(c.WithDefaults().Strategy))
}

// validateSizes is what a pool without a name can check.
func (c BufferPoolConfig) validateSizes() error {
	var errs []error // joined flat, so that a caller can list them
	check := func(ok bool, field string, value any, allowed string, args ...any) {
		if !ok {
			errs = append(errs, &ConfigError{Field: field, Value: value, Allowed: fmt.Sprintf(allowed, args...)})
		}
	}
	d := c.WithDefaults()
	sizeOK := func(n int) bool { return n == 0 || n >= smallestClass }
	check(sizeOK(c.DefaultBufferSize), "DefaultBufferSize", c.DefaultBufferSize, "0 (32 KiB), or %d bytes and more", smallestClass)
	check(sizeOK(c.MinBufferSize), "MinBufferSize", c.MinBufferSize, "0 (derived), or %d bytes to DefaultBufferSize", smallestClass)
	check(c.MaxBufferSize >= 0, "MaxBufferSize", c.MaxBufferSize, "0 (derived), or DefaultBufferSize and more")
	if sizeOK(c.DefaultBufferSize) { // compared with a bad size the others would only repeat its fault
		check(!sizeOK(c.MinBufferSize) || d.MinBufferSize <= d.DefaultBufferSize, "MinBufferSize", c.MinBufferSize,
			"at most DefaultBufferSize (%d bytes)", d.DefaultBufferSize)
		check(c.MaxBufferSize < 0 || d.MaxBufferSize >= d.DefaultBufferSize, "MaxBufferSize", c.MaxBufferSize,
			"at least DefaultBufferSize (%d bytes)", d.DefaultBufferSize)
	}
	check(c.MaxIdle >= 0, "MaxIdle", c.MaxIdle, "0 (%d), or 1 buffer and more per size class", defaultMaxIdle)
	return errors.Join(errs...)
}

// ConfigError is one fault of a configuration.
type ConfigError struct {
	Field   string // the field's name, with its path where it is nested: "BufferPool.MaxIdle"
	Value   any    // what was given
	Allowed string // what would have been right
}

func (e *ConfigError) Error() string {
	value := fmt.Sprint(e.Value)
	if s, ok := e.Value.(string); ok {
		value = fmt.Sprintf("%q", s)
	}
	return fmt.Sprintf("daramjwee: %s = %s, allowed: %s", e.Field, value, e.Allowed)
}
