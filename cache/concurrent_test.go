package cache_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strconv"
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
	"github.com/daramjwee/daramjwee/internal/race"
)

func TestOneFetchPerKey(t *testing.T) {
	each(t, func(t *testing.T, s cache.Option) {
		c := opened(t, s, cache.WithTiers(memoryTier(t)))
		var fetches atomic.Int64
		slow := cache.FetcherFunc(func(context.Context, *store.Metadata) (*cache.FetchResult, error) {
			fetches.Add(1)
			time.Sleep(400 * time.Millisecond)
			return &cache.FetchResult{Body: io.NopCloser(strings.NewReader("body"))}, nil
		})
		var wg sync.WaitGroup
		for range 200 {
			wg.Go(func() {
				r, err := c.Get(ctx, "k", slow)
				if err != nil {
					t.Error(err)
					return
				}
				defer r.Close()
				if b, err := io.ReadAll(r); err != nil || string(b) != "body" {
					t.Errorf("%q, %v", b, err)
				}
			})
		}
		wg.Wait()
		require.EqualValues(t, 1, fetches.Load())
		require.EqualValues(t, 199, c.Stats().Collapsed)
	})
}

func TestOriginErrorsAreShared(t *testing.T) {
	for name, fail := range map[string]func() error{
		"error":  func() error { return errOrigin },
		"panic":  func() error { panic(errOrigin) },
		"goexit": func() error { runtime.Goexit(); return nil },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := opened(t, cache.WithTiers(memoryTier(t)))
				var fetches, failed atomic.Int64
				f := cache.FetcherFunc(func(context.Context, *store.Metadata) (*cache.FetchResult, error) {
					fetches.Add(1)
					time.Sleep(time.Second)
					return nil, fail()
				})
				var wg sync.WaitGroup
				for range 50 {
					wg.Go(func() {
						_, err := c.Get(ctx, "k", f)
						if err == nil {
							t.Error("no error")
						}
						if name != "goexit" && !errors.Is(err, errOrigin) {
							t.Error(err)
						}
						failed.Add(1)
					})
				}
				wg.Wait()
				require.EqualValues(t, 1, fetches.Load())
				got, _ := read(t, c, "k", &origin{body: "the key is not wedged"})
				require.Equal(t, "the key is not wedged", got)
			})
		})
	}
}

// TestNotFoundIsShared, whether it is remembered or not; those who come later ask anew.
func TestNotFoundIsShared(t *testing.T) {
	for name, freshness := range map[string]time.Duration{"remembered": time.Minute, "forgotten": -1} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := opened(t, cache.WithTiers(memoryTier(t)), cache.WithFreshness(time.Hour, freshness))
				var fetches atomic.Int64
				f := cache.FetcherFunc(func(context.Context, *store.Metadata) (*cache.FetchResult, error) {
					fetches.Add(1)
					time.Sleep(time.Second)
					return nil, cache.ErrNotFound
				})
				var wg sync.WaitGroup
				for range 50 {
					wg.Go(func() {
						if _, err := c.Get(ctx, "k", f); err != cache.ErrNotFound {
							t.Error(err)
						}
					})
				}
				wg.Wait()
				require.EqualValues(t, 1, fetches.Load())
				s := c.Stats()
				require.EqualValues(t, 49, s.Collapsed)
				require.EqualValues(t, 50, s.Hits+s.Misses)
				time.Sleep(time.Hour)
				_, err := c.Get(ctx, "k", f)
				require.Equal(t, cache.ErrNotFound, err)
				require.EqualValues(t, 2, fetches.Load())
			})
		})
	}
}

