package strategy_test

import (
	"bytes"
	"fmt"
	"io"
	"runtime"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/daramjwee/daramjwee/strategy"
	_ "github.com/daramjwee/daramjwee/strategy/bytebuffer"
	_ "github.com/daramjwee/daramjwee/strategy/channel"
	_ "github.com/daramjwee/daramjwee/strategy/noop"
	_ "github.com/daramjwee/daramjwee/strategy/syncpool"
)

const plants = 1000

// inspector is a checked pool and what it reported.
type inspector struct {
	*strategy.CheckedPool
	mu    sync.Mutex // guards found
	found []*strategy.Misuse
}

func inspected(p strategy.BufferPool) *inspector {
	i := &inspector{}
	i.CheckedPool = strategy.Checked(p, func(m *strategy.Misuse) {
		i.mu.Lock()
		defer i.mu.Unlock()
		i.found = append(i.found, m)
	})
	return i
}

// kinds takes what was reported since the last call.
func (i *inspector) kinds() map[strategy.MisuseKind]int {
	i.mu.Lock()
	defer i.mu.Unlock()
	n := make(map[strategy.MisuseKind]int)
	for _, m := range i.found {
		n[m.Kind]++
	}
	i.found = nil
	return n
}

// collect returns when the finalizers of all that is unreachable now have run.
// They run one after the other, and those of a collection before those of the
// next: the last of three marks is behind all that the first collection found.
func collect() {
	for range 3 {
		done := make(chan struct{})
		func() { runtime.SetFinalizer(&[64]byte{}, func(*[64]byte) { close(done) }) }()
		runtime.GC()
		<-done
	}
}

// everyStrategy runs f on a checked pool of each, with Scrub and without.
func everyStrategy(t *testing.T, f func(t *testing.T, p *inspector)) {
	for _, name := range []string{"syncpool", "bytebuffer", "channel", "noop"} {
		for _, scrub := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/scrub=%v", name, scrub), func(t *testing.T) {
				p, err := strategy.New(config{Enabled: true, Strategy: name, Scrub: scrub,
					MinBufferSize: 256, DefaultBufferSize: 1 << 10, MaxBufferSize: 4 << 10})
				require.NoError(t, err)
				f(t, inspected(p))
			})
		}
	}
}

// sizeOf mixes size classes, oversize, unknown and less than the runtime's
// smallest block.
func sizeOf(i int) int { return []int{0, 7, 256, 1000, 4 << 10, 5000}[i%6] }

