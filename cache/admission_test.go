package cache

import (
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

	"github.com/daramjwee/daramjwee/cache/store"
	"github.com/daramjwee/daramjwee/cache/store/memory"
)

func TestSecondHitWithinTheWindowIsAdmitted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAdmission(time.Minute)
		require.False(t, a.admit("k"))
		require.False(t, a.admit("other"), "each key for itself")
		time.Sleep(time.Minute)
		require.True(t, a.admit("k"), "at the end of the window")
		time.Sleep(time.Minute)
		require.True(t, a.admit("k"), "a promote may have failed, so that each hit counts for the next")
		time.Sleep(time.Minute + 1)
		require.False(t, a.admit("k"), "past the window a hit is a first one")
		require.True(t, a.admit("k"))
		require.EqualValues(t, 3, a.count())
	})
}

func TestNoWindowAdmitsEveryHit(t *testing.T) {
	a := newAdmission(0)
	require.True(t, a.admit("k"))
	require.Zero(t, a.count())
}

// A flood of keys that are hit once neither grows the memory nor lasts: what is
// hit again soon enough is still admitted.
func TestAdmissionIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAdmission(time.Hour)
		var before, after runtime.MemStats
		keys := make([]string, 100_000)
		for i := range keys {
			keys[i] = fmt.Sprint(i)
		}
		runtime.ReadMemStats(&before)
		for _, key := range keys {
			a.admit(key)
		}
		runtime.ReadMemStats(&after)
		require.Less(t, after.Mallocs-before.Mallocs, uint64(len(keys)/100), "a hit allocates nothing")
		known := 0
		for _, set := range a.sets {
			for _, s := range set {
				if s.at > 0 {
					known++
				}
			}
		}
		require.LessOrEqual(t, known, admissionSize)

		// Of the latest, no more than a set's oldest are forgotten.
		time.Sleep(time.Second)
		latest := keys[:admissionSize/8]
		for _, key := range latest {
			require.False(t, a.admit(key), "forgotten long ago")
		}
		admitted := 0
		for _, key := range latest {
			if a.admit(key) {
				admitted++
			}
		}
		require.Greater(t, admitted, len(latest)*99/100)
	})
}

func TestConcurrentHitsAreAdmittedFromTheSecondOn(t *testing.T) {
	a := newAdmission(time.Hour)
	const callers, keys = 8, 100
	var admitted atomic.Int64
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			for i := range keys {
				if a.admit(fmt.Sprint(i)) {
					admitted.Add(1)
				}
			}
		})
	}
	wg.Wait()
	require.EqualValues(t, (callers-1)*keys, admitted.Load())
	require.EqualValues(t, keys, a.count())
}

func TestPromoteWithin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tiers []store.Store
		for range 2 {
			s, err := memory.New(memory.Options{MaxBytes: 1 << 20})
			require.NoError(t, err)
			tiers = append(tiers, s)
		}
		c, err := New(WithTiers(tiers...), WithPromoteWithin(time.Minute), WithFreshness(24*time.Hour, 0))
		require.NoError(t, err)
		defer c.Close()
		ctx := context.Background()
		get := func() string {
			t.Helper()
			r, err := c.Get(ctx, "k", FetcherFunc(func(context.Context, *store.Metadata) (*FetchResult, error) {
				return &FetchResult{Body: io.NopCloser(strings.NewReader("body"))}, nil
			}))
			require.NoError(t, err)
			defer r.Close()
			b, err := io.ReadAll(r)
			require.NoError(t, err)
			require.Equal(t, "body", string(b))
			synctest.Wait()
			return r.Status().Detail
		}
		get()
		require.NoError(t, tiers[0].Delete(ctx, "k")) // as an eviction does it
		require.Equal(t, "tier-1", get())
		time.Sleep(time.Hour)
		require.Equal(t, "tier-1", get(), "an hour is no window of a minute")
		require.Zero(t, c.Stats().Promotes)
		require.Equal(t, "tier-1", get(), "on its way to tier 0")
		require.Equal(t, "tier-0", get())
		s := c.Stats()
		require.Equal(t, []int64{1, 2}, []int64{s.Promotes, s.PromotesDeferred})
	})
}
