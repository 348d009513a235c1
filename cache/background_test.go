package cache_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/daramjwee/daramjwee/cache"
	"github.com/daramjwee/daramjwee/cache/store"
)

// cold is a colder tier that can be slow and can fail, and that notices two
// writers of one key at a time.
type cold struct {
	store.Store
	slow   func(ctx context.Context, key string)         // in Create; nil: not at all
	faulty func(call, key string, tries int) (fail bool) // of "create", "write" and "commit"; nil: never

	mu      sync.Mutex // guards the following 3 fields
	creates map[string]int
	writing map[string]int
	most    int // writers of one key at a time
}

func newCold(t *testing.T) *cold {
	return &cold{Store: memoryTier(t), creates: make(map[string]int), writing: make(map[string]int)}
}

func (c *cold) Create(ctx context.Context, key string, m store.Metadata) (store.Writer, error) {
	c.mu.Lock()
	c.creates[key]++
	w := &coldWriter{tier: c, key: key, tries: c.creates[key]}
	c.writing[key]++
	c.most = max(c.most, c.writing[key])
	c.mu.Unlock()
	if c.slow != nil {
		c.slow(ctx, key)
	}
	err := ctx.Err()
	if err == nil {
		err = w.fault("create")
	}
	if err == nil {
		w.Writer, err = c.Store.Create(ctx, key, m)
	}
	if err != nil {
		w.ended()
		return nil, err
	}
	return w, nil
}

// Close leaves the tier open, for the test to look into.
func (c *cold) Close() error { return nil }

func (c *cold) tries(key string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.creates[key]
}

type coldWriter struct {
	store.Writer
	tier  *cold
	key   string
	tries int
	once  sync.Once
}

func (w *coldWriter) fault(call string) error {
	if w.tier.faulty != nil && w.tier.faulty(call, w.key, w.tries) {
		return errTier
	}
	return nil
}

func (w *coldWriter) Write(p []byte) (int, error) {
	if err := w.fault("write"); err != nil {
		n, _ := w.Writer.Write(p[:len(p)/2])
		return n, err
	}
	return w.Writer.Write(p)
}

func (w *coldWriter) Commit(ctx context.Context) error {
	defer w.ended()
	if err := w.fault("commit"); err != nil {
		w.Writer.Abort()
		return err
	}
	return w.Writer.Commit(ctx)
}

func (w *coldWriter) Abort() error {
	defer w.ended()
	return w.Writer.Abort()
}

func (w *coldWriter) ended() {
	w.once.Do(func() {
		w.tier.mu.Lock()
		defer w.tier.mu.Unlock()
		w.tier.writing[w.key]--
	})
}

// near is a tier 0 that counts the entries that are open. plain hides what they
// can do beside Read.
type near struct {
	store.Store
	plain bool
	open  atomic.Int64
}

func (n *near) Open(ctx context.Context, key string) (store.Entry, error) {
	e, err := n.Store.Open(ctx, key)
	if err != nil {
		return nil, err
	}
	n.open.Add(1)
	if n.plain {
		return &nearEntry{Entry: e, of: n}, nil
	}
	return &nearReaderAt{nearEntry{Entry: e, of: n}}, nil
}

// Close leaves the tier open, for the test to look into.
func (n *near) Close() error { return nil }

type nearEntry struct {
	store.Entry
	of   *near
	once sync.Once
}

func (e *nearEntry) Close() error {
	e.once.Do(func() { e.of.open.Add(-1) })
	return e.Entry.Close()
}

type nearReaderAt struct{ nearEntry }

func (e *nearReaderAt) ReadAt(p []byte, off int64) (int, error) {
	return e.Entry.(io.ReaderAt).ReadAt(p, off)
}

// heldUp makes a tier wait for one key until release is closed or the cache ends.
func heldUp(key string, release chan struct{}) func(context.Context, string) {
	return func(ctx context.Context, k string) {
		if k == key {
			select {
			case <-release:
			case <-ctx.Done():
			}
		}
	}
}

func set(t *testing.T, c *cache.DaramjweeCache, key, body string) {
	t.Helper()
	w, err := c.Set(ctx, key, store.Metadata{})
	require.NoError(t, err)
	_, err = io.WriteString(w, body)
	require.NoError(t, err)
	require.NoError(t, w.Commit(ctx))
}