// TestLeadersEndIsNobodyElses: a Fetch ends with its caller's context only when
// nobody else waits for the answer.
func TestLeadersEndIsNobodyElses(t *testing.T) {
	for _, followers := range []int{0, 10} {
		synctest.Test(t, func(t *testing.T) {
			c := opened(t, cache.WithTiers(memoryTier(t)))
			leader, cancel := context.WithCancel(context.WithValue(ctx, key{}, "value"))
			var fetches atomic.Int64
			f := cache.FetcherFunc(func(ctx context.Context, _ *store.Metadata) (*cache.FetchResult, error) {
				fetches.Add(1)
				select {
				case <-time.After(10 * time.Second):
					return &cache.FetchResult{Body: io.NopCloser(strings.NewReader(ctx.Value(key{}).(string)))}, nil
				case <-ctx.Done():
					return nil, fmt.Errorf("wrapped: %w", ctx.Err())
				}
			})
			first := make(chan error)
			began := time.Now()
			go func() {
				_, err := c.Get(leader, "k", f)
				first <- err
			}()
			synctest.Wait()
			var wg sync.WaitGroup
			for range followers {
				wg.Go(func() {
					if got, _ := read(t, c, "k", f); got != "value" {
						t.Error(got)
					}
				})
			}
			time.Sleep(time.Second)
			cancel()
			require.ErrorIs(t, <-first, context.Canceled)
			wg.Wait()
			require.EqualValues(t, 1, fetches.Load())
			if followers == 0 {
				require.Equal(t, time.Second, time.Since(began), "nobody is left to wait for")
				return
			}
			_, st := read(t, c, "k", f)
			require.True(t, st.Hit)
		})
	}
}

type key struct{}

// TestWaitersEndIsNobodyElses: the last one to give up ends the Fetch, and only
// when its first caller has gone too.
func TestWaitersEndIsNobodyElses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := opened(t, cache.WithTiers(memoryTier(t)))
		var ended time.Duration
		began := time.Now()
		f := cache.FetcherFunc(func(ctx context.Context, _ *store.Metadata) (*cache.FetchResult, error) {
			<-ctx.Done()
			ended = time.Since(began)
			return nil, ctx.Err()
		})
		var wg sync.WaitGroup
		for i := range 4 {
			limited, cancel := context.WithTimeout(ctx, time.Duration(i+1)*time.Second)
			defer cancel()
			wg.Go(func() {
				if _, err := c.Get(limited, "k", f); !errors.Is(err, context.DeadlineExceeded) {
					t.Error(err)
				}
			})
			synctest.Wait()
		}
		wg.Wait()
		require.Equal(t, 4*time.Second, ended)
		require.EqualValues(t, 1, c.Stats().Fetches)
	})
}

// TestFollowersOfAClientThatLeavesOrStalls read on as if it were not there.
func TestFollowersOfAClientThatLeavesOrStalls(t *testing.T) {
	eachTier(t, func(t *testing.T, s cache.Option, tier func(t *testing.T) store.Store) {
		c := opened(t, s, cache.WithTiers(tier(t)))
		o := &origin{body: strings.Repeat("body", 10_000)}
		for _, leaves := range []bool{true, false} {
			k := fmt.Sprint(leaves)
			began := time.Now()
			lead, err := c.Get(ctx, k, o)
			require.NoError(t, err)
			_, err = io.ReadFull(lead, make([]byte, 100))
			require.NoError(t, err)
			follow, err := c.Get(ctx, k, o)
			require.NoError(t, err)
			if leaves {
				require.NoError(t, lead.Close())
			}
			b, err := io.ReadAll(follow)
			require.NoError(t, err)
			require.Equal(t, o.body, string(b))
			require.NoError(t, follow.Close())
			require.Zero(t, time.Since(began))
			if !leaves {
				b, err := io.ReadAll(lead)
				require.NoError(t, err)
				require.Equal(t, o.body[100:], string(b), "the stalled one has its bytes still to come")
				require.NoError(t, lead.Close())
			}
			_, st := read(t, c, k, o)
			require.True(t, st.Hit)
		}
		require.EqualValues(t, 2, o.fetches.Load())
	})
}

