package cache

import "context"

// interest is how many callers want the rest of a fill. It wants mu.
func (f *fill) interest() int32 {
	if f.phase == phaseOpen {
		return f.readers + f.waiting
	}
	return f.readers // those who wait cannot read along
}

// worthFinishing is the abandon policy, Squid's quick_abort: a fill that all
// callers have left is finished in the background when little is missing. One
// of unknown size never is. It wants mu.
func (f *fill) worthFinishing() bool {
	size, cfg := f.src.size, &f.cache.cfg
	if size < 0 || f.settled || f.ended != nil {
		return false
	}
	return size-f.frontier < cfg.FinishBytes || f.frontier*100 > size*int64(cfg.FinishPercent)
}

// leave takes a reader out of its fill. The last one gives up what is staged, and
// settles what nobody will go on with.
func (r *reader) leave(mayFinish bool) {
	f := r.fill
	f.mu.Lock()
	f.readers--
	last := f.interest() == 0
	settle := last && !f.settled
	if settle && mayFinish && f.worthFinishing() {
		f.readers++
		f.mu.Unlock()
		f.finish()
		return
	}
	if last {
		f.phase = phaseOver // its result is to look again
		f.broadcast()
	}
	f.settled = f.settled || settle
	f.mu.Unlock()
	if settle {
		f.settle()
	}
	if last && f.writer != nil {
		release(f.writer)
	}
}

// finish reads a fill to its end for nobody, in the background.
func (f *fill) finish() {
	c := f.cache
	r := &reader{fill: f, ctx: c.ctx}
	begun := false
	c.background.add(task{
		run: func(context.Context) error {
			begun = true
			c.counts.finishes.Add(1)
			r.drain()
			return nil
		},
		end: func(error) {
			if !begun { // there was no place for it
				r.leave(false)
			}
		},
		overflow: OverflowDrop,
	})
}

// drain pulls until the fill has ended, and leaves it.
func (r *reader) drain() {
	r.drains = true
	defer r.Close()
	buf := scratch{pool: r.fill.cache.BufferPool}
	defer buf.put()
	for {
		switch do, there, _ := r.next(); do {
		case stepStaged:
			r.off = there.end
		case stepPull:
			r.off += int64(len(r.pull(&buf)))
		default: // the end; or the tier failed, and there is nobody to read on for
			return
		}
	}
}