// holds is what a tier has under a key; "" is nothing.
func holds(t *testing.T, s store.Store, key string) string {
	t.Helper()
	e, err := s.Open(ctx, key)
	if errors.Is(err, store.ErrNotFound) {
		return ""
	}
	require.NoError(t, err)
	defer e.Close()
	b, err := io.ReadAll(e)
	require.NoError(t, err)
	return string(b)
}

func balanced(t *testing.T, s cache.Stats) {
	t.Helper()
	require.Equal(t, s.Scheduled, s.Run+s.Dropped+s.Deduplicated+s.Queued+s.Running, "%+v", s)
}

// full is a cache of one worker and one place: it persists "running", which the
// colder tier holds up, and "queued" waits.
func full(t *testing.T, p cache.OverflowPolicy, opts ...cache.Option) (c *cache.DaramjweeCache, hot *near, tier *cold, release chan struct{}) {
	t.Helper()
	hot, tier, release = &near{Store: memoryTier(t)}, newCold(t), make(chan struct{})
	tier.slow = heldUp("running", release)
	c, err := cache.New(append([]cache.Option{cache.WithTiers(hot, tier), cache.WithWorkers(1, 1), cache.WithOverflow(p)}, opts...)...)
	require.NoError(t, err)
	set(t, c, "running", "1")
	synctest.Wait()
	set(t, c, "queued", "2")
	s := c.Stats()
	require.Equal(t, []int64{2, 1, 1, 0}, []int64{s.Scheduled, s.Running, s.Queued, s.Dropped})
	return c, hot, tier, release
}

// closed ends a cache whose work could be done, and looks after what is left.
func closed(t *testing.T, c *cache.DaramjweeCache, hot *near) cache.Stats {
	t.Helper()
	require.NoError(t, c.Close())
	s := c.Stats()
	balanced(t, s)
	require.Equal(t, []int64{0, 0, 0}, []int64{s.Queued, s.Running, s.BufferPool.ActiveBuffers})
	require.Zero(t, hot.open.Load(), "an entry was left open")
	return s
}

func TestOverflowDropNeverDelaysItsCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, hot, tier, release := full(t, cache.OverflowDrop)
		began := time.Now()
		set(t, c, "late", "3")
		require.Zero(t, time.Since(began))
		require.EqualValues(t, 1, c.Stats().Dropped)
		close(release)
		s := closed(t, c, hot)
		require.Equal(t, []int64{3, 2, 1, 2}, []int64{s.Scheduled, s.Run, s.Dropped, s.Persists})
		require.Equal(t, []int64{0, 0}, []int64{s.Blocked, s.Inlined})
		require.Zero(t, tier.tries("late"))
	})
}

func TestOverflowBlockWaitsForAPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, hot, tier, release := full(t, cache.OverflowBlock)
		began := time.Now()
		time.AfterFunc(7*time.Second, func() { close(release) })
		var callers sync.WaitGroup
		for i := range 20 {
			callers.Go(func() { set(t, c, fmt.Sprint("late", i), "3") })
		}
		synctest.Wait()
		s := c.Stats()
		balanced(t, s)
		require.Equal(t, []int64{20, 1, 2}, []int64{s.Blocked, s.Queued, s.Scheduled})
		callers.Wait()
		require.Equal(t, 7*time.Second, time.Since(began))
		s = closed(t, c, hot)
		require.Equal(t, []int64{22, 22, 0, 22, 0}, []int64{s.Scheduled, s.Run, s.Dropped, s.Persists, s.Inlined})
		require.Equal(t, 1, tier.tries("late19"))
	})
}

func TestOverflowBlockEndsWithOpTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, hot, _, release := full(t, cache.OverflowBlock, cache.WithOpTimeout(5*time.Second))
		began := time.Now()
		set(t, c, "late", "3")
		require.Equal(t, 5*time.Second, time.Since(began))
		require.Equal(t, "3", holds(t, hot.Store, "late"), "the caller has what it asked for")
		close(release)
		s := closed(t, c, hot)
		require.Equal(t, []int64{3, 2, 1, 1}, []int64{s.Scheduled, s.Run, s.Dropped, s.Blocked})
	})
}

func TestOverflowInlineHasTheCallerDoIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, hot, tier, release := full(t, cache.OverflowInline)
		set(t, c, "late", "3")
		require.Equal(t, "3", holds(t, tier.Store, "late"), "before Commit returns")
		s := c.Stats()
		require.Equal(t, []int64{3, 1, 1, 1, 1}, []int64{s.Scheduled, s.Run, s.Inlined, s.Queued, s.Running})

		// "running" is written to the tier now: not by two at once.
		began := time.Now()
		time.AfterFunc(3*time.Second, func() { close(release) })
		set(t, c, "running", "4")
		require.Equal(t, 3*time.Second, time.Since(began))
		s = closed(t, c, hot)
		require.Equal(t, []int64{4, 4, 0, 1}, []int64{s.Scheduled, s.Run, s.Dropped, s.Blocked})
		require.Equal(t, "4", holds(t, hot.Store, "running"))
		require.Equal(t, 1, tier.most)
	})
}

func TestRefreshNeverWaitsForAPlace(t *testing.T) {
	for _, p := range []cache.OverflowPolicy{cache.OverflowDrop, cache.OverflowBlock, cache.OverflowInline} {
		t.Run(string(p), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, hot, _, release := full(t, p, cache.WithFreshness(time.Second, 0))
				time.Sleep(2 * time.Second) // all is stale
				slow := &origin{body: "new", delay: time.Minute}
				began := time.Now()
				require.ErrorIs(t, c.ScheduleRefresh(ctx, "queued", slow), cache.ErrQueueFull)
				got, status := read(t, c, "queued", slow)
				require.Equal(t, "2", got)
				require.True(t, status.Hit)
				require.Zero(t, time.Since(began), "a stale hit does not wait for the origin")
				require.Zero(t, slow.fetches.Load())
				close(release)
				s := closed(t, c, hot)
				require.Equal(t, []int64{4, 2, 2}, []int64{s.Scheduled, s.Run, s.Dropped})
			})
		})
	}
}

// A worker that waited for the queue which it alone empties would wait for ever.
func TestWorkersRefreshPersistsInAFullQueue(t *testing.T) {
	for p, want := range map[cache.OverflowPolicy][]int64{ // run, dropped, inlined
		cache.OverflowDrop:   {2, 1, 0},
		cache.OverflowBlock:  {3, 0, 1},
		cache.OverflowInline: {3, 0, 1},
	} {
		for _, answer := range []string{"body", "not found", "not modified"} {
			t.Run(string(p)+"/"+answer, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					hot, tier := &near{Store: memoryTier(t)}, newCold(t)
					c, err := cache.New(cache.WithTiers(hot, tier), cache.WithWorkers(1, 1), cache.WithOverflow(p))
					require.NoError(t, err)
					if answer == "not modified" {
						set(t, c, "refreshed", "old")
						synctest.Wait()
					}
					before := c.Stats()
					began := time.Now()
					o := &origin{body: "new", delay: time.Second, err: map[string]error{"not found": cache.ErrNotFound, "not modified": cache.ErrNotModified}[answer]}
					require.NoError(t, c.ScheduleRefresh(ctx, "refreshed", o))
					synctest.Wait()
					set(t, c, "queued", "2") // while the refresh runs
					time.Sleep(time.Second)
					synctest.Wait()
					require.Equal(t, time.Second, time.Since(began))
					s := closed(t, c, hot)
					require.EqualValues(t, 1, s.Refreshes)
					require.Equal(t, want, []int64{s.Run - before.Run, s.Dropped, s.Inlined})
					require.Zero(t, s.Blocked)
				})
			})
		}
	}
}

func TestEveryOutcomeIsCountedOnce(t *testing.T) {
	for _, p := range []cache.OverflowPolicy{cache.OverflowDrop, cache.OverflowBlock, cache.OverflowInline} {
		t.Run(string(p), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const workers, queue = 3, 4
				hot, tier := &near{Store: memoryTier(t)}, newCold(t)
				tier.slow = func(context.Context, string) { time.Sleep(rand.N(50 * time.Millisecond)) }
				tier.faulty = func(call, _ string, _ int) bool { return rand.IntN(8) == 0 }
				c, err := cache.New(cache.WithTiers(hot, tier), cache.WithWorkers(workers, queue), cache.WithOverflow(p))
				require.NoError(t, err)
				var callers sync.WaitGroup
				for range 12 {
					callers.Go(func() {
						for range 50 {
							key := fmt.Sprint(rand.IntN(20))
							w, err := c.Set(ctx, key, store.Metadata{})
							require.NoError(t, err)
							io.WriteString(w, key)
							if err := w.Commit(ctx); !errors.Is(err, cache.ErrSuperseded) {
								require.NoError(t, err)
							}
							time.Sleep(rand.N(40 * time.Millisecond))
							s := c.Stats()
							balanced(t, s)
							require.LessOrEqual(t, s.Queued, int64(queue+workers), "entries held by work that waits")
						}
					})
				}
				callers.Wait()
				time.Sleep(time.Minute)
				s := closed(t, c, hot)
				if p == cache.OverflowBlock || p == cache.OverflowInline {
					require.Zero(t, s.Dropped)
				} else {
					require.NotZero(t, s.Dropped)
				}
				require.Equal(t, p == cache.OverflowInline, s.Inlined > 0)
				require.Equal(t, p != cache.OverflowDrop, s.Blocked > 0)
				require.NotZero(t, s.Deduplicated)
				if p == cache.OverflowBlock { // the others try again only where the queue happens to have room
					require.NotZero(t, s.Retried)
				}
				require.LessOrEqual(t, s.Persists+s.PersistFailures, s.Run)
				require.GreaterOrEqual(t, s.Persists+s.PersistFailures+s.Superseded, s.Run)
				require.Equal(t, 1, tier.most, "writers of one key in one tier")
			})
		})
	}
}

