package conformance

import (
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"runtime/metrics"
	"sync"
	"testing"

	"github.com/daramjwee/daramjwee/strategy"
)

// Lengths that are measured, in bytes.
var (
	getSizes    = []int{512, 4 << 10, 32 << 10, 64 << 10, 1 << 20}
	streamSizes = []int{1 << 10, 32 << 10, 256 << 10, 1 << 20}
)

// BenchmarkBufferPool measures a pool, as strategy=this, beside what it should be
// read against, in one run, so that every figure is a ratio:
//
//   - strategy=floor is a bare sync.Pool without counters, bounds or marks, and
//     io.CopyBuffer with a buffer of it. Nothing that pools is much faster.
//   - strategy=make allocates each time; its copies are io.Copy, its tees
//     io.TeeReader.
//
// Names are strategy=…/op=…/size=…/procs=…, for benchstat -col /strategy. Beside
// time and allocations it reports collections/op, the nanoseconds that they
// stopped the world for as pause-ns/op, and hits/get. After each loop the pool's
// statistics are compared with the calls that were made, so that what is measured
// is what is named: a pool that counted others fails.
func BenchmarkBufferPool(b *testing.B, open strategy.Factory) {
	grid(b, []measure{{name: "this", open: open, counted: true}})
}

// BenchmarkStrategies measures all registered strategies side by side, under
// their names, and the same floor.
func BenchmarkStrategies(b *testing.B) {
	var all []measure
	for _, name := range strategy.Names() {
		all = append(all, measure{name: name, open: registered(name), counted: true})
	}
	grid(b, all)
}

// benchConfig has a size class for every length that is measured.
func benchConfig() strategy.BufferPoolConfig {
	cfg := strategy.DefaultConfig()
	cfg.MinBufferSize, cfg.MaxBufferSize = 512, 1<<20
	cfg.CleanupInterval = -1 // not a matter of time
	return cfg.WithDefaults()
}

// measure measures pools of one kind.
type measure struct {
	name    string
	open    strategy.Factory
	counted bool // the pool counts: its statistics are compared
}

// grid measures each thing with every kind of pool and then the next one, so that a
// noisy moment is one of all of them.
func grid(b *testing.B, kinds []measure) {
	kinds = append(kinds, measure{name: "floor", open: openFloor}, measure{name: "make", open: openMake})
	each := func(what string, do func(m *measure, b *testing.B)) {
		for _, m := range kinds {
			b.Run("strategy="+m.name+"/"+what, func(b *testing.B) { do(&m, b) })
		}
	}
	procs := []int{1}
	if n := runtime.GOMAXPROCS(0); n > 1 {
		procs = append(procs, n)
	}
	for _, size := range getSizes {
		for _, n := range procs {
			each(fmt.Sprintf("op=get-put/size=%s/procs=%d", sizeText(size), n), func(m *measure, b *testing.B) {
				m.getPut(b, n, func(*rand.PCG) int { return size })
			})
		}
	}
	for _, n := range procs {
		each(fmt.Sprintf("op=get-put/size=mixed/procs=%d", n), func(m *measure, b *testing.B) { m.getPut(b, n, mixedSize) })
	}
	for _, size := range streamSizes {
		each(fmt.Sprintf("op=copy/size=%s/procs=1", sizeText(size)), func(m *measure, b *testing.B) { m.copy(b, size) })
		each(fmt.Sprintf("op=tee/size=%s/procs=1", sizeText(size)), func(m *measure, b *testing.B) { m.tee(b, size) })
	}
}

func sizeText(n int) string {
	switch {
	case n >= 1<<20:
		return fmt.Sprintf("%dMiB", n>>20)
	case n >= 1<<10:
		return fmt.Sprintf("%dKiB", n>>10)
	}
	return fmt.Sprintf("%dB", n)
}

// mixedSize draws as a cache's bodies come: many small, few large.
func mixedSize(r *rand.PCG) int {
	n := r.Uint64()
	return 1 + int(n>>32)%(512<<(n%8)) // up to 64 KiB
}

