package conformance

import (
	"io"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/daramjwee/daramjwee/strategy"
)

// queue is a backend that lends first what was kept first.
type queue struct{ stack }

func (q *queue) Take() []byte {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.buf) == 0 {
		return nil
	}
	b := q.buf[0]
	q.buf = append(q.buf[:0], q.buf[1:]...)
	q.buf = q.buf[:len(q.buf):cap(q.buf)]
	clear(q.buf[len(q.buf):min(cap(q.buf), len(q.buf)+1)])
	return b
}

// fickle keeps every second buffer.
type fickle struct {
	stack
	offered atomic.Int64
}

func (f *fickle) Keep(b []byte) bool { return f.offered.Add(1)%2 == 0 && f.stack.Keep(b) }

// TestOddPoolsPass guards against false alarms: all of these are legal.
func TestOddPoolsPass(t *testing.T) {
	backed := func(open func() strategy.Backend) strategy.Factory {
		return func(cfg strategy.BufferPoolConfig) (strategy.BufferPool, error) {
			return strategy.NewPool(cfg, func(int) strategy.Backend { return open() })
		}
	}
	marked := Options{Zeroes: true, RefusesRepeats: true, Validates: true}
	for name, odd := range map[string]struct {
		open strategy.Factory
		o    Options
	}{
		"first in, first out":  {backed(func() strategy.Backend { return &queue{stack{max: 1000}} }), marked},
		"keeps every second":   {backed(func() strategy.Backend { return &fickle{stack: stack{max: 1000}} }), marked},
		"one buffer a class":   {backed(func() strategy.Backend { return &stack{max: 1} }), Options{Bounded: Bounded{Buffers: 3}}},
		"no marks":             {openPlain, Options{}},
		"dirty memory":         {openDirty, Options{}},
		"accepts only its own": {openOwn, Options{}},
		"filled in advance":    {openFilled, Options{}},
		"huge spare capacity":  {openSpare, Options{RefusesRepeats: true}},
		"no Close, by wrapping": {func(cfg strategy.BufferPoolConfig) (strategy.BufferPool, error) {
			p, err := straight(cfg)
			return hidesClose{p}, err
		}, Options{}},
	} {
		t.Run(name, func(t *testing.T) { TestBufferPool(t, odd.open, odd.o) })
	}
}

type hidesClose struct{ strategy.BufferPool }

// openDirty fills what it lends, fresh or not.
func openDirty(cfg strategy.BufferPoolConfig) (strategy.BufferPool, error) {
	return bent(func(l *liar) {
		l.get = func(n int) []byte {
			buf := l.DefaultBufferPool.Get(n)
			fill(whole(buf), 0xDB)
			return buf
		}
	})(cfg)
}

// openSpare has one class, far larger than what is mostly asked for.
func openSpare(cfg strategy.BufferPoolConfig) (strategy.BufferPool, error) {
	unknown := cfg.DefaultBufferSize
	cfg.MinBufferSize, cfg.DefaultBufferSize = cfg.MaxBufferSize, cfg.MaxBufferSize
	return bent(func(l *liar) {
		l.get = func(n int) []byte {
			if n <= 0 {
				n = unknown
			}
			return l.DefaultBufferPool.Get(n)
		}
	})(cfg)
}

// ownPool knows what it lent, and discards everything else.
type ownPool struct {
	plainPool
	mu   sync.Mutex // guards lent
	lent map[uintptr]int
}

func openOwn(cfg strategy.BufferPoolConfig) (strategy.BufferPool, error) {
	p, _ := openPlain(cfg)
	return &ownPool{plainPool: *p.(*plainPool), lent: make(map[uintptr]int)}, nil
}

func (p *ownPool) Get(n int) []byte {
	buf := p.plainPool.Get(n)
	if cap(buf) <= p.cfg.MaxBufferSize {
		p.mu.Lock()
		p.lent[address(buf)] = cap(buf)
		p.mu.Unlock()
	}
	return buf
}

func (p *ownPool) Put(buf []byte) {
	if cap(buf) == 0 {
		return
	}
	p.mu.Lock()
	own := p.lent[address(buf)] == cap(buf)
	delete(p.lent, address(buf))
	p.mu.Unlock()
	if own {
		p.plainPool.Put(buf)
		return
	}
	p.counts.add(func(s *strategy.BufferPoolStats) {
		s.TotalPuts++
		s.Discards++
	})
}

// filledPool allocates before it is asked. To lend such a buffer is a miss:
// nobody used it before.
type filledPool struct {
	plainPool
	mu      sync.Mutex // guards unused
	unused  [][]byte
	ofBytes int
}

func openFilled(cfg strategy.BufferPoolConfig) (strategy.BufferPool, error) {
	p, _ := openPlain(cfg)
	f := &filledPool{plainPool: *p.(*plainPool), ofBytes: cfg.DefaultBufferSize}
	for range 4 {
		f.unused = append(f.unused, make([]byte, f.ofBytes))
	}
	return f, nil
}

func (p *filledPool) Get(n int) []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	if size := max(n, 0); len(p.unused) > 0 && p.size(size) == p.ofBytes || n <= 0 && len(p.unused) > 0 {
		buf := p.unused[0]
		p.unused = p.unused[1:]
		p.counts.add(func(s *strategy.BufferPoolStats) { s.PoolMisses++ })
		if n <= 0 {
			n = p.cfg.DefaultBufferSize
		}
		return buf[:n]
	}
	return p.plainPool.Get(n)
}

// The pools above copy through themselves, not through what they embed.

func (p *ownPool) CopyBuffer(dst io.Writer, src io.Reader) (int64, error) {
	return strategy.OptimizedCopyBuffer(p, dst, src)
}

func (p *filledPool) CopyBuffer(dst io.Writer, src io.Reader) (int64, error) {
	return strategy.OptimizedCopyBuffer(p, dst, src)
}

// TestReferencePool: a false alarm is a failure like any other. The nightly run
// repeats it a hundred times.
func TestReferencePool(t *testing.T) { TestBufferPool(t, openPlain, Options{}) }

// TestFalseAlarms is the small part of the nightly run that every run has: on one
// processor, goroutines meet where they never do on two.
func TestFalseAlarms(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	require.NoError(t, CheckBufferPool(openPlain, Options{}))
	for _, name := range []string{"bytebuffer", "channel", "noop", "syncpool"} {
		require.NoError(t, CheckBufferPool(registered(name), declared(name)), name)
	}
	runtime.GOMAXPROCS(2)
	require.NoError(t, CheckBufferPool(openPlain, Options{}))
}
