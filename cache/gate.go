package cache

import "sync"

// gate counts the streams and writers that hold something of a tier or of an
// origin, so that Close can wait for them.
type gate struct {
	mu     sync.Mutex // guards the following 3 fields
	inside int
	closed bool
	empty  chan struct{} // closed when the gate is closed and nobody is inside
}

// enter reports false once the gate is closed; otherwise the caller owes a leave.
func (g *gate) enter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return false
	}
	g.inside++
	return true
}

func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.inside--
	if g.closed && g.inside == 0 {
		close(g.empty)
	}
}

// close turns newcomers away. It is called once.
func (g *gate) close() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
	if g.inside == 0 {
		close(g.empty)
	}
	return g.empty
}

func (g *gate) count() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.inside
}