// run opens a pool and runs loop, which makes b.N iterations of gets Gets each.
// The pool's statistics must say the same.
func (m *measure) run(b *testing.B, gets int64, loop func(p strategy.BufferPool)) {
	p, err := m.open(benchConfig())
	if err != nil {
		b.Fatal(err)
	}
	defer strategy.Close(p)
	b.ReportAllocs()
	before, collections, pauses := p.Stats(), gcCycles(), gcPauses()
	b.ResetTimer()
	loop(p)
	b.StopTimer()
	collections, pauses = gcCycles()-collections, gcPauses()-pauses
	s := p.Stats()
	got := s.TotalGets - before.TotalGets
	if wants := gets * int64(b.N); m.counted && (got != wants || s.TotalPuts-before.TotalPuts != wants) {
		b.Fatalf("%d Gets and %d Puts were counted for %d iterations of %d", got, s.TotalPuts-before.TotalPuts, b.N, gets)
	}
	if s.ActiveBuffers != 0 {
		b.Fatalf("%d buffers are still out", s.ActiveBuffers)
	}
	b.ReportMetric(float64(collections)/float64(b.N), "collections/op")
	b.ReportMetric(pauses*1e9/float64(b.N), "pause-ns/op")
	if got > 0 {
		b.ReportMetric(float64(s.PoolHits-before.PoolHits)/float64(got), "hits/get")
	}
}

func (m *measure) getPut(b *testing.B, procs int, size func(*rand.PCG) int) {
	m.run(b, 1, func(p strategy.BufferPool) {
		work := func(seed uint64, n int) {
			r := rand.NewPCG(seed, 1)
			for range n {
				buf := p.Get(size(r))
				buf[0], buf[len(buf)-1] = 1, 1 // a buffer that nobody touches costs less than it would
				p.Put(buf)
			}
		}
		if procs == 1 {
			work(0, b.N)
			return
		}
		var wg sync.WaitGroup
		for i := range procs {
			n := b.N / procs
			if i == 0 {
				n += b.N % procs
			}
			wg.Go(func() { work(uint64(i), n) })
		}
		wg.Wait()
	})
}

// sinkOnly has no ReadFrom, which would copy without the pool, as io.Discard does.
type sinkOnly struct{}

func (sinkOnly) Write(p []byte) (int, error) { return len(p), nil }

func (m *measure) copy(b *testing.B, size int) {
	m.stream(b, size, func(p strategy.BufferPool, src io.Reader) (int64, error) { return p.CopyBuffer(sinkOnly{}, src) })
}

func (m *measure) tee(b *testing.B, size int) {
	m.stream(b, size, func(p strategy.BufferPool, src io.Reader) (int64, error) {
		return io.Copy(sinkOnly{}, p.TeeReader(src, sinkOnly{}))
	})
}

func (m *measure) stream(b *testing.B, size int, once func(p strategy.BufferPool, src io.Reader) (int64, error)) {
	src := &onlyReader{data: payload(size)}
	m.run(b, m.streamGets(src, once), func(p strategy.BufferPool) {
		b.SetBytes(int64(size))
		for range b.N {
			src.at = 0
			if n, err := once(p, src); n != int64(size) || err != nil {
				b.Fatalf("%d bytes of %d, error %v", n, size, err)
			}
		}
	})
}

// streamGets is how many Gets one such copy makes: one as a rule, none where it
// is io.Copy. Found out on a pool of its own, before the measured copies.
func (m *measure) streamGets(src *onlyReader, once func(p strategy.BufferPool, src io.Reader) (int64, error)) int64 {
	p, err := m.open(benchConfig())
	if err != nil {
		return 0 // run says why
	}
	defer strategy.Close(p)
	_, _ = once(p, src)
	return p.Stats().TotalGets
}

func gcCycles() uint64 {
	s := []metrics.Sample{{Name: "/gc/cycles/total:gc-cycles"}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}

// gcPauses is the seconds that collections have stopped the world for, as
// exactly as the runtime's histogram has it: the lower bound of each bucket.
func gcPauses() (seconds float64) {
	s := []metrics.Sample{{Name: "/sched/pauses/total/gc:seconds"}}
	metrics.Read(s)
	h := s[0].Value.Float64Histogram()
	for i, n := range h.Counts {
		if low := h.Buckets[i]; low > 0 {
			seconds += float64(n) * low
		}
	}
	return seconds
}
