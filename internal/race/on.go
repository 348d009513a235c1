//go:build race

// Package race tells tests whether the race detector is on: sync.Pool drops puts
// at random then, allocations differ, and everything takes ten times as long.
package race

// Enabled is true under -race.
const Enabled = true
