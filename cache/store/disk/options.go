package disk

import (
	"log/slog"

	"github.com/daramjwee/daramjwee/strategy"
)

// Options configures a Store. The zero value works.
type Options struct {
	// MaxBytes limits the bytes of all files, staged ones and the format's own
	// overhead included. 0: 1 GiB. A negative value is a *strategy.ConfigError.
	MaxBytes int64

	// Durable flushes the file and the directory before Commit, Delete and
	// UpdateMetadata return. Default: the operating system flushes when it likes.
	Durable bool

	// BufferPool lends the buffers, of 64 KiB at most, in which blocks are
	// verified, and copies bodies to destinations that the kernel cannot copy
	// to. The Store does not close it. nil: buffers are allocated.
	BufferPool strategy.BufferPool

	// Logger hears of what was repaired: damaged files, leftovers, files that
	// could not be removed. It is never told a key. nil: nothing is logged.
	Logger *slog.Logger
}

const defaultMaxBytes = 1 << 30

// withDefaults fills the zero fields in, or returns what is wrong.
func (o Options) withDefaults() (Options, error) {
	if o.MaxBytes < 0 {
		return o, &strategy.ConfigError{Field: "MaxBytes", Value: o.MaxBytes, Allowed: "0 (1 GiB), or 1 byte and more"}
	}
	if o.MaxBytes == 0 {
		o.MaxBytes = defaultMaxBytes
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o, nil
}
