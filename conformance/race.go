//go:build race

package conformance

// raceEnabled: the race detector allocates by itself, makes sync.Pool drop one
// Put in four, and ends a process that has more than 8128 goroutines.
const raceEnabled = true

// atOnce is how many goroutines get/exclusive has hold a buffer at once.
var atOnce = 2_000
