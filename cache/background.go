package cache

import (
	"container/list"
	"context"
	"math/rand/v2"
	"sync"
	"time"
)

// maxTries is how often a task is tried in all, and firstPause the longest pause
// before the second one; each pause is four times the one before.
const (
	maxTries   = 3
	firstPause = 500 * time.Millisecond
)

// task is one piece of background work. end is called once, whatever came of it.
type task struct {
	run      func(ctx context.Context) (again error) // of a task in a lane: an error is worth another try
	end      func(err error)                         // err is that of the last try, when there is no other
	overflow OverflowPolicy                          // what its caller does when the queue is full
	byWorker bool                                    // its caller is a worker, who must not wait for the queue that it empties
	lane     lane
	order    uint64 // of two in a lane, the later one is done
	tries    int    // begun so far
}

// lane is what no two tasks work on at once: a key in a tier. Tier 0 is none.
type lane struct {
	tier int
	key  string
}

// laneState is there while something waits or runs in the lane.
type laneState struct {
	waiting *job // in the line, behind the running one, or for another try
	running bool
	ended   chan struct{} // closed when the running one ends; nil when nobody asked
}

// job is a task that has a place.
type job struct {
	task
	pause *time.Timer // before another try; nil: none
}

// background is a bounded queue of tasks, and the workers who do them. A task has
// a place from when it is taken on until it is begun, and again while it waits
// for another try: that one is never refused to a worker, so that there may be as
// many more tasks waiting as there are workers.
type background struct {
	ctx      context.Context
	size     int           // places
	patience time.Duration // of callers who wait
	workers  sync.WaitGroup
	freed    chan struct{} // has a token when a place may be free
	closing  chan struct{} // closed with closed

	mu     sync.Mutex // guards the following 5 fields
	ready  sync.Cond  // the line is longer, or the end has come
	line   list.List  // of *job that a worker may begin, the oldest first
	lanes  map[lane]*laneState
	closed bool
	n      backgroundStats
}

// backgroundStats obeys scheduled == run+dropped+deduplicated+waiting+running
// whenever mu is free.
type backgroundStats struct {
	scheduled, run, dropped, deduplicated, waiting, running int64
	blocked, inlined, retried                               int64
}

func (b *background) start(ctx context.Context, workers, queue int, patience time.Duration) {
	b.ctx, b.size, b.patience = ctx, queue, patience
	b.freed, b.closing = make(chan struct{}, 1), make(chan struct{})
	b.lanes = make(map[lane]*laneState)
	b.ready.L = &b.mu
	for range workers {
		b.workers.Go(b.work)
	}
}

func (b *background) work() {
	ended := false
	defer func() {
		if !ended { // a task called Goexit: another goroutine takes this one's place
			b.workers.Go(b.work)
		}
	}()
	for j := b.next(); j != nil; j = b.next() {
		b.do(j, true)
	}
	ended = true
}

// next begins the task that has waited longest; nil is the end.
func (b *background) next() *job {
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.line.Len() == 0 {
		if b.closed && b.n.waiting == 0 {
			return nil
		}
		b.ready.Wait()
	}
	j := b.line.Remove(b.line.Front()).(*job)
	b.leave(1)
	b.begin(j)
	return j
}

// do tries a task that was begun.
func (b *background) do(j *job, worker bool) {
	var again error
	defer func() { b.finish(j, again, worker) }() // also when the task calls Goexit
	again = j.run(b.ctx)
}

// finish ends a task, or has it tried once more after a pause. A newer one in its
// lane makes another try needless.
func (b *background) finish(j *job, again error, worker bool) {
	b.mu.Lock()
	b.n.running--
	newer := b.letGo(j)
	switch {
	case again != nil && newer != nil:
		b.n.deduplicated++
		again = nil
	case again != nil && j.tries < maxTries && !b.closed && (worker || b.room()):
		b.n.waiting++
		b.lane(j.lane).waiting = j
		pause := firstPause << (2 * (j.tries - 1))
		j.pause = time.AfterFunc(pause/2+rand.N(pause/2), func() { b.resume(j) })
		b.mu.Unlock()
		return
	default:
		b.n.run++
	}
	if newer != nil {
		b.enqueue(newer)
	}
	b.mu.Unlock()
	j.end(again)
}

// resume puts a task back into the line when its pause is over.
func (b *background) resume(j *job) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if j.pause != nil { // else the pause was cut short
		j.pause = nil
		b.enqueue(j)
	}
}

// close takes no more work, except a worker's own, and has each task that waits
// for another try begun at once. The channel is closed when all workers have gone.
func (b *background) close() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	close(b.closing)
	for _, l := range b.lanes {
		if j := l.waiting; j != nil && j.cutShort() {
			b.enqueue(j)
		}
	}
	b.ready.Broadcast()
	gone := make(chan struct{})
	go func() {
		b.workers.Wait()
		close(gone)
	}()
	return gone
}

// abandon ends what waits, and tells how much that was and how much runs.
func (b *background) abandon() (waited, running int64) {
	b.mu.Lock()
	var dropped []*job
	for e := b.line.Front(); e != nil; e = e.Next() {
		dropped = append(dropped, e.Value.(*job))
	}
	b.line.Init()
	for at, l := range b.lanes {
		if j := l.waiting; j != nil && (j.cutShort() || l.running) { // else it was in the line
			dropped = append(dropped, j)
		}
		l.waiting = nil
		b.forget(at, l)
	}
	waited, running = int64(len(dropped)), b.n.running
	b.n.dropped += waited
	b.leave(waited)
	b.mu.Unlock()
	for _, j := range dropped {
		j.end(nil)
	}
	return waited, running
}

func (j *job) cutShort() bool {
	if j.pause == nil {
		return false
	}
	j.pause.Stop()
	j.pause = nil
	return true
}

func (b *background) stats() backgroundStats {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.n
}
