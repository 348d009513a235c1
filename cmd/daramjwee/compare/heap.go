package compare

import (
	"runtime/metrics"
	"time"
)

// peak follows the bytes of the heap that are in use, dead ones that no collection
// has freed yet included.
type peak struct {
	sample []metrics.Sample
	most   uint64
	stop   chan struct{}
	done   chan struct{}
}

// between samples of the heap. One costs a microsecond and stops nothing.
const between = 2 * time.Millisecond

func watchHeap() *peak {
	p := &peak{
		sample: []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}},
		stop:   make(chan struct{}),
		done:   make(chan struct{}),
	}
	p.look()
	go p.watch()
	return p
}

func (p *peak) watch() {
	defer close(p.done)
	tick := time.NewTicker(between)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			p.look()
		case <-p.stop:
			p.look()
			return
		}
	}
}

func (p *peak) look() {
	metrics.Read(p.sample)
	p.most = max(p.most, p.sample[0].Value.Uint64())
}

// end returns the most bytes that were seen.
func (p *peak) end() uint64 {
	close(p.stop)
	<-p.done
	return p.most
}