// misuse is one fault, planted many times; kind is reported for each.
var misuses = []struct {
	name  string
	kind  strategy.MisuseKind
	plant func(p strategy.BufferPool, i int)
}{
	{"double", strategy.DoublePut, func(p strategy.BufferPool, i int) {
		buf := p.Get(sizeOf(i))
		p.Put(buf)
		p.Put(buf[:i%(len(buf)+1)])
	}},
	{"simultaneous", strategy.DoublePut, func(p strategy.BufferPool, i int) {
		buf := p.Get(sizeOf(i))
		var both sync.WaitGroup
		both.Add(2)
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() {
				both.Done()
				both.Wait()
				p.Put(buf)
			})
		}
		wg.Wait()
	}},
	{"after Drop", strategy.DoublePut, func(p strategy.BufferPool, i int) {
		buf := p.Get(sizeOf(i))
		strategy.Drop(p, buf)
		p.Put(buf)
	}},
	{"dropped after Put", strategy.DoublePut, func(p strategy.BufferPool, i int) {
		buf := p.Get(sizeOf(i))
		p.Put(buf)
		strategy.Drop(p, buf)
	}},
	{"foreign", strategy.ForeignPut, func(p strategy.BufferPool, i int) {
		p.Put(make([]byte, sizeOf(i)+1))
	}},
	{"of a class's size", strategy.ForeignPut, func(p strategy.BufferPool, i int) {
		p.Put(make([]byte, 1<<10))
	}},
	{"grown", strategy.ForeignPut, func(p strategy.BufferPool, i int) {
		buf := p.Get(sizeOf(i))
		p.Put(append(buf[:cap(buf)], 1))
		p.Put(buf)
	}},
	{"tail", strategy.SubslicePut, func(p strategy.BufferPool, i int) {
		buf := p.Get(sizeOf(i))
		p.Put(buf[1+i%(len(buf)-1):])
	}},
	{"clipped", strategy.SubslicePut, func(p strategy.BufferPool, i int) {
		buf := p.Get(4 << 10)
		p.Put(buf[: 1<<10 : 1<<10]) // of another class's capacity
	}},
	{"tail after Put", strategy.SubslicePut, func(p strategy.BufferPool, i int) {
		buf := p.Get(sizeOf(i))
		p.Put(buf)
		p.Put(buf[1:])
	}},
	{"leak", strategy.Leak, func(p strategy.BufferPool, i int) {
		p.Get(sizeOf(i))[0] = 1
	}},
	{"write, then forgotten", strategy.WriteToIdle, func(p strategy.BufferPool, i int) {
		buf := p.Get(sizeOf(i))
		p.Put(buf)
		buf[i%len(buf)]++
	}},
	{"write of zeroes", strategy.WriteToIdle, func(p strategy.BufferPool, i int) {
		buf := p.Get(sizeOf(i))
		p.Put(buf)
		clear(buf)
	}},
	{"write beyond the length", strategy.WriteToIdle, func(p strategy.BufferPool, i int) {
		buf := p.Get(100)
		p.Put(buf)
		buf[:cap(buf)][cap(buf)-1] = 0
	}},
}

func TestCheckedFindsEveryPlantedMisuse(t *testing.T) {
	everyStrategy(t, func(t *testing.T, p *inspector) {
		for _, m := range misuses {
			for i := range plants {
				m.plant(p, i)
			}
			collect()
			require.Equal(t, map[strategy.MisuseKind]int{m.kind: plants}, p.kinds(), m.name)
		}
		s := p.Stats()
		require.Equal(t, s.TotalGets, s.PoolHits+s.PoolMisses)
		require.LessOrEqual(t, s.Discards, s.TotalPuts)
	})
}

// TestCheckedFindsStalePuts: the buffer that the pool beneath has for the stale
// one is lent to somebody else meanwhile, and stays his.
func TestCheckedFindsStalePuts(t *testing.T) {
	p, _ := opened(t, config{Enabled: true})
	c := inspected(p)
	for i := range plants {
		stale := c.Get(0)
		c.Put(stale)
		other := c.Get(0)
		other[0], other[len(other)-1] = byte(i), 1
		c.Put(stale)
		third := c.Get(0)
		require.NotSame(t, &other[0], &third[0])
		require.Equal(t, []byte{byte(i), 1}, []byte{other[0], other[len(other)-1]})
		c.Put(other)
		c.Put(third)
	}
	require.Equal(t, map[strategy.MisuseKind]int{strategy.StalePut: plants}, c.kinds())
	require.EqualValues(t, plants, c.Stats().DoublePuts)
	require.Zero(t, c.Stats().ActiveBuffers)
	require.Positive(t, c.Stats().PoolHits)
}

// TestCheckedFindsStalePutsOfEveryStrategy: which buffer a strategy lends next is
// its own affair, so a stale Put may be a mere double one.
func TestCheckedFindsStalePutsOfEveryStrategy(t *testing.T) {
	everyStrategy(t, func(t *testing.T, p *inspector) {
		for i := range plants {
			stale := p.Get(sizeOf(i))
			p.Put(stale)
			other := p.Get(sizeOf(i))
			p.Put(stale)
			p.Put(other)
		}
		n := p.kinds()
		require.Equal(t, plants, n[strategy.StalePut]+n[strategy.DoublePut], n)
		require.Zero(t, p.Stats().ActiveBuffers)
	})
}

