package conformance

import (
	"io"
	"math"
	"sync"
	"weak"

	"github.com/daramjwee/daramjwee/strategy"
)

// plainPool is a correct BufferPool that owes nothing to strategy.NewPool: one
// lock, exact counters, no marks. It declares nothing.
type plainPool struct {
	cfg    strategy.BufferPoolConfig
	idle   *shelf
	counts *counts
}

// shelf holds what is idle, by capacity.
type shelf struct {
	mu      sync.Mutex // guards following 2 fields
	buffers map[int][][]byte
	used    bool
}

type counts struct {
	mu   sync.Mutex // guards following 2 fields
	s    strategy.BufferPoolStats
	used bool
}

func (c *counts) add(edit func(s *strategy.BufferPoolStats)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.used = true
	edit(&c.s)
	c.s.TotalGets = c.s.PoolHits + c.s.PoolMisses
	c.s.ActiveBuffers = max(0, c.s.TotalGets-c.s.TotalPuts)
}

func openPlain(cfg strategy.BufferPoolConfig) (strategy.BufferPool, error) {
	return &plainPool{cfg: cfg, idle: &shelf{buffers: make(map[int][][]byte)}, counts: &counts{}}, nil
}

func (p *plainPool) size(n int) int {
	for _, class := range []int{p.cfg.MinBufferSize, p.cfg.DefaultBufferSize, p.cfg.MaxBufferSize} {
		if n <= class {
			return class
		}
	}
	return n
}

func (p *plainPool) Get(n int) []byte {
	if n <= 0 {
		n = p.cfg.DefaultBufferSize
	}
	size := p.size(n)
	if size < math.MaxInt {
		p.idle.mu.Lock()
		p.idle.used = true
		if have := p.idle.buffers[size]; len(have) > 0 {
			buf := have[len(have)-1]
			p.idle.buffers[size] = have[:len(have)-1]
			p.idle.mu.Unlock()
			p.counts.add(func(s *strategy.BufferPoolStats) { s.PoolHits++ })
			return buf[:n]
		}
		p.idle.mu.Unlock()
	}
	buf := make([]byte, n, size)
	p.counts.add(func(s *strategy.BufferPoolStats) { s.PoolMisses++ })
	return buf
}

func (p *plainPool) Put(buf []byte) {
	if cap(buf) == 0 {
		return
	}
	kept := cap(buf) <= p.cfg.MaxBufferSize && cap(buf) == p.size(cap(buf))
	p.counts.add(func(s *strategy.BufferPoolStats) {
		s.TotalPuts++
		if !kept {
			s.Discards++
		}
	})
	if kept {
		p.idle.mu.Lock()
		p.idle.used = true
		p.idle.buffers[cap(buf)] = append(p.idle.buffers[cap(buf)], buf[:cap(buf)])
		p.idle.mu.Unlock()
	}
}

func (p *plainPool) Stats() strategy.BufferPoolStats {
	p.counts.mu.Lock()
	defer p.counts.mu.Unlock()
	s := p.counts.s
	s.IdleBuffers, s.IdleBytes = -1, -1
	return s
}

func (p *plainPool) CopyBuffer(dst io.Writer, src io.Reader) (int64, error) {
	return strategy.OptimizedCopyBuffer(p, dst, src)
}

func (p *plainPool) TeeReader(r io.Reader, w io.Writer) io.Reader {
	return strategy.OptimizedTeeReader(p, r, w)
}

// sharing opens pools that share buffers, or counters, with the one opened
// before if that one was not used yet: the way of two pools of one rule.
func sharing(buffers bool) strategy.Factory {
	var before weak.Pointer[plainPool] // a strong one would keep dropped pools
	return func(cfg strategy.BufferPoolConfig) (strategy.BufferPool, error) {
		bp, _ := openPlain(cfg)
		p := bp.(*plainPool)
		last := before.Value()
		if last != nil && buffers && !last.idle.used {
			p.idle = last.idle
		}
		if last != nil && !buffers && !last.counts.used {
			p.counts = last.counts
		}
		before = weak.Make(p)
		return p, nil
	}
}
