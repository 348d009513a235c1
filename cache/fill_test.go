package cache_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/daramjwee/daramjwee/cache"
	"github.com/daramjwee/daramjwee/cache/store"
	"github.com/daramjwee/daramjwee/cache/store/disk"
	"github.com/daramjwee/daramjwee/cache/store/memory"
	"github.com/daramjwee/daramjwee/internal/checked"
	"github.com/daramjwee/daramjwee/internal/race"
)

// tiers are the kinds of tier that readers share a fill in, and one in which they
// cannot.
var tiers = map[string]func(t *testing.T) store.Store{
	"memory": func(t *testing.T) store.Store { return memoryTier(t) },
	"disk": func(t *testing.T) store.Store {
		s, err := disk.Open(t.TempDir(), disk.Options{MaxBytes: 256 << 20})
		require.NoError(t, err)
		return s
	},
}

// eachTier runs a test once per strategy and kind of tier, in a bubble of fake time.
func eachTier(t *testing.T, test func(t *testing.T, strategy cache.Option, tier func(t *testing.T) store.Store)) {
	for name, tier := range tiers {
		t.Run("tier="+name, func(t *testing.T) {
			each(t, func(t *testing.T, s cache.Option) { test(t, s, tier) })
		})
	}
}

// stepping is a body that comes when it is let go, in pieces.
type stepping struct {
	ctx   context.Context // ends it, as it would a body over the network; nil: nothing does
	body  []byte
	piece int
	step  chan struct{} // closed: the rest comes at once
}

func (s *stepping) Read(p []byte) (int, error) {
	<-s.step
	if s.ctx != nil && s.ctx.Err() != nil {
		return 0, s.ctx.Err()
	}
	if len(s.body) == 0 {
		return 0, io.EOF
	}
	n := copy(p, s.body[:min(s.piece, len(s.body))])
	s.body = s.body[n:]
	return n, nil
}

func (s *stepping) Close() error { return nil }

func pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i*7 + i>>8*13 + i>>16)
	}
	return b
}

// TestOneFillManyReaders: all of 10,000 callers get their first bytes while the
// fill is running, from one fetch, and the rest after the first caller's context
// has ended and it has left.
func TestOneFillManyReaders(t *testing.T) {
	eachTier(t, func(t *testing.T, s cache.Option, tier func(t *testing.T) store.Store) {
		c := opened(t, s, cache.WithTiers(tier(t)))
		callers := 10_000
		if race.Enabled || strings.Contains(t.Name(), "tier=disk") {
			callers = 500
		}
		want := pattern(100_000)
		src := &stepping{body: want, piece: 50_000, step: make(chan struct{})}
		var fetches atomic.Int64
		f := cache.FetcherFunc(func(ctx context.Context, _ *store.Metadata) (*cache.FetchResult, error) {
			fetches.Add(1)
			src.ctx = ctx
			time.Sleep(time.Second) // all others come meanwhile
			return &cache.FetchResult{Body: src, Metadata: store.Metadata{Size: int64(len(want))}}, nil
		})
		var wg sync.WaitGroup
		var begun, collapsed, right atomic.Int64
		for range callers {
			wg.Go(func() {
				own, cancel := context.WithCancel(ctx)
				defer cancel()
				r, err := c.Get(own, "k", f)
				if err != nil {
					t.Error(err)
					return
				}
				defer r.Close()
				got := make([]byte, len(want)/2)
				if _, err := io.ReadFull(r, got); err != nil || !bytes.Equal(got, want[:len(got)]) {
					t.Errorf("first half: %v", err)
				}
				begun.Add(1)
				if !r.Status().Collapsed { // the first caller is cancelled at half
					cancel()
					return
				}
				collapsed.Add(1)
				rest, err := io.ReadAll(r)
				if err == nil && bytes.Equal(rest, want[len(got):]) {
					right.Add(1)
				}
			})
		}
		time.Sleep(2 * time.Second)
		for begun.Load() == 0 { // a tier may take less than half at once
			src.step <- struct{}{}
			synctest.Wait()
		}
		require.EqualValues(t, callers, begun.Load(), "half of it while the fill is running")
		require.EqualValues(t, 1, c.Stats().Fetches)
		close(src.step)
		wg.Wait()
		require.EqualValues(t, callers-1, collapsed.Load())
		require.EqualValues(t, callers-1, right.Load())
		require.EqualValues(t, 1, fetches.Load())
		_, st := read(t, c, "k", f)
		require.True(t, st.Hit)
		st2 := c.Stats()
		require.EqualValues(t, callers-1, st2.Collapsed)
		require.EqualValues(t, callers, st2.Misses)
	})
}

// stalled is a client that takes what it is given only when it is let go.
type stalled struct {
	after int
	n     int
	free  chan struct{}
}

func (s *stalled) Write(p []byte) (int, error) {
	if s.n += len(p); s.n > s.after {
		<-s.free
	}
	return len(p), nil
}

