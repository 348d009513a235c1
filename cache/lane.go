package cache

// The methods below are called with mu held.

func (b *background) room() bool { return b.n.waiting < int64(b.size) }

// enqueue lets a worker begin a job that has a place.
func (b *background) enqueue(j *job) {
	b.line.PushBack(j)
	b.ready.Signal()
}

// leave gives places back.
func (b *background) leave(places int64) {
	b.n.waiting -= places
	b.pass()
	if b.closed && b.n.waiting == 0 {
		b.ready.Broadcast()
	}
}

// pass wakes one caller who waits for a place, if there is one. Whoever took the
// token and did not need all that is free passes it on.
func (b *background) pass() {
	if b.room() {
		select {
		case b.freed <- struct{}{}:
		default:
		}
	}
}

// lane returns the state of a lane.
func (b *background) lane(at lane) *laneState {
	l := b.lanes[at]
	if l == nil {
		l = &laneState{}
		b.lanes[at] = l
	}
	return l
}

// begin counts a try, and keeps others out of the job's lane.
func (b *background) begin(j *job) {
	b.n.running++
	if j.tries++; j.tries > 1 {
		b.n.retried++
	}
	if j.lane.tier > 0 {
		l := b.lane(j.lane)
		l.running, l.waiting = true, nil
	}
}

// letGo opens the job's lane, and returns the one that waited behind it.
func (b *background) letGo(j *job) (newer *job) {
	if j.lane.tier == 0 {
		return nil
	}
	l := b.lanes[j.lane]
	l.running = false
	if l.ended != nil {
		close(l.ended)
		l.ended = nil
	}
	b.forget(j.lane, l)
	return l.waiting
}

func (b *background) forget(at lane, l *laneState) {
	if l.waiting == nil && !l.running {
		delete(b.lanes, at)
	}
}
