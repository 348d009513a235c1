// Package fence keeps what a stream reads from alive until its last call is out,
// without a lock across the call: Read and WriteTo pin, Close sets a bit, and
// whoever leaves last releases. A Hold lets calls in past the Close.
package fence

import "sync/atomic"

const (
	closed = 1
	held   = 2
	pin    = 4
)

// Fence is open as its zero value. It is safe for concurrent use.
type Fence struct{ state atomic.Int64 } // bit 0: closed; bit 1: held; above: calls inside

// Enter pins the stream for one call. It reports false once Close was called and
// nothing holds the fence; otherwise the caller owes a Leave.
func (f *Fence) Enter() bool {
	for {
		s := f.state.Load()
		if s&(closed|held) == closed {
			return false
		}
		if f.state.CompareAndSwap(s, s+pin) {
			return true
		}
	}
}

// Leave ends a call that Enter began. It reports true to the one caller who has
// to release: the last one out of a closed fence that is not held.
func (f *Fence) Leave() (release bool) {
	return f.state.Add(-pin) == closed
}

// Close turns later calls away, unless the fence is held, and never waits for
// those inside. first is true for the first Close alone, release when no call is
// inside and no hold, so that this caller has to release at once.
func (f *Fence) Close() (first, release bool) {
	s := f.state.Or(closed)
	return s&closed == 0, s == 0
}

// Closed reports whether Close was called.
func (f *Fence) Closed() bool { return f.state.Load()&closed != 0 }

// Hold lets calls in past Close, until Unhold. It does nothing to a fence that is
// closed already: what it guards may be gone.
func (f *Fence) Hold() {
	for {
		s := f.state.Load()
		if s&closed != 0 || f.state.CompareAndSwap(s, s|held) {
			return
		}
	}
}

// Unhold ends the Hold and never waits. It reports true when the caller has to
// release: the fence is closed and no call is inside. To repeat it does nothing.
func (f *Fence) Unhold() (release bool) {
	return f.state.And(^held) == closed|held
}
