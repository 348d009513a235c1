package strategy_test

import (
	"bytes"
	"errors"
	"io"
	"math"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/daramjwee/daramjwee/internal/race"
	"github.com/daramjwee/daramjwee/strategy"
)

// stack is the simplest Backend: last in, first out. Its lies are set by tests.
type stack struct {
	mu    sync.Mutex
	bufs  [][]byte
	max   int                 // 0: no bound
	alter func([]byte) []byte // what Take does to a buffer
	panic bool

	closed int
}

func (s *stack) Take() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.panic {
		panic("stack: Take")
	}
	if len(s.bufs) == 0 {
		return nil
	}
	b := s.bufs[len(s.bufs)-1]
	s.bufs = s.bufs[:len(s.bufs)-1]
	if s.alter != nil {
		b = s.alter(b)
	}
	return b
}

func (s *stack) Keep(b []byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.panic {
		panic("stack: Keep")
	}
	if s.max > 0 && len(s.bufs) == s.max {
		return false
	}
	s.bufs = append(s.bufs, b)
	return true
}

func (s *stack) Idle() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.bufs)
}

func (s *stack) Close() error {
	s.closed++
	return errors.New("stack: closed")
}

// opened is a pool over stacks, by class size.
func opened(t *testing.T, c config) (*strategy.DefaultBufferPool, map[int]*stack) {
	t.Helper()
	stacks := make(map[int]*stack)
	p, err := strategy.NewPool(c, func(size int) strategy.Backend {
		stacks[size] = &stack{}
		return stacks[size]
	})
	require.NoError(t, err)
	return p, stacks
}

func TestSizeClasses(t *testing.T) {
	for _, tc := range []struct {
		cfg  config
		want []int
	}{
		{config{}, []int{4 << 10, 32 << 10, 64 << 10}},
		{config{MaxBufferSize: 1 << 20}, []int{4 << 10, 32 << 10, 64 << 10, 128 << 10, 256 << 10, 512 << 10, 1 << 20}},
		{config{DefaultBufferSize: 2 << 10}, []int{2 << 10, 4 << 10, 8 << 10, 16 << 10, 32 << 10, 64 << 10}},
		{config{DefaultBufferSize: 128 << 10}, []int{4 << 10, 128 << 10}},
		{config{MinBufferSize: 100, DefaultBufferSize: 1000, MaxBufferSize: 5000}, []int{100, 1000, 2000, 4000, 5000}},
		{config{MaxBufferSize: 32 << 10}, []int{4 << 10, 32 << 10}},
	} {
		tc.cfg.Enabled = true
		p, stacks := opened(t, tc.cfg)
		require.Len(t, stacks, len(tc.want), "%+v", tc.cfg)
		smaller := 0
		for _, size := range tc.want {
			require.Contains(t, stacks, size)
			for _, n := range []int{smaller + 1, size - 1, size} { // the edges of the class
				buf := p.Get(n)
				require.Len(t, buf, n)
				require.Equal(t, size, cap(buf))
				p.Put(buf)
				require.Equal(t, 1, stacks[size].Idle())
				p.Get(n)
			}
			smaller = size
		}
		over := p.Get(smaller + 1)
		require.Equal(t, smaller+1, cap(over), "oversize is a plain allocation")
		p.Put(over)
		require.EqualValues(t, 1, p.Stats().Discards)
	}
}

func TestHugeMaxDoesNotOverflow(t *testing.T) {
	p, stacks := opened(t, config{Enabled: true, MaxBufferSize: math.MaxInt})
	require.Contains(t, stacks, math.MaxInt)
	require.Len(t, p.Get(100_000), 100_000)
}

func TestGetUnknownSize(t *testing.T) {
	for _, enabled := range []bool{true, false} {
		p, _ := opened(t, config{Enabled: enabled, DefaultBufferSize: 5000})
		for _, size := range []int{0, -1, math.MinInt} {
			require.Len(t, p.Get(size), 5000)
		}
	}
}

func TestGetOfTooMuchPanicsUncounted(t *testing.T) {
	if math.MaxInt == math.MaxInt32 {
		t.Skip("of 32 bits every size can be had")
	}
	p, _ := opened(t, config{Enabled: true})
	require.Panics(t, func() { p.Get(math.MaxInt) })
	require.Zero(t, p.Stats().TotalGets)
}