func TestReadAfterPutSeesPoison(t *testing.T) {
	everyStrategy(t, func(t *testing.T, p *inspector) {
		for i := range plants {
			buf := p.Get(sizeOf(i))
			whole := buf[:cap(buf)]
			for at := range whole {
				whole[at] = 1
			}
			p.Put(buf)
			want := bytes.Repeat([]byte{strategy.Poison}, len(whole))
			require.True(t, bytes.Equal(want, whole), "plant %d", i)
			p.Put(p.Get(sizeOf(i))) // lent again or not
			require.True(t, bytes.Equal(want, whole), "plant %d, later", i)
		}
		require.Empty(t, p.kinds())
	})
}

// TestCheckedFindsWritesOnTheWayOut: at every byte of a buffer, when the pool
// beneath lends it again.
func TestCheckedFindsWritesOnTheWayOut(t *testing.T) {
	for _, scrub := range []bool{false, true} {
		p, _ := opened(t, config{Enabled: true, Scrub: scrub, MinBufferSize: plants})
		c := inspected(p)
		for i := range plants {
			buf := c.Get(plants)
			c.Put(buf)
			buf[i] ^= 1
			again := c.Get(plants)
			require.Equal(t, map[strategy.MisuseKind]int{strategy.WriteToIdle: 1}, c.kinds(), "byte %d", i)
			require.NotSame(t, &buf[0], &again[0])
			c.Put(again)
		}
		require.EqualValues(t, plants, c.Stats().Damaged)
		collect()
		c.Check()
		require.Empty(t, c.kinds(), "each is reported once")
	}
}

func TestCheckFindsWritesToWhatIsStillReferenced(t *testing.T) {
	everyStrategy(t, func(t *testing.T, p *inspector) {
		var stale [][]byte
		for i := range plants {
			buf := p.Get(sizeOf(i))
			p.Put(buf)
			stale = append(stale, buf)
		}
		p.Check()
		require.Empty(t, p.kinds())
		for i, buf := range stale {
			buf[i%len(buf)]++
		}
		p.Check()
		require.Equal(t, map[strategy.MisuseKind]int{strategy.WriteToIdle: plants}, p.kinds())
		runtime.KeepAlive(stale)
		stale = nil
		collect()
		require.Empty(t, p.kinds(), "each is reported once")
	})
}

// TestCheckFindsLeaksThatWereCollected does not wait for a finalizer.
func TestCheckFindsLeaksThatWereCollected(t *testing.T) {
	everyStrategy(t, func(t *testing.T, p *inspector) {
		func() {
			for i := range plants {
				p.Get(sizeOf(i))
			}
		}()
		runtime.GC()
		p.Check()
		collect()
		require.Equal(t, map[strategy.MisuseKind]int{strategy.Leak: plants}, p.kinds())
	})
}

func TestHeldIsListedAndReportedAtClose(t *testing.T) {
	everyStrategy(t, func(t *testing.T, p *inspector) {
		var held [][]byte
		for i := range 10 {
			held = append(held, p.Get(1000+i))
		}
		p.Put(held[3])
		strategy.Drop(p, held[4])
		out := p.Held()
		require.Len(t, out, 8)
		require.Equal(t, cap(held[0]), out[0].Cap)
		require.Contains(t, out[0].Got.String(), "TestHeldIsListedAndReportedAtClose")
		require.Empty(t, p.kinds(), "to list is not to report")

		require.NoError(t, strategy.Close(p))
		require.Equal(t, map[strategy.MisuseKind]int{strategy.HeldAtClose: 8}, p.kinds())
		require.NoError(t, strategy.Close(p))
		require.Empty(t, p.kinds(), "once")

		held[0][0] = 1
		p.Put(held[0]) // allowed
		require.Empty(t, p.kinds())
		held[0][0] = 1
		p.Check()
		require.Equal(t, map[strategy.MisuseKind]int{strategy.WriteToIdle: 1}, p.kinds())
		runtime.KeepAlive(held)
		held = nil
		collect()
		require.Empty(t, p.kinds(), "what Close reported is not reported again")
	})
}

