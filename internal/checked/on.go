//go:build daramjwee_checked

package checked

import "sync/atomic"

// Everywhere is true with the tag.
const Everywhere = true

var off atomic.Bool

// On reports whether strategy.New puts a strategy.Checked around every pool that
// it opens.
func On() bool { return !off.Load() }

// Off is for the tests of the pools themselves, which plant misuse and count on
// reuse; conformance runs them with Checked by name.
func Off() { off.Store(true) }