func TestStatisticsAreExact(t *testing.T) {
	p, stacks := opened(t, config{Enabled: true})
	stacks[4<<10].max = 1
	a, b := p.Get(100), p.Get(4096)
	p.Put(a[:0]) // a prefix stands for the whole
	p.Put(b)     // over the bound
	c := p.Get(1)
	p.Put(nil)
	p.Put([]byte{})
	p.Put(make([]byte, 10)) // foreign
	got := p.Stats()
	require.Equal(t, strategy.BufferPoolStats{
		TotalGets: 3, TotalPuts: 3, PoolHits: 1, PoolMisses: 2, ActiveBuffers: 0, Discards: 2,
	}, got)
	p.Put(c)
	got = p.Stats()
	require.EqualValues(t, 1, got.IdleBuffers)
	require.EqualValues(t, 4<<10, got.IdleBytes)
	require.Zero(t, got.ActiveBuffers, "more puts than gets is not negative")
}

func TestRepeatedPutIsRefused(t *testing.T) {
	p, stacks := opened(t, config{Enabled: true})
	buf := p.Get(0)
	p.Put(buf)
	for range 1000 {
		p.Put(buf)
	}
	require.EqualValues(t, 1000, p.Stats().DoublePuts)
	require.EqualValues(t, 1, p.Stats().TotalPuts)
	require.Equal(t, 1, stacks[32<<10].Idle())
	p.Put(p.Get(0)) // lent and put again is no repeat
	require.EqualValues(t, 2, p.Stats().TotalPuts)

	stacks[32<<10].max = 1
	held := p.Get(0)
	p.Put(p.Get(0))
	p.Put(held) // refused by the backend: not idle
	p.Put(held)
	require.EqualValues(t, 1000, p.Stats().DoublePuts, "a put after a discard is no repeat")
}

func TestSimultaneousPutsNeverMakeTwoHolders(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector reports the misuse that this test is about")
	}
	p, _ := opened(t, config{Enabled: true})
	for range 2000 {
		buf := p.Get(0)
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() { p.Put(buf) })
		}
		wg.Wait()
		a, b := p.Get(0), p.Get(0)
		require.NotSame(t, &a[0], &b[0])
		p.Put(a)
		p.Put(b)
		for p.Stats().IdleBuffers > 0 { // whatever was kept twice is found out here
			p.Get(0)
		}
	}
}

func TestBufferWrittenToWhileIdleIsDropped(t *testing.T) {
	p, _ := opened(t, config{Enabled: true})
	buf := p.Get(0)
	p.Put(buf)
	buf[3] ^= 1
	got := p.Get(0)
	require.NotSame(t, &buf[0], &got[0])
	s := p.Stats()
	require.EqualValues(t, 1, s.Damaged)
	require.EqualValues(t, 0, s.PoolHits)
	require.EqualValues(t, 2, s.PoolMisses)
}

func TestScrubZeroesTheWholeBuffer(t *testing.T) {
	p, _ := opened(t, config{Enabled: true, Scrub: true})
	buf := p.Get(100)
	full := buf[:cap(buf)]
	for i := range full {
		full[i] = 0xAA
	}
	p.Put(buf)
	got := p.Get(1)
	require.Same(t, &full[0], &got[0])
	require.Equal(t, make([]byte, cap(got)), got[:cap(got)])
}

func TestFaultyBackendCostsAnAllocation(t *testing.T) {
	for name, fault := range map[string]func(*stack){
		"panics":        func(s *stack) { s.panic = true },
		"short":         func(s *stack) { s.alter = func(b []byte) []byte { return b[:10:10] } },
		"large":         func(s *stack) { s.alter = func([]byte) []byte { return make([]byte, 1<<20) } },
		"not whole":     func(s *stack) { s.alter = func(b []byte) []byte { return b[8:] } },
		"never kept it": func(s *stack) { s.alter = func(b []byte) []byte { return make([]byte, len(b)) } },
	} {
		t.Run(name, func(t *testing.T) {
			p, stacks := opened(t, config{Enabled: true})
			p.Put(p.Get(0))
			fault(stacks[32<<10])
			for range 3 {
				buf := p.Get(1 << 15)
				require.Len(t, buf, 1<<15)
				require.Equal(t, 1<<15, cap(buf))
				p.Put(buf)
			}
			s := p.Stats()
			require.EqualValues(t, 4, s.TotalGets)
			require.Zero(t, s.PoolHits)
			require.Zero(t, s.ActiveBuffers)
		})
	}
}

