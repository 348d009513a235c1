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

// TestOriginThatGoesWrong: whatever an origin does, and at whichever of 64 places in
// its body, each of three readers gets the bytes that came before and then an error;
// nothing of it is stored, and the key is usable. A body that is longer than declared
// ends without one where it should have, and is not stored either if the Read that
// brought its last byte brought more. What no size was declared for is whole where it
// ends, whatever stands in the size's place.
func TestOriginThatGoesWrong(t *testing.T) {
	const size, offsets = 1000, 64
	whole := pattern(size)
	type misdeed struct {
		declared int64
		wrong    func(f *fault) (int, error)
		is       error // nil: any
		ends     bool  // without an error
		stored   bool
	}
	fails := func(*fault) (int, error) { return 0, errOrigin }
	ends := func(*fault) (int, error) { return 0, io.EOF }
	faults := map[string]misdeed{
		"fails":          {declared: size, wrong: fails, is: errOrigin},
		"stalls":         {declared: size, wrong: func(f *fault) (int, error) { <-f.ctx.Done(); return 0, f.ctx.Err() }, is: context.DeadlineExceeded},
		"panics":         {declared: size, wrong: func(*fault) (int, error) { panic(errOrigin) }, is: errOrigin},
		"goexits":        {declared: size, wrong: func(*fault) (int, error) { runtime.Goexit(); return 0, nil }},
		"short":          {declared: size, wrong: ends, is: io.ErrUnexpectedEOF},
		"long":           {declared: tooFew, wrong: ends, ends: true},
		"lies":           {declared: size, wrong: func(*fault) (int, error) { return -1, nil }},
		"unknown":        {declared: -1, wrong: fails, is: errOrigin},
		"negative":       {declared: -7, wrong: ends, ends: true, stored: true},
		"negative fails": {declared: -7, wrong: fails, is: errOrigin},
	}
	wraps := map[string]func(io.Reader) io.Reader{
		"plain": func(r io.Reader) io.Reader { return r },
		"one":   iotest.OneByteReader, "half": iotest.HalfReader, "dataerr": iotest.DataErrReader,
		"timeout": iotest.TimeoutReader,
	}
	run := func(t *testing.T, fa misdeed, wrapped string, c *cache.DaramjweeCache) {
		stored := fa.stored || fa.declared == tooFew && (wrapped == "one" || wrapped == "half") // those bring no more
		for i := range offsets {
			offset := i * (size - 1) / (offsets - 1)
			key, declared, sent := fmt.Sprint(i), fa.declared, offset
			if fa.declared == tooFew {
				offset = max(offset, 1) // 0 declares nothing
				declared, sent = int64(offset), size
			}
			var fetches atomic.Int64
			f := cache.FetcherFunc(func(ctx context.Context, _ *store.Metadata) (*cache.FetchResult, error) {
				fetches.Add(1)
				time.Sleep(time.Second)
				body := &fault{ctx: ctx, r: bytes.NewReader(whole), after: sent, wrong: fa.wrong}
				return &cache.FetchResult{Body: readCloser{wraps[wrapped](body), body}, Metadata: store.Metadata{Size: declared}}, nil
			})
			// One wrapper fails by itself at the second Read, one reads ahead.
			failsByItself, exact := wrapped == "timeout", wrapped != "timeout" && (wrapped != "dataerr" || fa.ends)
			var ended atomic.Int64
			var wg sync.WaitGroup
			for range 3 {
				wg.Go(func() {
					r, err := c.Get(ctx, key, f)
					if err != nil {
						t.Error(err)
						return
					}
					defer r.Close()
					if r.Size() != max(declared, -1) {
						t.Errorf("%d: size %d", offset, r.Size())
					}
					var got bytes.Buffer
					_, err = r.WriteTo(&got)
					switch {
					case err == nil:
						ended.Add(1)
						if !fa.ends || got.Len() != offset {
							t.Errorf("%d: no error after %d bytes", offset, got.Len())
						}
					case failsByItself && errors.Is(err, iotest.ErrTimeout):
					case fa.ends || fa.is != nil && !errors.Is(err, fa.is):
						t.Errorf("%d: %v", offset, err)
					}
					if !bytes.HasPrefix(whole[:offset], got.Bytes()) || exact && got.Len() != offset {
						t.Errorf("%d: %d bytes", offset, got.Len())
					}
				})
			}
			wg.Wait()
			require.EqualValues(t, 1, fetches.Load())
			_, err := c.Lookup(ctx, key)
			if !stored || ended.Load() == 0 {
				require.ErrorIs(t, err, cache.ErrNotFound, offset)
				continue
			}
			got, st := read(t, c, key, f)
			require.True(t, st.Hit)
			require.Equal(t, string(whole[:offset]), got)
		}
		if stored {
			require.NoError(t, c.Delete(ctx, "0"))
		}
		got, _ := read(t, c, "0", &origin{body: "the key is not wedged"})
		require.Equal(t, "the key is not wedged", got)
	}
	for name, fa := range faults {
		for wrapped := range wraps {
			t.Run(name+"/"+wrapped, func(t *testing.T) {
				eachTier(t, func(t *testing.T, s cache.Option, tier func(t *testing.T) store.Store) {
					run(t, fa, wrapped, opened(t, s, cache.WithTiers(tier(t)), cache.WithBackoff(-1)))
				})
			})
		}
	}
}

// tooFew stands for a declared size that the body goes beyond.
const tooFew = -100

type readCloser struct {
	io.Reader
	io.Closer
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
