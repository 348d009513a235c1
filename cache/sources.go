package cache

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// sources are those that are open. One timer looks after all of them: a timer for
// each, and a look at the clock before each Read, took a third of a miss of 256 KiB
// that comes in 16 KiB. It runs while there are any.
type sources struct {
	limit time.Duration // for which a call may keep its caller waiting: OpTimeout
	clock func() int64

	mu    sync.Mutex // guards what follows, and the fields of each source that are meant for it
	first *source
	ended error       // what those that come are interrupted with
	timer *time.Timer // of the next look; nil: none, for nothing is open
}

func (l *sources) add(s *source) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s.next = l.first; s.next != nil {
		s.next.prev = s
	}
	l.first = s
	switch {
	case l.ended != nil:
		s.interrupt(l.ended)
	case l.timer == nil:
		l.lookLater()
	}
}

func (l *sources) remove(s *source) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s.prev != nil {
		s.prev.next = s.next
	} else {
		l.first = s.next
	}
	if s.next != nil {
		s.next.prev = s.prev
	}
	s.next, s.prev = nil, nil
}

// lookLater wants mu. A call that began just after a look is found to stall so
// much too late.
func (l *sources) lookLater() { l.timer = time.AfterFunc(l.limit/8+1, l.look) }

// look ends the sources that have kept a call waiting for too long.
func (l *sources) look() {
	now := l.clock()
	var stalled []*source
	l.mu.Lock()
	for s := l.first; s != nil; s = s.next {
		calls := s.calls.Load()
		if calls != s.seen {
			s.seen, s.since = calls, now
		}
		if calls&1 == 1 && time.Duration(now-s.since) >= l.limit {
			stalled = append(stalled, s)
		}
	}
	if l.timer = nil; l.first != nil && l.ended == nil {
		l.lookLater()
	}
	l.mu.Unlock()
	for _, s := range stalled {
		s.stall(l.limit)
	}
}

// stall ends a source whose call may never return.
func (s *source) stall(limit time.Duration) {
	if s.interrupted() != nil {
		return
	}
	s.interrupt(fmt.Errorf("%w: nothing within %v: %w", errTimeout, limit, context.DeadlineExceeded))
	if s.fill != nil {
		s.fill.stall()
	}
}

// interrupt ends all of them, and those that come. Close calls it last of all.
func (l *sources) interrupt(cause error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended = cause
	if l.timer != nil {
		l.timer.Stop()
	}
	for s := l.first; s != nil; s = s.next {
		s.interrupt(cause)
	}
}