func TestNilBackendIsAnError(t *testing.T) {
	_, err := strategy.NewPool(config{Enabled: true}, func(int) strategy.Backend { return nil })
	require.ErrorContains(t, err, "4096 bytes")
}

func TestDisabledIsTheStandardLibrary(t *testing.T) {
	p, err := strategy.NewPool(config{}, func(int) strategy.Backend { panic("open was called") })
	require.NoError(t, err)
	buf := p.Get(777)
	require.Equal(t, 777, cap(buf))
	buf[0] = 1
	p.Put(buf)
	require.Equal(t, make([]byte, 777), p.Get(777))
	require.IsType(t, io.TeeReader(nil, nil), p.TeeReader(nil, nil))
	require.Equal(t, strategy.BufferPoolStats{TotalGets: 2, TotalPuts: 1, PoolMisses: 2, ActiveBuffers: 1, Discards: 1}, p.Stats())

	var dst bytes.Buffer
	n, err := p.CopyBuffer(&dst, bytes.NewReader(make([]byte, 99)))
	require.NoError(t, err)
	require.EqualValues(t, 99, n)
	require.EqualValues(t, 2, p.Stats().TotalGets, "io.Copy asks no pool")
}

func TestCloseLetsGoAndStaysUsable(t *testing.T) {
	p, stacks := opened(t, config{Enabled: true})
	held := p.Get(0)
	p.Put(p.Get(0))
	require.ErrorContains(t, strategy.Close(wrapped{wrapped{p}}), "stack: closed")
	require.NoError(t, p.Close(), "twice is once")
	for size, s := range stacks {
		require.Equal(t, 1, s.closed, size)
	}
	p.Put(held)
	require.Len(t, p.Get(10), 10)
	s := p.Stats()
	require.Zero(t, s.IdleBuffers)
	require.EqualValues(t, 1, s.Discards)
	require.EqualValues(t, 1, s.ActiveBuffers)
}

// wrapped adds behaviour as callers do: by embedding.
type wrapped struct{ strategy.BufferPool }

func (w wrapped) Unwrap() strategy.BufferPool { return w.BufferPool }

func TestDropSettlesTheCount(t *testing.T) {
	p, stacks := opened(t, config{Enabled: true})
	for _, pool := range []strategy.BufferPool{p, wrapped{p}} {
		strategy.Drop(pool, pool.Get(0))
		strategy.Drop(pool, nil)
	}
	s := p.Stats()
	require.Zero(t, s.ActiveBuffers)
	require.EqualValues(t, 2, s.Discards)
	require.Zero(t, stacks[32<<10].Idle())
	require.NoError(t, strategy.Close(struct{ strategy.BufferPool }{}), "nothing to close")
}

func TestStatisticsHoldInEverySnapshot(t *testing.T) {
	p, _ := opened(t, config{Enabled: true, MaxIdle: 4})
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for n := i; ; n += 7919 {
				select {
				case <-stop:
					return
				default:
				}
				buf := p.Get(1 + n%100_000)
				buf[0]++
				p.Put(buf)
			}
		})
	}
	var last strategy.BufferPoolStats
	for range 2000 {
		s := p.Stats()
		require.Equal(t, s.TotalGets, s.PoolHits+s.PoolMisses)
		require.Equal(t, s.ActiveBuffers, s.TotalGets-s.TotalPuts)
		require.LessOrEqual(t, s.Discards, s.TotalPuts)
		require.GreaterOrEqual(t, s.TotalPuts, last.TotalPuts)
		require.GreaterOrEqual(t, s.TotalGets, last.TotalGets)
		last = s
	}
	close(stop)
	wg.Wait()
	require.Zero(t, p.Stats().ActiveBuffers)
	require.Zero(t, p.Stats().Damaged)
}
