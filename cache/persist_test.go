package cache_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/daramjwee/daramjwee/cache"
	"github.com/daramjwee/daramjwee/cache/store"
	"github.com/daramjwee/daramjwee/cache/store/memory"
)

func goexit(context.Context, *store.Metadata) (*cache.FetchResult, error) {
	runtime.Goexit()
	return nil, nil
}

func persisting(t *testing.T, hot *near, tier store.Store, opts ...cache.Option) *cache.DaramjweeCache {
	t.Helper()
	c, err := cache.New(append([]cache.Option{cache.WithTiers(hot, tier), cache.WithWorkers(1, 10)}, opts...)...)
	require.NoError(t, err)
	return c
}

func TestEvictedWhileItWaitsIsPersisted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hot, tier, release := &near{Store: memoryTier(t)}, newCold(t), make(chan struct{})
		tier.slow = heldUp("running", release)
		c := persisting(t, hot, tier)
		set(t, c, "running", "1")
		set(t, c, "waits", "2")
		synctest.Wait()
		for _, key := range []string{"running", "waits"} { // as an eviction does it
			require.NoError(t, hot.Store.Delete(ctx, key))
		}
		close(release)
		s := closed(t, c, hot)
		require.EqualValues(t, 2, s.Persists)
		require.Equal(t, "1", holds(t, tier.Store, "running"))
		require.Equal(t, "2", holds(t, tier.Store, "waits"))
	})
}

func TestOfSeveralSetsTheNewestIsPersisted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hot, tier, release := &near{Store: memoryTier(t)}, newCold(t), make(chan struct{})
		tier.slow = heldUp("k", release)
		c := persisting(t, hot, tier, cache.WithWorkers(4, 10))
		for i := range 51 {
			set(t, c, "k", fmt.Sprint(i))
			synctest.Wait()
		}
		s := c.Stats()
		require.Equal(t, []int64{1, 1, 49}, []int64{s.Running, s.Queued, s.Deduplicated})
		require.EqualValues(t, 2, hot.open.Load(), "what was replaced is closed")
		close(release)
		s = closed(t, c, hot)
		require.Equal(t, []int64{51, 2, 49}, []int64{s.Scheduled, s.Run, s.Deduplicated})
		require.Equal(t, "50", holds(t, tier.Store, "k"))
		require.Equal(t, 1, tier.most)
		require.Equal(t, 2, tier.tries("k"))
	})
}

func TestConcurrentSetsEndWithTheNewestInEachTier(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hot, second, third := &near{Store: memoryTier(t)}, newCold(t), newCold(t)
		second.slow = func(context.Context, string) { time.Sleep(time.Millisecond) }
		c, err := cache.New(cache.WithTiers(hot, second, third), cache.WithWorkers(4, 100))
		require.NoError(t, err)
		var callers sync.WaitGroup
		for i := range 8 {
			callers.Go(func() {
				for j := range 100 {
					w, err := c.Set(ctx, "k", store.Metadata{})
					require.NoError(t, err)
					w.Write([]byte(fmt.Sprint(i, j)))
					w.Commit(ctx) // superseded, or published
				}
			})
		}
		callers.Wait()
		s := closed(t, c, hot)
		require.Zero(t, s.Dropped)
		require.NotZero(t, s.Deduplicated)
		newest := holds(t, hot.Store, "k")
		require.NotEmpty(t, newest)
		require.Equal(t, newest, holds(t, second.Store, "k"))
		require.Equal(t, newest, holds(t, third.Store, "k"))
		require.Equal(t, []int{1, 1}, []int{second.most, third.most})
	})
}

func TestTierThatFailsForAWhileHasTheEntryInTheEnd(t *testing.T) {
	body := strings.Repeat("body", 50_000)
	for _, call := range []string{"create", "write", "commit"} {
		for _, plain := range []bool{false, true} {
			for fails := range 3 {
				t.Run(fmt.Sprintf("%s/plain=%t/fails=%d", call, plain, fails), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						hot, tier := &near{Store: memoryTier(t), plain: plain}, newCold(t)
						tier.faulty = func(at, key string, tries int) bool { return key == "k" && at == call && tries <= fails }
						c := persisting(t, hot, tier)
						set(t, c, "k", body)
						synctest.Wait()
						set(t, c, "other", "1")
						synctest.Wait()
						require.Equal(t, "1", holds(t, tier.Store, "other"), "a pause takes up no worker")
						require.Equal(t, fails > 0, c.Stats().Queued == 1)
						time.Sleep(firstPause + secondPause)
						require.True(t, body == holds(t, tier.Store, "k"))
						s := closed(t, c, hot)
						require.Equal(t, []int64{2, 0, int64(fails), 2}, []int64{s.Persists, s.PersistFailures, s.Retried, s.Run})
					})
				})
			}
		}
	}
}

// The longest pauses that the package promises.
const firstPause, secondPause = 500 * time.Millisecond, 2 * time.Second

func TestTierThatFailsForEverIsTriedThreeTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hot, tier := &near{Store: memoryTier(t)}, newCold(t)
		tier.faulty = func(string, string, int) bool { return true }
		c := persisting(t, hot, tier)
		set(t, c, "k", "1")
		synctest.Wait()
		require.Equal(t, 1, tier.tries("k"))
		time.Sleep(firstPause/2 - 1)
		require.Equal(t, 1, tier.tries("k"), "not before half the pause")
		time.Sleep(firstPause/2 + 1)
		require.Equal(t, 2, tier.tries("k"))
		require.Zero(t, c.Stats().PersistFailures, "not yet")
		time.Sleep(secondPause)
		require.Equal(t, 3, tier.tries("k"))
		require.Zero(t, hot.open.Load())
		time.Sleep(time.Hour)
		s := closed(t, c, hot)
		require.Equal(t, 3, tier.tries("k"))
		require.Equal(t, []int64{0, 1, 2, 1, 0}, []int64{s.Persists, s.PersistFailures, s.Retried, s.Run, s.Dropped})
	})
}

func TestWhatCannotPassIsTriedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		small, err := memory.New(memory.Options{MaxBytes: 64 << 10})
		require.NoError(t, err)
		hot, tier := &near{Store: memoryTier(t)}, newCold(t)
		tier.Store = small
		c := persisting(t, hot, tier)
		set(t, c, "large", strings.Repeat("x", 1<<20))
		time.Sleep(time.Hour)
		s := closed(t, c, hot)
		require.Equal(t, []int64{1, 0, 1, 0}, []int64{s.PersistsTooLarge, s.PersistFailures, s.Run, s.Retried})
		require.Equal(t, 1, tier.tries("large"))
	})
}

func TestDeleteDuringAPauseEndsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hot, tier := &near{Store: memoryTier(t)}, newCold(t)
		tier.faulty = func(_, _ string, tries int) bool { return tries == 1 }
		c := persisting(t, hot, tier)
		set(t, c, "k", "1")
		synctest.Wait()
		require.NoError(t, c.Delete(ctx, "k"))
		time.Sleep(time.Hour)
		s := closed(t, c, hot)
		require.Empty(t, holds(t, tier.Store, "k"))
		require.Equal(t, 1, tier.tries("k"), "nothing is written that is not to be kept")
		require.Equal(t, []int64{0, 0, 1}, []int64{s.Persists, s.PersistFailures, s.Superseded})
	})
}

func TestNewerEntryTakesThePlaceOfOneThatFailed(t *testing.T) {
	for _, when := range []string{"during the pause", "during the try"} {
		t.Run(when, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				hot, tier, release := &near{Store: memoryTier(t)}, newCold(t), make(chan struct{})
				tier.faulty = func(_, _ string, tries int) bool { return tries == 1 }
				if when == "during the try" {
					tier.slow = heldUp("k", release)
				}
				c := persisting(t, hot, tier)
				set(t, c, "k", "old")
				synctest.Wait()
				set(t, c, "k", "new")
				close(release)
				synctest.Wait()
				require.LessOrEqual(t, hot.open.Load(), int64(1), "the older entry is closed")
				time.Sleep(firstPause)
				require.Equal(t, "new", holds(t, tier.Store, "k"))
				s := closed(t, c, hot)
				require.Equal(t, []int64{2, 1, 1, 1, 0}, []int64{s.Scheduled, s.Run, s.Deduplicated, s.Persists, s.PersistFailures})
				require.Equal(t, 2, tier.tries("k"))
			})
		})
	}
}

func TestCloseCutsAPauseShort(t *testing.T) {
	for healthy, want := range map[bool][]int64{true: {1, 0}, false: {0, 1}} {
		t.Run(fmt.Sprintf("healthy=%t", healthy), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				hot, tier := &near{Store: memoryTier(t)}, newCold(t)
				tier.faulty = func(_, _ string, tries int) bool { return tries == 1 || !healthy }
				c := persisting(t, hot, tier)
				set(t, c, "k", "1")
				synctest.Wait()
				began := time.Now()
				s := closed(t, c, hot)
				require.Zero(t, time.Since(began))
				require.Equal(t, 2, tier.tries("k"), "once more, at once")
				require.Equal(t, want, []int64{s.Persists, s.PersistFailures})
				require.EqualValues(t, 1, s.Run)
			})
		})
	}
}

// What waits for another try does not hold the queue open beyond its bound.
func TestPausesCountAsPlaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hot, tier := &near{Store: memoryTier(t)}, newCold(t)
		tier.faulty = func(string, string, int) bool { return true }
		c := persisting(t, hot, tier, cache.WithWorkers(1, 3))
		for i := range 50 {
			set(t, c, fmt.Sprint(i), "1")
			synctest.Wait()
			require.LessOrEqual(t, hot.open.Load(), int64(3+1))
		}
		s := c.Stats()
		require.Equal(t, []int64{50, 47, 3}, []int64{s.Scheduled, s.Dropped, s.Queued})
		s = closed(t, c, hot)
		require.EqualValues(t, 3, s.PersistFailures)
	})
}
