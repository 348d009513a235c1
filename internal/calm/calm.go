// Package calm marks the Backends that never panic: the pool calls them as they are,
// where it recovers from any other's panics. To recover cost 6 ns of the 39 that Get and
// Put took together, though nothing panicked.
package calm

// Backend is embedded in a strategy.Backend that never panics.
type Backend struct{}

// Calm is the mark. Nobody else's Backend can have it.
func (Backend) Calm(Backend) {}
