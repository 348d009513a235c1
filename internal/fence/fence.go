// Package fence keeps what a stream reads from alive until its last call is out,
// without a lock across the call: Read and WriteTo pin, Close sets a bit, and
// whoever leaves last releases.
package fence

import "sync/atomic"

const (
	closed = 1
	pin    = 2
)

// Fence is open as its zero value. It is safe for concurrent use.
type Fence struct{ state atomic.Int64 } // bit 0: closed; above it: calls inside

// Enter pins the stream for one call. It reports false once Close was called;
// otherwise the caller owes a Leave.
func (f *Fence) Enter() bool {
	for {
		s := f.state.Load()
		if s&closed != 0 {
			return false
		}
		if f.state.CompareAndSwap(s, s+pin) {
			return true
		}
	}
}

// Leave ends a call that Enter began. It reports true to the one caller who has
// to release: the last one out of a closed fence.
func (f *Fence) Leave() (release bool) {
	return f.state.Add(-pin) == closed
}

// Close turns later calls away and never waits for those inside. first is true
// for the first Close alone, release when no call is inside, so that this
// caller has to release at once.
func (f *Fence) Close() (first, release bool) {
	s := f.state.Or(closed)
	return s&closed == 0, s == 0
}

// Closed reports whether Close was called.
func (f *Fence) Closed() bool { return f.state.Load()&closed != 0 }
