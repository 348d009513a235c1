package httpcache

import (
	"errors"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/daramjwee/daramjwee/cache"
	"github.com/stretchr/testify/require"
)

func TestStaleWhileRevalidate(t *testing.T) {
	inTime(t, fields("Cache-Control", "max-age=10, stale-while-revalidate=20"), func(s *site, o *origin) {
		s.get("/a")
		o.version.Add(1)
		time.Sleep(15 * time.Second)
		stale := s.get("/a", "X-Client", "second", "If-None-Match", `"mine"`)
		require.True(t, stale.hit())
		require.Equal(t, "-5", stale.is("ttl"))
		require.Equal(t, "version 0", stale.body)
		synctest.Wait()
		require.Equal(t, 2, s.asks())
		require.Equal(t, "second", s.lastAsked().Header.Get("X-Client"), "the refresh asks as its client would")
		require.Equal(t, `"0"`, s.lastAsked().Header.Get("If-None-Match"))
		fresh := s.get("/a")
		require.True(t, fresh.hit())
		require.Equal(t, "version 1", fresh.body)
		time.Sleep(31 * time.Second)
		require.Equal(t, "stale", s.get("/a").is("fwd"), "past the window")
	})
}

// The header of the client's request is not looked at once the handler has
// returned: whoever wraps it may change it then.
func TestRefreshLeavesTheRequestAlone(t *testing.T) {
	for _, ranges := range []string{"", "bytes=0-1"} {
		inTime(t, fields("Cache-Control", "max-age=10, stale-while-revalidate=20"), func(s *site, o *origin) {
			s.get("/a")
			time.Sleep(15 * time.Second)
			r, err := http.NewRequest("GET", "/a", nil)
			require.NoError(t, err)
			r.Header.Set("X-Client", "before")
			if ranges != "" {
				r.Header.Set("Range", ranges)
			}
			require.True(t, s.send(r).hit())
			r.Header.Set("X-Client", "after") // a race detector sees a refresh that reads it
			synctest.Wait()
			require.Equal(t, "before", s.lastAsked().Header.Get("X-Client"))
		})
	}
}

func TestStaleIfError(t *testing.T) {
	for status, header := range map[int]http.Header{
		500: fields("Cache-Control", "max-age=10, stale-if-error=20"),
		502: fields("Cache-Control", "max-age=10"),
		503: fields("Cache-Control", "stale-if-error=20"),
		504: fields(), // the cache's defaults are the same
	} {
		inTime(t, header, func(s *site, o *origin) {
			s.get("/a")
			o.status.Store(int64(status))
			time.Sleep(15 * time.Second)
			stale := s.get("/a")
			require.Equal(t, "version 0", stale.body)
			require.True(t, stale.hit())
			require.Equal(t, "-5", stale.is("ttl"))
			require.Contains(t, stale.is("detail"), "stale-if-error")
			require.Equal(t, "15", stale.Header.Get("Age"))
			time.Sleep(20 * time.Second)
			require.Equal(t, "error page", s.get("/a").body, "past the window")
		}, cache.WithFreshness(10*time.Second, 0), cache.WithStaleIfError(20*time.Second), cache.WithStaleWhileRevalidate(-1))
	}
}

// Other errors are answers, and an entry outlives them.
func TestOtherErrorsAreAnswers(t *testing.T) {
	inTime(t, fields("Cache-Control", "max-age=10"), func(s *site, o *origin) {
		s.get("/a")
		time.Sleep(11 * time.Second)
		for _, status := range []int{403, 429, 501} {
			o.status.Store(int64(status))
			res := s.get("/a")
			require.Equal(t, status, res.StatusCode)
			require.Equal(t, "error page", res.body)
		}
		o.status.Store(0)
		require.Equal(t, "304", s.get("/a").is("fwd-status"))
	}, cache.WithStaleWhileRevalidate(-1))
}

// Where no stale answer is allowed, an error goes to the client as it is.
func TestServerErrorWithoutStale(t *testing.T) {
	for _, cc := range []string{"max-age=10, must-revalidate", "max-age=10, proxy-revalidate", "s-maxage=10", "no-cache",
		"max-age=10, stale-if-error=0, stale-while-revalidate=0", "max-age=10, must-revalidate, stale-if-error=1000"} {
		inTime(t, fields("Cache-Control", cc), func(s *site, o *origin) {
			s.get("/a")
			o.status.Store(503)
			time.Sleep(11 * time.Second)
			asks := s.asks()
			res := s.get("/a")
			require.Equal(t, 503, res.StatusCode, cc)
			require.Equal(t, "error page", res.body, cc)
			require.Equal(t, "as it is", res.Header.Get("X-Error"), cc)
			require.Equal(t, "stale", res.is("fwd"), cc)
			require.Equal(t, asks+1, s.asks(), cc)
			o.status.Store(0)
			require.Equal(t, "304", s.get("/a").is("fwd-status"), "the entry outlives the error")
		})
	}
}

func TestOriginDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		failure := atomic.Pointer[error]{}
		s := newSite(t, nil)
		s.over(roundTripperFunc(func(r *http.Request) (*http.Response, error) {
			if err := failure.Load(); err != nil {
				return nil, *err
			}
			return answerOf(says("x", "Cache-Control", "max-age=10"), r), nil
		}))
		s.get("/a")
		down := errors.New("dial tcp 10.1.2.3:80: secret")
		failure.Store(&down)
		time.Sleep(11 * time.Second)
		stale := s.get("/a")
		require.True(t, stale.hit())
		require.Equal(t, "x", stale.body)
		res := s.get("/other")
		require.Equal(t, http.StatusBadGateway, res.StatusCode)
		require.Equal(t, "Bad Gateway\n", res.body)
		require.Equal(t, "miss", res.is("fwd"))
		require.Equal(t, "no-store", res.Header.Get("Cache-Control"))
		res = s.do("POST", "/other")
		require.Equal(t, http.StatusBadGateway, res.StatusCode)
		require.Equal(t, "method", res.is("fwd"))
		require.Equal(t, "Bad Gateway\n", res.body)
	})
}

func TestOriginTooSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, nil, cache.WithOpTimeout(3*time.Second))
		s.over(roundTripperFunc(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		}))
		start := time.Now()
		res := s.get("/a")
		require.Equal(t, http.StatusGatewayTimeout, res.StatusCode)
		took := time.Since(start)
		require.GreaterOrEqual(t, took, 3*time.Second)
		require.LessOrEqual(t, took, 3*time.Second*9/8+time.Microsecond, "an eighth later at most")
		require.Equal(t, "miss", res.is("fwd"))

		s.over(roundTripperFunc(func(*http.Request) (*http.Response, error) { return nil, timeout{} }))
		require.Equal(t, http.StatusGatewayTimeout, s.get("/a").StatusCode)
		require.Equal(t, http.StatusGatewayTimeout, s.do("PUT", "/a").StatusCode)
	})
}

type timeout struct{}

func (timeout) Error() string   { return "took too long" }
func (timeout) Timeout() bool   { return true }
func (timeout) Temporary() bool { return true }
