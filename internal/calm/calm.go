// Package calm marks the Backends that never panic: the pool calls them as they are,
// where it recovers from any other's panics. To recover costs 8 ns of the 41 that Get
// and Put took together, even if nothing panics.
package calm

// Backend is embedded in a strategy.Backend that never panics.
type Backend struct{}

// Calm is the mark. Nobody else's Backend can have it.
func (Backend) Calm(Backend) {}
