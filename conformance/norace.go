//go:build !race

package conformance

const raceEnabled = false

// atOnce is how many goroutines get/exclusive has hold a buffer at once.
var atOnce = 10_000
