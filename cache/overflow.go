package cache

import "time"

// OverflowPolicy says what becomes of a persist, or of new metadata for a colder
// tier, when the background queue is full. A refresh is dropped under each of them:
// a Get that serves a stale entry must not wait for the origin.
type OverflowPolicy string

const (
	// OverflowDrop drops it: the entry stays in the tier that has it, and callers
	// are never slowed down.
	OverflowDrop OverflowPolicy = "drop"
	// OverflowBlock has the call that stored the entry wait for a place before it
	// returns: the Read, WriteTo or Close that ended a Response's body, the Commit
	// of a Set, or the Get that was told "not found" or "not modified". It waits
	// for OpTimeout at most, once for each colder tier, or until Close runs out of
	// time, and drops the work then. The end of the caller's context does not end
	// the wait: the entry is everybody's.
	OverflowBlock OverflowPolicy = "block"
	// OverflowInline has that same call do the work itself, for as long as the
	// colder tier takes. While someone else writes the key to that tier, it waits
	// as OverflowBlock does. What fails then is tried again later only if the queue
	// has a place again.
	OverflowInline OverflowPolicy = "inline"
)

// verdict is what becomes of a task.
type verdict int

const (
	refused verdict = iota
	queued          // a worker will do it
	merged          // it, or what waited in its lane, is not to be done any more
	inline          // its caller does it
	blocked         // its caller waits, and asks again
)

// add has a task done, now or later, or reports false; it is ended then.
func (b *background) add(t task) bool {
	var timeout <-chan time.Time
	for {
		b.mu.Lock()
		j := &job{task: t}
		v, wait, end := b.judge(j)
		if v == blocked && timeout == nil {
			b.n.blocked++
		}
		b.pass()
		b.mu.Unlock()
		switch v {
		case queued:
			return true
		case inline:
			b.do(j, false)
			return true
		case merged, refused:
			j.end(nil)
			return v == merged
		}
		if timeout == nil {
			timer := time.NewTimer(b.patience)
			defer timer.Stop()
			timeout = timer.C
		}
		select {
		case <-wait:
		case <-end:
		case <-timeout:
			b.mu.Lock()
			b.refuse()
			b.mu.Unlock()
			t.end(nil)
			return false
		}
	}
}

// judge decides on a task and counts it, unless its caller waits: for wait, or
// for end, which is the end of waiting. Of a merged one, j is what is left to end.
func (b *background) judge(j *job) (v verdict, wait, end <-chan struct{}) {
	l := b.lanes[j.lane]
	if l == nil {
		l = &laneState{} // of no consequence
	}
	switch {
	case l.waiting != nil:
		b.n.scheduled++
		b.n.deduplicated++
		if l.waiting.order < j.order {
			l.waiting.task, j.task = j.task, l.waiting.task
		}
		return merged, nil, nil
	case b.closed && (!j.byWorker || b.ctx.Err() != nil):
		b.refuse()
		return refused, nil, nil
	case !b.closed && b.room():
		b.n.scheduled++
		b.n.waiting++
		if j.lane.tier > 0 {
			b.lane(j.lane).waiting = j
		}
		if !l.running {
			b.enqueue(j)
		}
		return queued, nil, nil
	case b.closed, j.overflow == OverflowInline, j.overflow == OverflowBlock && j.byWorker:
		if l.running {
			if l.ended == nil {
				l.ended = make(chan struct{})
			}
			return blocked, l.ended, b.ctx.Done()
		}
		b.n.scheduled++
		b.n.inlined++
		b.begin(j)
		return inline, nil, nil
	case j.overflow == OverflowBlock:
		return blocked, b.freed, b.closing
	}
	b.refuse()
	return refused, nil, nil
}

func (b *background) refuse() {
	b.n.scheduled++
	b.n.dropped++
}