func TestCloseLooksAtWhatIsIdle(t *testing.T) {
	everyStrategy(t, func(t *testing.T, p *inspector) {
		buf := p.Get(300)
		p.Put(buf)
		buf[0] = 0
		require.NoError(t, strategy.Close(p))
		require.Equal(t, map[strategy.MisuseKind]int{strategy.WriteToIdle: 1}, p.kinds())
		runtime.KeepAlive(buf)
	})
}

func TestDroppedBufferIsItsHoldersAffair(t *testing.T) {
	everyStrategy(t, func(t *testing.T, p *inspector) {
		for i := range plants {
			buf := p.Get(sizeOf(i))
			strategy.Drop(p, buf)
			buf[0] = 1
		}
		collect()
		p.Check()
		require.Empty(t, p.kinds())
		s := p.Stats()
		require.Zero(t, s.ActiveBuffers)
		require.EqualValues(t, plants, s.Discards)
	})
}

func TestCheckedLendsDirtyMemoryUnlessItPromisesZeroes(t *testing.T) {
	for _, tc := range []struct {
		c    config
		want byte
	}{
		{config{Enabled: true}, strategy.Unwritten},
		{config{Enabled: true, Scrub: true}, 0},
		{config{}, 0},
	} {
		p, _ := opened(t, tc.c)
		c := inspected(p)
		for range 3 {
			buf := c.Get(5000)
			require.Equal(t, bytes.Repeat([]byte{tc.want}, cap(buf)), buf[:cap(buf)])
			c.Put(buf)
		}
	}
	c := inspected(chosen{})
	buf := c.Get(5)
	require.Equal(t, "chosen", string(buf[:cap(buf)]), "what an unknown pool lends is its own choice")
	require.Len(t, buf, 5)
}

// chosen is a pool whose buffers have contents.
type chosen struct{ strategy.BufferPool }

func (chosen) Get(size int) []byte { return []byte("chosen")[:size:6] }

func TestDisabledPoolStaysTheStandardLibraryWhenChecked(t *testing.T) {
	p, _ := opened(t, config{})
	c := inspected(p)
	require.IsType(t, io.TeeReader(nil, nil), c.TeeReader(nil, nil))
	_, err := c.CopyBuffer(io.Discard, bytes.NewReader(make([]byte, 10)))
	require.NoError(t, err)
	require.Zero(t, c.Stats().TotalGets)
}

// TestPoolThatLendsTwiceIsFound: here the fault is the pool's.
func TestPoolThatLendsTwiceIsFound(t *testing.T) {
	c := inspected(&same{buf: make([]byte, 64)})
	for range plants {
		a := c.Get(64)
		b := c.Get(64)
		require.NotSame(t, &a[0], &b[0])
		c.Put(b)
		b = c.Get(64) // not held: it was b's
		c.Put(b)
		c.Put(a)
	}
	require.Equal(t, map[strategy.MisuseKind]int{strategy.LentTwice: plants}, c.kinds())
}

// same lends one buffer to everybody.
type same struct {
	strategy.BufferPool
	buf []byte
}

func (s *same) Get(int) []byte { return s.buf }
func (s *same) Put([]byte)     {}

func TestCheckedTwiceIsCheckedOnce(t *testing.T) {
	p, _ := opened(t, config{Enabled: true})
	first := inspected(p)
	second := inspected(first.CheckedPool)
	require.Same(t, p, second.Unwrap())
	second.Put(make([]byte, 10))
	require.Empty(t, first.kinds())
	require.Len(t, second.kinds(), 1)
}

func TestPutOfNothingIsNoMisuse(t *testing.T) {
	p, _ := opened(t, config{Enabled: true})
	c := inspected(p)
	c.Put(nil)
	c.Drop(nil)
	c.Put([]byte{})
	require.Empty(t, c.kinds())
	require.Zero(t, c.Stats())
}