// TestStalledReaderSlowsNobody: what it has not read yet lies in the tier, and
// costs no memory beside it.
func TestStalledReaderSlowsNobody(t *testing.T) {
	for name, tier := range map[string]func(t *testing.T) store.Store{
		"memory": func(t *testing.T) store.Store {
			s, err := memory.New(memory.Options{MaxBytes: 80 << 20})
			require.NoError(t, err)
			return s
		},
		"disk": tiers["disk"],
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, s cache.Option) {
				size, others := 64<<20, 50
				if race.Enabled {
					size, others = 8<<20, 10
				}
				c := opened(t, s, cache.WithTiers(tier(t)))
				f := cache.FetcherFunc(func(context.Context, *store.Metadata) (*cache.FetchResult, error) {
					return &cache.FetchResult{Body: io.NopCloser(&endless{left: size}), Metadata: store.Metadata{Size: int64(size)}}, nil
				})
				first, err := c.Get(ctx, "k", f)
				require.NoError(t, err)
				client := &stalled{after: 1 << 20, free: make(chan struct{})}
				done := make(chan error)
				go func() { _, err := first.WriteTo(client); done <- err }()
				synctest.Wait()
				before := heap()
				var wg sync.WaitGroup
				var whole atomic.Int64
				for range others {
					wg.Go(func() {
						r, err := c.Get(ctx, "k", f)
						if err != nil {
							t.Error(err)
							return
						}
						defer r.Close()
						var n counting
						if _, err := io.Copy(&n, r); err == nil && int(n) == size {
							whole.Add(1)
						}
					})
				}
				wg.Wait()
				grown := heap() - before
				if name == "memory" {
					grown -= size // the staged entry
				}
				require.EqualValues(t, others, whole.Load())
				if !checked.Everywhere { // each block has a twin then
					require.Less(t, grown, 64*(32<<10), "heap beyond the staged entry")
				}
				require.EqualValues(t, 1, c.Stats().Fetches)
				close(client.free)
				require.NoError(t, <-done)
				require.Equal(t, size, client.n)
				require.NoError(t, first.Close())
			})
		})
	}
}

// TestNobodyJoinsWhatIsStale: a client that stands still for hours keeps a fill
// open, and others come to it.
func TestNobodyJoinsWhatIsStale(t *testing.T) {
	eachTier(t, func(t *testing.T, s cache.Option, tier func(t *testing.T) store.Store) {
		c := opened(t, s, cache.WithTiers(tier(t)))
		o := &origin{body: string(pattern(100_000)), meta: store.Metadata{Size: 100_000, TTL: time.Minute, StaleWhileRevalidate: time.Minute}}
		slow, err := c.Get(ctx, "k", o)
		require.NoError(t, err)
		defer slow.Close()
		got := make([]byte, len(o.body))
		_, err = io.ReadFull(slow, got[:10])
		require.NoError(t, err)

		time.Sleep(119 * time.Second)
		joined, err := c.Get(ctx, "k", o)
		require.NoError(t, err)
		require.True(t, joined.Status().Collapsed, "within the window")
		require.NoError(t, joined.Close())
		time.Sleep(2 * time.Second)
		newer := &origin{body: "newer", meta: o.meta}
		newer.meta.Size = 5
		body, st := read(t, c, "k", newer)
		require.Equal(t, "newer", body)
		require.False(t, st.Collapsed)

		_, err = io.ReadFull(slow, got[10:])
		require.NoError(t, err)
		require.Equal(t, o.body, string(got), "whoever reads it reads on")
		require.NoError(t, slow.Close())
		body, st = read(t, c, "k", newer)
		require.Equal(t, "newer", body)
		require.True(t, st.Hit, "what came later stays")
		require.EqualValues(t, 1, o.fetches.Load())
		require.EqualValues(t, 1, newer.fetches.Load())
	})
}

type endless struct{ left int }

func (e *endless) Read(p []byte) (int, error) {
	if e.left == 0 {
		return 0, io.EOF
	}
	n := min(len(p), e.left, 16<<10)
	clear(p[:n])
	e.left -= n
	return n, nil
}

type counting int

func (c *counting) Write(p []byte) (int, error) {
	*c += counting(len(p))
	return len(p), nil
}

