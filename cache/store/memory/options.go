package memory

import (
	"errors"

	"github.com/daramjwee/daramjwee/strategy"
)

// Options configures a Store. The zero value works.
type Options struct {
	// MaxBytes limits what entries take up; the package comment says what is
	// counted. 0: 64 MiB. A negative value is a *strategy.ConfigError. More than 2 EiB
	// is 2 EiB.
	MaxBytes int64

	// BufferPool configures the pool that blocks come from. The store opens it
	// and closes it. Blocks have MaxBufferSize bytes, but for the last one of
	// an entry. The zero value allocates each block.
	BufferPool strategy.BufferPoolConfig
}

const (
	defaultMaxBytes = 64 << 20
	mostMaxBytes    = 2 << 60 // a sum of two or three does not overflow
)

// withDefaults fills the zero fields in, or returns every fault at once.
func (o Options) withDefaults() (Options, error) {
	var faults []error
	if o.MaxBytes < 0 {
		faults = append(faults, &strategy.ConfigError{Field: "MaxBytes", Value: o.MaxBytes, Allowed: "0 (64 MiB), or 1 byte and more"})
	}
	faults = append(faults, under("BufferPool", o.BufferPool.Validate())...)
	if o.MaxBytes == 0 {
		o.MaxBytes = defaultMaxBytes
	}
	o.MaxBytes = min(o.MaxBytes, mostMaxBytes)
	o.BufferPool = o.BufferPool.WithDefaults()
	return o, errors.Join(faults...)
}

// under lists the faults of a nested configuration with their path.
func under(path string, err error) []error {
	switch err := err.(type) {
	case nil:
		return nil
	case *strategy.ConfigError:
		return []error{&strategy.ConfigError{Field: path + "." + err.Field, Value: err.Value, Allowed: err.Allowed}}
	case interface{ Unwrap() []error }:
		var faults []error
		for _, e := range err.Unwrap() {
			faults = append(faults, under(path, e)...)
		}
		return faults
	default:
		return []error{err}
	}
}