func TestBodyOutlivesTheCallersContextButNotAStall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := opened(t, cache.WithTiers(memoryTier(t)), cache.WithOpTimeout(10*time.Second))
		var body context.Context
		pr, pw := io.Pipe()
		f := cache.FetcherFunc(func(ctx context.Context, _ *store.Metadata) (*cache.FetchResult, error) {
			body = ctx
			context.AfterFunc(ctx, func() { pw.CloseWithError(ctx.Err()) })
			return &cache.FetchResult{Body: pr}, nil
		})
		caller, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		r, err := c.Get(caller, "k", f)
		require.NoError(t, err)
		go func() {
			for range 60 { // a body may take longer than any timeout, as long as it moves
				time.Sleep(9 * time.Second)
				io.WriteString(pw, "x")
			}
		}()
		n, err := io.ReadFull(r, make([]byte, 60))
		require.NoError(t, err)
		require.Equal(t, 60, n)
		require.NoError(t, body.Err())
		_, err = r.Read(make([]byte, 1))
		require.ErrorIs(t, err, context.DeadlineExceeded, "ten seconds without a byte")
		require.NoError(t, r.Close())
		require.Error(t, body.Err(), "ends with the body")
	})
}

func TestFetchThatTakesTooLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := opened(t, cache.WithTiers(memoryTier(t)), cache.WithOpTimeout(5*time.Second))
		_, err := c.Get(ctx, "k", cache.FetcherFunc(func(ctx context.Context, _ *store.Metadata) (*cache.FetchResult, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorContains(t, err, "5s")
	})
}

func TestDeleteAndSetBeatWhatBeganBefore(t *testing.T) {
	each(t, func(t *testing.T, s cache.Option) {
		c := opened(t, s, cache.WithTiers(memoryTier(t)))
		old := &origin{body: "old"}
		r, err := c.Get(ctx, "k", old)
		require.NoError(t, err)
		require.NoError(t, c.Delete(ctx, "k"))
		b, err := io.ReadAll(r)
		require.NoError(t, err)
		require.Equal(t, "old", string(b), "its own caller gets it all the same")
		require.NoError(t, r.Close())
		_, err = c.Lookup(ctx, "k")
		require.ErrorIs(t, err, cache.ErrNotFound, "not resurrected")

		r, err = c.Get(ctx, "k", old)
		require.NoError(t, err)
		w, err := c.Set(ctx, "k", store.Metadata{})
		require.NoError(t, err)
		_, err = io.WriteString(w, "new")
		require.NoError(t, err)
		require.NoError(t, w.Commit(ctx))
		require.NoError(t, w.Abort(), "no-op after Commit")
		_, err = io.ReadAll(r)
		require.NoError(t, err)
		require.NoError(t, r.Close())
		got, st := read(t, c, "k", old)
		require.Equal(t, "new", got)
		require.True(t, st.Hit)
		require.EqualValues(t, 2, c.Stats().Superseded)

		w, err = c.Set(ctx, "k", store.Metadata{})
		require.NoError(t, err)
		require.NoError(t, c.Delete(ctx, "k"))
		require.ErrorIs(t, w.Commit(ctx), cache.ErrSuperseded)
	})
}

// TestResurrectionHammer runs 100,000 operations on one key, fills, promotes,
// refreshes, persists, evictions and Sets against Deletes: nothing that began
// before a Delete is got after it.
func TestResurrectionHammer(t *testing.T) {
	deletes, want := 5_000, int64(100_000)
	if race.Enabled {
		deletes, want = 500, 5_000
	}
	each(t, func(t *testing.T, s cache.Option) { hammer(t, s, deletes, want) })
}

