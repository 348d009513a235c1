package cache_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/daramjwee/daramjwee/cache"
	"github.com/daramjwee/daramjwee/cache/store"
)

// fault is a body that goes wrong after some bytes.
type fault struct {
	ctx   context.Context
	r     io.Reader
	after int
	wrong func(f *fault) (int, error)
}

func (f *fault) Read(p []byte) (int, error) {
	if f.after == 0 {
		return f.wrong(f)
	}
	n, err := f.r.Read(p[:min(len(p), f.after)])
	f.after -= n
	return n, err
}

func (f *fault) Close() error { return nil }

// TestOriginThatGoesWrong: whatever an origin does, and wherever in its body, each
// of three readers gets the bytes that came before and then an error, or the
// whole body where it is whole; nothing of it is stored, and the key is usable.
func TestOriginThatGoesWrong(t *testing.T) {
	const size = 1000
	whole := pattern(size)
	faults := map[string]struct {
		declared int64
		wrong    func(f *fault) (int, error)
		is       error // nil: any
	}{
		"fails":   {size, func(*fault) (int, error) { return 0, errOrigin }, errOrigin},
		"stalls":  {size, func(f *fault) (int, error) { <-f.ctx.Done(); return 0, f.ctx.Err() }, context.DeadlineExceeded},
		"panics":  {size, func(*fault) (int, error) { panic(errOrigin) }, errOrigin},
		"goexits": {size, func(*fault) (int, error) { runtime.Goexit(); return 0, nil }, nil},
		"short":   {size, func(*fault) (int, error) { return 0, io.EOF }, io.ErrUnexpectedEOF},
		"lies":    {size, func(*fault) (int, error) { return -1, nil }, nil},
		"unknown": {-1, func(*fault) (int, error) { return 0, errOrigin }, errOrigin},
	}
	wraps := map[string]func(io.Reader) io.Reader{
		"plain": func(r io.Reader) io.Reader { return r },
		"one":   iotest.OneByteReader, "half": iotest.HalfReader, "dataerr": iotest.DataErrReader,
		"timeout": iotest.TimeoutReader,
	}
	for name, fa := range faults {
		for wrapped, wrap := range wraps {
			for tierName, tier := range tiers {
				t.Run(name+"/"+wrapped+"/"+tierName, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						c := opened(t, cache.WithTiers(tier(t)), cache.WithBackoff(-1))
						for offset := 0; offset < size; offset += 1 + size/64 {
							key := fmt.Sprint(offset)
							f := cache.FetcherFunc(func(ctx context.Context, _ *store.Metadata) (*cache.FetchResult, error) {
								time.Sleep(time.Second)
								body := &fault{ctx: ctx, r: bytes.NewReader(whole), after: offset, wrong: fa.wrong}
								return &cache.FetchResult{Body: readCloser{wrap(body), body}, Metadata: store.Metadata{Size: fa.declared}}, nil
							})
							var wg sync.WaitGroup
							for range 3 {
								wg.Go(func() {
									r, err := c.Get(ctx, key, f)
									if err != nil {
										t.Error(err)
										return
									}
									defer r.Close()
									var got bytes.Buffer
									if _, err = r.WriteTo(&got); err == nil {
										t.Errorf("%d: no error", offset)
									}
									if wrapped != "timeout" && fa.is != nil && !errors.Is(err, fa.is) {
										t.Errorf("%d: %v", offset, err)
									}
									// Those two wrappers read ahead, or fail by themselves.
									exact := wrapped != "timeout" && wrapped != "dataerr"
									if !bytes.HasPrefix(whole[:offset], got.Bytes()) || exact && got.Len() != offset {
										t.Errorf("%d: %d bytes", offset, got.Len())
									}
								})
							}
							wg.Wait()
							_, err := c.Lookup(ctx, key)
							require.ErrorIs(t, err, cache.ErrNotFound)
						}
						got, _ := read(t, c, "0", &origin{body: "the key is not wedged"})
						require.Equal(t, "the key is not wedged", got)
					})
				})
			}
		}
	}
}

type readCloser struct {
	io.Reader
	io.Closer
}

// TestOverlongBodyIsCut at its declared size, for all readers, and not stored.
func TestOverlongBodyIsCut(t *testing.T) {
	eachTier(t, func(t *testing.T, s cache.Option, tier func(t *testing.T) store.Store) {
		c := opened(t, s, cache.WithTiers(tier(t)))
		body := string(pattern(1000))
		for declared := int64(1); declared < 1000; declared += 37 {
			o := &origin{body: body, meta: store.Metadata{Size: declared}, delay: time.Second}
			var wg sync.WaitGroup
			for range 3 {
				wg.Go(func() {
					if got, _ := read(t, c, "k", o); got != body[:declared] {
						t.Errorf("%d of %d bytes", len(got), declared)
					}
				})
			}
			wg.Wait()
			require.EqualValues(t, 1, o.fetches.Load())
			_, err := c.Lookup(ctx, "k")
			require.ErrorIs(t, err, cache.ErrNotFound)
		}
	})
}

