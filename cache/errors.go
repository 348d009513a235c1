package cache

import (
	"errors"
	"fmt"

	"github.com/daramjwee/daramjwee/cache/store"
	"github.com/daramjwee/daramjwee/strategy"
)

var (
	// ErrNotFound is returned by a Fetcher when the origin has nothing under the
	// key. The cache remembers it as a negative entry, and Get returns it.
	ErrNotFound = store.ErrNotFound
	// ErrNotModified is returned by a Fetcher when the old entry is still
	// current. The FetchResult beside it may be nil, or carry new metadata.
	ErrNotModified = errors.New("cache: not modified")
	// ErrCacheClosed is returned by every call on a closed cache.
	ErrCacheClosed = errors.New("cache: closed")
	// ErrNilFetcher is returned by calls that need a Fetcher and got none.
	ErrNilFetcher = errors.New("cache: nil Fetcher")
	// ErrQueueFull is returned by ScheduleRefresh when the background queue has
	// no place left.
	ErrQueueFull = errors.New("cache: background queue full")
	// ErrSuperseded is returned by the Commit of a Set when another Set or a
	// Delete of the key came after it: the value is dropped.
	ErrSuperseded = errors.New("cache: superseded by a later Set or Delete")
	// ErrResponseClosed is returned by reads of a Response after Close.
	ErrResponseClosed = errors.New("cache: read of a closed Response")
)

// ConfigError is one fault of a configuration: field, value, what is allowed.
type ConfigError = strategy.ConfigError

// PanicError is what a Fetcher that panicked is reported as, to its own caller
// and to those who waited for it.
type PanicError struct {
	Value any    // what it panicked with
	Stack []byte // where
}

func (e *PanicError) Error() string { return fmt.Sprintf("cache: Fetcher panicked: %v", e.Value) }

// Unwrap returns the panic value when it is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}
