//go:build !daramjwee_checked

package checked

// Everywhere is true with the tag.
const Everywhere = false

// On reports whether strategy.New puts a strategy.Checked around every pool that
// it opens.
func On() bool { return false }

// Off is for the tests of the pools themselves, which plant misuse and count on
// reuse; conformance runs them with Checked by name.
func Off() {}