func TestCloseWithAFullQueueDrains(t *testing.T) {
	for _, p := range []cache.OverflowPolicy{cache.OverflowDrop, cache.OverflowBlock, cache.OverflowInline} {
		t.Run(string(p), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, hot, tier, release := full(t, p)
				var caller sync.WaitGroup
				caller.Go(func() { set(t, c, "running", "3") }) // follows, or waits to
				synctest.Wait()
				time.AfterFunc(5*time.Second, func() { close(release) })
				began := time.Now()
				s := closed(t, c, hot)
				require.Equal(t, 5*time.Second, time.Since(began))
				caller.Wait()
				require.Equal(t, p == cache.OverflowDrop, s.Dropped == 1)
				require.Equal(t, 1, tier.most)
			})
		})
	}
}

func TestCloseThatRunsOutOfTimeLeavesNothingBehind(t *testing.T) {
	for p, message := range map[cache.OverflowPolicy]string{
		cache.OverflowDrop:   "abandoned 0 open streams, 1 running and 1 queued",
		cache.OverflowBlock:  "abandoned 1 open streams, 1 running and 1 queued",
		cache.OverflowInline: "abandoned 1 open streams, 1 running and 1 queued",
	} {
		t.Run(string(p), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, hot, _, _ := full(t, p, cache.WithCloseTimeout(4*time.Second))
				var caller sync.WaitGroup
				caller.Go(func() { set(t, c, "running", "3") })
				synctest.Wait()
				began := time.Now()
				require.ErrorContains(t, c.Close(), message)
				require.Equal(t, 4*time.Second, time.Since(began))
				caller.Wait()
				s := c.Stats()
				balanced(t, s)
				require.Equal(t, []int64{3, 1, 2, 0}, []int64{s.Scheduled, s.Run, s.Dropped, s.Queued})
				require.EqualValues(t, 1, s.PersistFailures, "the running one was cancelled")
				require.Zero(t, hot.open.Load())
			})
		})
	}
}

// The tier hears nothing of a context's end: Close goes without it.
func TestCloseLeavesATierThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, hot, tier, release := full(t, cache.OverflowDrop, cache.WithCloseTimeout(4*time.Second))
		close(release) // of the test's own
		synctest.Wait()
		hung := make(chan struct{})
		tier.slow = func(context.Context, string) { <-hung }
		set(t, c, "hangs", "1")
		synctest.Wait()
		set(t, c, "hangs", "2") // follows
		began := time.Now()
		require.ErrorContains(t, c.Close(), "1 running and 1 queued")
		require.Equal(t, 5*time.Second, time.Since(began), "and a second of grace")
		require.EqualValues(t, 1, hot.open.Load(), "the one that is being read")
		close(hung)
		synctest.Wait()
		require.Zero(t, hot.open.Load())
		balanced(t, c.Stats())
	})
}

func TestFetcherThatEndsItsWorkerIsReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hot := &near{Store: memoryTier(t)}
		c, err := cache.New(cache.WithTiers(hot), cache.WithWorkers(1, 10))
		require.NoError(t, err)
		for range 3 {
			require.NoError(t, c.ScheduleRefresh(ctx, "k", cache.FetcherFunc(goexit)))
			synctest.Wait()
		}
		require.NoError(t, c.ScheduleRefresh(ctx, "k", &origin{body: strings.Repeat("x", 10)}))
		s := closed(t, c, hot)
		require.Equal(t, []int64{4, 4, 1}, []int64{s.Scheduled, s.Run, s.Refreshes})
	})
}