func heap() int {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// blind hides what lets readers join a fill.
type blind struct{ store.Store }

func (b blind) Create(ctx context.Context, key string, m store.Metadata) (store.Writer, error) {
	w, err := b.Store.Create(ctx, key, m)
	if err != nil {
		return nil, err
	}
	return struct{ store.Writer }{w}, nil
}

// TestTierThatLetsNobodyReadAlong is read after the commit; one whose leader's
// client stalls is not waited for longer than OpTimeout.
func TestTierThatLetsNobodyReadAlong(t *testing.T) {
	each(t, func(t *testing.T, s cache.Option) {
		c := opened(t, s, cache.WithTiers(blind{memoryTier(t)}), cache.WithOpTimeout(10*time.Second))
		o := &origin{body: strings.Repeat("body", 1000)}
		follow := func(key string) <-chan string {
			got := make(chan string, 1)
			go func() { s, _ := read(t, c, key, o); got <- s }()
			synctest.Wait()
			return got
		}
		lead, err := c.Get(ctx, "leaves", o)
		require.NoError(t, err)
		got := follow("leaves")
		require.NoError(t, lead.Close())
		require.Equal(t, o.body, <-got, "who waited leads")
		require.EqualValues(t, 2, o.fetches.Load())

		lead, err = c.Get(ctx, "commits", o)
		require.NoError(t, err)
		got = follow("commits")
		_, err = io.Copy(io.Discard, lead)
		require.NoError(t, err)
		require.Equal(t, o.body, <-got)
		require.NoError(t, lead.Close())
		require.EqualValues(t, 3, o.fetches.Load())

		lead, err = c.Get(ctx, "stalls", o)
		require.NoError(t, err)
		began := time.Now()
		require.Equal(t, o.body, <-follow("stalls"))
		require.Equal(t, 10*time.Second, time.Since(began))
		require.EqualValues(t, 1, c.Stats().Bypasses)
		require.NoError(t, lead.Close())
	})
}

// TestWaitingMakesNobodyTakeAnOldAnswer: who comes while the body of an answer is still
// on its way, and cannot read along, is served it if it is fresh when it is there.
func TestWaitingMakesNobodyTakeAnOldAnswer(t *testing.T) {
	each(t, func(t *testing.T, s cache.Option) {
		for age, fetches := range map[time.Duration]int64{30 * time.Second: 1, 2 * time.Minute: 2} {
			c := opened(t, s, cache.WithTiers(blind{memoryTier(t)}), cache.WithFreshness(time.Minute, time.Minute), cache.WithStaleWhileRevalidate(-1))
			o := &origin{body: strings.Repeat("body", 1000)}
			lead, err := c.Get(ctx, "k", o)
			require.NoError(t, err)
			time.Sleep(age)
			got := make(chan cache.Status, 1)
			go func() { _, st := read(t, c, "k", o); got <- st }()
			synctest.Wait()
			_, err = io.Copy(io.Discard, lead)
			require.NoError(t, err)
			require.NoError(t, lead.Close())
			st := <-got
			require.Positive(t, st.TTL)
			require.Equal(t, fetches == 1, st.Collapsed)
			require.Equal(t, fetches, o.fetches.Load(), "%v", st)
		}
	})
}

// slowToCreate is a tier that takes its time.
type slowToCreate struct{ *memory.Store }

func (s slowToCreate) Create(ctx context.Context, key string, m store.Metadata) (store.Writer, error) {
	time.Sleep(time.Second)
	return s.Store.Create(ctx, key, m)
}

// TestWhoComesBetweenAnswerAndTier finds an answer that may be served to those who asked
// before it came, and asks for one of his own.
func TestWhoComesBetweenAnswerAndTier(t *testing.T) {
	each(t, func(t *testing.T, s cache.Option) {
		c := opened(t, s, cache.WithTiers(slowToCreate{memoryTier(t)}), cache.WithFreshness(-1, 0), cache.WithStaleWhileRevalidate(-1))
		o := &origin{body: strings.Repeat("body", 1000)}
		for range 2 {
			go func() { read(t, c, "k", o) }()
			time.Sleep(100 * time.Millisecond)
		}
		synctest.Wait()
		require.EqualValues(t, 1, o.fetches.Load())
		time.Sleep(time.Minute)
		require.EqualValues(t, 2, o.fetches.Load())
	})
}

// TestReaderThatPanicsHarmsNobody: its client's Write panics, with or without the
// pull, and the others read on.
func TestReaderThatPanicsHarmsNobody(t *testing.T) {
	eachTier(t, func(t *testing.T, s cache.Option, tier func(t *testing.T) store.Store) {
		c := opened(t, s, cache.WithTiers(tier(t)))
		o := &origin{body: string(pattern(300_000))}
		for _, leads := range []bool{true, false} {
			key := fmt.Sprint(leads)
			first, err := c.Get(ctx, key, o)
			require.NoError(t, err)
			second, err := c.Get(ctx, key, o)
			require.NoError(t, err)
			victim, other := first, second
			if !leads {
				victim, other = second, first
				_, err := io.CopyN(io.Discard, struct{ io.Reader }{other}, 100_000) // the victim reads what is staged
				require.NoError(t, err)
			}
			require.PanicsWithValue(t, "client", func() {
				defer victim.Close()
				victim.WriteTo(writerFunc(func([]byte) (int, error) { panic("client") }))
			})
			rest, err := io.ReadAll(other)
			require.NoError(t, err)
			require.True(t, strings.HasSuffix(o.body, string(rest)) && len(rest) >= 200_000)
			require.NoError(t, other.Close())
			_, st := read(t, c, key, o)
			require.True(t, st.Hit)
		}
		require.EqualValues(t, 2, o.fetches.Load())
	})
}