// TestBodyThatIgnoresItsContext stalls one reader, and neither those who wait for
// it nor the key.
func TestBodyThatIgnoresItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := opened(t, cache.WithTiers(memoryTier(t)), cache.WithOpTimeout(5*time.Second))
		free := make(chan struct{})
		f := cache.FetcherFunc(func(ctx context.Context, _ *store.Metadata) (*cache.FetchResult, error) {
			body := &fault{r: bytes.NewReader(pattern(100)), after: 10, wrong: func(*fault) (int, error) { <-free; return 1, nil }}
			return &cache.FetchResult{Body: body}, nil
		})
		var ended [2]atomic.Bool
		var wg sync.WaitGroup
		for i := range 2 {
			wg.Go(func() {
				r, err := c.Get(ctx, "k", f)
				if err != nil {
					t.Error(err)
					return
				}
				defer r.Close()
				got, err := io.ReadAll(r)
				ended[i].Store(true)
				if !errors.Is(err, context.DeadlineExceeded) || !bytes.Equal(got, pattern(10)) {
					t.Errorf("%d bytes, %v", len(got), err)
				}
			})
			synctest.Wait()
		}
		time.Sleep(6 * time.Second)
		synctest.Wait()
		require.True(t, ended[0].Load() != ended[1].Load(), "the one who waited, not the one who is stuck")
		got, _ := read(t, c, "k", &origin{body: "anew"})
		require.Equal(t, "anew", got)
		close(free)
		wg.Wait()
	})
}

// TestBackoff: a dead origin is asked ever more seldom while stale entries stand in.
func TestBackoff(t *testing.T) {
	each(t, func(t *testing.T, s cache.Option) {
		c := opened(t, s, cache.WithTiers(memoryTier(t)), cache.WithFreshness(time.Minute, 0),
			cache.WithStaleWhileRevalidate(10*time.Minute), cache.WithStaleIfError(24*time.Hour), cache.WithBackoff(time.Minute))
		o := &origin{body: "old"}
		read(t, c, "k", o)
		time.Sleep(time.Minute)
		o.err = errOrigin
		for range 200 { // ten minutes of stale hits, and then of failures
			got, st := read(t, c, "k", o)
			require.Equal(t, "old", got)
			require.True(t, st.Hit)
			time.Sleep(3 * time.Second)
			synctest.Wait()
		}
		asked := o.fetches.Load() - 1
		require.GreaterOrEqual(t, asked, int64(10), "at least once a minute")
		require.LessOrEqual(t, asked, int64(30), "200 stale hits on a dead origin")
		_, err := c.Get(ctx, "other", o)
		require.ErrorIs(t, err, errOrigin)
		o.err, o.body = nil, "new"
		got, _ := read(t, c, "other", o)
		require.Equal(t, "new", got, "without a stale entry the origin is asked each time")
		time.Sleep(time.Minute)
		read(t, c, "k", o)
		synctest.Wait()
		got, _ = read(t, c, "k", o)
		require.Equal(t, "new", got)
	})
}

// TestUnstorableIsNotQueuedFor: once known, callers do not wait for each other.
func TestUnstorableIsNotQueuedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := opened(t, cache.WithTiers(memoryTier(t)))
		storable := false
		slow := cache.FetcherFunc(func(context.Context, *store.Metadata) (*cache.FetchResult, error) {
			time.Sleep(time.Second)
			return &cache.FetchResult{Body: io.NopCloser(bytes.NewReader([]byte("body"))), NoStore: !storable}, nil
		})
		read(t, c, "k", slow)
		began := time.Now()
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() { read(t, c, "k", slow) })
		}
		wg.Wait()
		require.Equal(t, time.Second, time.Since(began))
		require.EqualValues(t, 21, c.Stats().Fetches)
		storable = true
		read(t, c, "k", slow)
		_, st := read(t, c, "k", slow)
		require.True(t, st.Hit, "what can be stored again is")
	})
}

// TestStallIsNoticedInTime: whatever else is open, at any phase of the timer that
// all share, and not before its time.
func TestStallIsNoticedInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const limit = 8 * time.Second
		c := opened(t, cache.WithTiers(memoryTier(t)), cache.WithOpTimeout(limit))
		stalls := cache.FetcherFunc(func(ctx context.Context, _ *store.Metadata) (*cache.FetchResult, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		})
		var wg sync.WaitGroup
		for i := range 40 {
			wg.Go(func() {
				began := time.Now()
				_, err := c.Get(ctx, strconv.Itoa(i), stalls)
				took := time.Since(began)
				if !errors.Is(err, context.DeadlineExceeded) || took < limit || took > limit+limit/8+time.Microsecond {
					t.Errorf("source %d: %v after %v", i, err, took)
				}
			})
			time.Sleep(273 * time.Millisecond)
		}
		wg.Wait()
		time.Sleep(time.Hour) // the timer has stopped by now
		_, err := c.Get(ctx, "again", stalls)
		require.ErrorIs(t, err, context.DeadlineExceeded)
	})
}
