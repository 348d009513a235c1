package cache

import (
	"context"
	"sync"
	"sync/atomic"
)

// background is a bounded queue of work and the goroutines that do it.
type background struct {
	mu     sync.RWMutex // guards closed, and jobs against a send after its close
	closed bool
	jobs   chan job

	workers   sync.WaitGroup
	running   atomic.Int64
	abandoned atomic.Int64
}

// job is done by run or by drop, exactly one of them.
type job struct {
	run  func(ctx context.Context)
	drop func()
}

func (b *background) start(ctx context.Context, workers, queue int) {
	b.jobs = make(chan job, queue)
	for range workers {
		b.workers.Go(func() { b.work(ctx) })
	}
}

func (b *background) work(ctx context.Context) {
	ended := false
	defer func() {
		if !ended { // a job called Goexit: another goroutine takes this one's place
			b.workers.Go(func() { b.work(ctx) })
		}
	}()
	for j := range b.jobs {
		if ctx.Err() != nil {
			b.abandoned.Add(1)
			j.drop()
			continue
		}
		b.do(ctx, j)
	}
	ended = true
}

func (b *background) do(ctx context.Context, j job) {
	b.running.Add(1)
	defer b.running.Add(-1)
	j.run(ctx)
}

// add reports false when the queue is full or closed; the job is the caller's
// then.
func (b *background) add(j job) bool {
	b.mu.RLock()
	defer b.mu.RUnlock()
	if b.closed {
		return false
	}
	select {
	case b.jobs <- j:
		return true
	default:
		return false
	}
}

func (b *background) draining() bool {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.closed
}

func (b *background) waiting() int { return len(b.jobs) }

// close takes no more work. The channel is closed when all workers have gone.
func (b *background) close() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.closed {
		b.closed = true
		close(b.jobs)
	}
	gone := make(chan struct{})
	go func() {
		b.workers.Wait()
		close(gone)
	}()
	return gone
}

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
