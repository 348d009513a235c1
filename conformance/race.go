//go:build race

package conformance

// raceEnabled: the race detector allocates by itself, makes sync.Pool drop one
// Put in four, and ends a process that has more than 8128 goroutines.
const raceEnabled = true