func hammer(t *testing.T, s cache.Option, deletes int, want int64) {
	near := memoryTier(t)
	far, err := disk.Open(t.TempDir(), disk.Options{MaxBytes: 1 << 20})
	require.NoError(t, err)
	c := opened(t, s, cache.WithTiers(near, memoryTier(t), far), cache.WithFreshness(time.Hour, time.Hour), cache.WithFinish(1<<20, 1))
	var current, deleted, done atomic.Int64 // the origin's value, the least that a Get may return, operations
	f := cache.FetcherFunc(func(context.Context, *store.Metadata) (*cache.FetchResult, error) {
		v := fmt.Sprint(current.Load())
		return &cache.FetchResult{Body: io.NopCloser(onlyReader{strings.NewReader(v)}), Metadata: store.Metadata{Size: int64(len(v))}}, nil
	})
	get := func() {
		least := deleted.Load()
		s, _ := read(t, c, "k", f)
		if got, err := strconv.ParseInt(s, 10, 64); err != nil || got < least {
			t.Errorf("got %q: a value that began before Delete %d came back", s, least)
		}
	}
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for _, work := range []func(){
		get,
		func() {
			if r, err := c.Get(ctx, "k", f); err == nil { // leaves at once
				r.Close()
			}
		},
		func() {
			_ = c.ScheduleRefresh(ctx, "k", f)
			done.Add(-1) // most find one under way, and do nothing
		},
		func() {
			if w, err := c.Set(ctx, "k", store.Metadata{}); err == nil {
				io.WriteString(w, fmt.Sprint(current.Load())) // no older than the Set
				_ = w.Commit(ctx)
				w.Abort()
			}
		},
		func() { // is evicted, so that what lies below is promoted
			_ = near.Delete(ctx, "k")
			get()
		},
	} {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					work()
					done.Add(1)
					runtime.Gosched() // else background work hardly gets a turn
				}
			}
		})
	}
	for i := 0; (i < deletes || done.Load() < want) && !t.Failed(); i++ {
		current.Store(int64(i + 1))
		require.NoError(t, c.Delete(ctx, "k"))
		deleted.Store(int64(i + 1))
		get()
		done.Add(2)
		runtime.Gosched()
	}
	close(stop)
	wg.Wait()
	st := c.Stats()
	require.NotZero(t, st.Persists)
	require.NotZero(t, st.Promotes)
	require.NotZero(t, st.Refreshes)
	require.NotZero(t, st.Superseded)
	require.NotZero(t, st.Collapsed)
}

// TestRevalidationAnswersAllWhoWait: an entry that is never fresh is asked about
// once for those who came meanwhile, not once for each in turn.
func TestRevalidationAnswersAllWhoWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := opened(t, cache.WithTiers(memoryTier(t)), cache.WithStaleWhileRevalidate(-1))
		o := &origin{body: "body", meta: store.Metadata{TTL: -1, ETag: `"1"`}}
		read(t, c, "k", o)
		for _, answer := range []error{cache.ErrNotModified, nil} {
			o.err, o.delay = answer, time.Second
			before, began := o.fetches.Load(), time.Now()
			var wg sync.WaitGroup
			for range 20 {
				wg.Go(func() {
					if got, _ := read(t, c, "k", o); got != "body" {
						t.Error(got)
					}
				})
			}
			wg.Wait()
			require.EqualValues(t, 1, o.fetches.Load()-before)
			require.Equal(t, time.Second, time.Since(began))
		}
	})
}

func TestCloseEndsAReadThatWaitsForTheOrigin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := opened(t, cache.WithTiers(memoryTier(t)))
		f := cache.FetcherFunc(func(ctx context.Context, _ *store.Metadata) (*cache.FetchResult, error) {
			pr, pw := io.Pipe()
			context.AfterFunc(ctx, func() { pw.CloseWithError(ctx.Err()) })
			return &cache.FetchResult{Body: pr}, nil
		})
		r, err := c.Get(ctx, "k", f)
		require.NoError(t, err)
		began, ended := time.Now(), make(chan error)
		go func() { _, err := r.WriteTo(io.Discard); ended <- err }()
		synctest.Wait()
		require.NoError(t, r.Close())
		require.Error(t, <-ended)
		got, _ := read(t, c, "k", &origin{body: "the next one leads"})
		require.Equal(t, "the next one leads", got)
		require.Zero(t, time.Since(began))
	})
}
