package httpcache

import (
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/daramjwee/daramjwee/cache"
	"github.com/stretchr/testify/require"
)

// origin answers with a version that a test raises, and as a test likes.
type origin struct {
	version atomic.Int64
	status  atomic.Int64 // instead of answering; 0: answer
	header  http.Header
}

func (o *origin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if code := int(o.status.Load()); code != 0 {
		w.Header().Set("X-Error", "as it is")
		w.WriteHeader(code)
		fmt.Fprint(w, "error page")
		return
	}
	for name, values := range o.header {
		w.Header()[name] = values
	}
	etag := fmt.Sprintf(`"%d"`, o.version.Load())
	w.Header().Set("Etag", etag)
	if matches(r.Header.Get("If-None-Match"), etag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	fmt.Fprintf(w, "version %d", o.version.Load())
}

// inTime runs a test on a clock of its own.
func inTime(t *testing.T, header http.Header, test func(s *site, o *origin), options ...cache.Option) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		o := &origin{header: header}
		test(newSite(t, o.ServeHTTP, options...), o)
	})
}

func TestFreshUntilMaxAge(t *testing.T) {
	inTime(t, fields("Cache-Control", "max-age=60, must-revalidate"), func(s *site, o *origin) {
		s.get("/a")
		time.Sleep(59 * time.Second)
		hit := s.get("/a")
		require.True(t, hit.hit())
		require.Equal(t, "59", hit.Header.Get("Age"))
		require.Equal(t, "1", hit.is("ttl"))
		time.Sleep(2 * time.Second)
		stale := s.get("/a")
		require.Equal(t, "stale", stale.is("fwd"))
		require.Equal(t, "304", stale.is("fwd-status"))
		require.Equal(t, "version 0", stale.body)
		require.False(t, has(stale.Header, "Age"), "validated just now")
		require.Equal(t, `"0"`, s.lastAsked().Header.Get("If-None-Match"))
		time.Sleep(59 * time.Second)
		require.True(t, s.get("/a").hit(), "the 304 made it fresh again")
		require.Equal(t, 2, s.asks())
		o.version.Add(1)
		time.Sleep(2 * time.Second)
		require.Equal(t, "version 1", s.get("/a").body)
	})
}

func TestDefaultFreshnessIsTheCaches(t *testing.T) {
	inTime(t, fields(), func(s *site, o *origin) {
		s.get("/a")
		time.Sleep(9 * time.Second)
		require.True(t, s.get("/a").hit())
		time.Sleep(2 * time.Second)
		require.Equal(t, "stale", s.get("/a").is("fwd"))
	}, cache.WithFreshness(10*time.Second, 0), cache.WithStaleWhileRevalidate(-1))
}

func TestNotFoundFreshness(t *testing.T) {
	inTime(t, fields(), func(s *site, o *origin) {
		o.status.Store(http.StatusNotFound)
		s.get("/a")
		time.Sleep(2 * time.Second)
		require.True(t, s.get("/a").hit())
		o.status.Store(0)
		time.Sleep(2 * time.Second)
		require.Equal(t, "version 0", s.get("/a").body, "a stale 404 is not served")
	}, cache.WithFreshness(time.Hour, 3*time.Second))
}

// The age that an answer arrives with counts (RFC 9111 section 4.2.3).
func TestUpstreamAgeCounts(t *testing.T) {
	inTime(t, fields("Cache-Control", "s-maxage=60", "Age", "50"), func(s *site, o *origin) {
		require.Equal(t, "50", s.get("/a").Header.Get("Age"), "the origin's answer was old already")
		time.Sleep(5 * time.Second)
		hit := s.get("/a")
		require.True(t, hit.hit())
		require.Equal(t, []string{"55"}, hit.Header["Age"])
		require.Equal(t, "5", hit.is("ttl"))
		time.Sleep(6 * time.Second)
		require.Equal(t, "stale", s.get("/a").is("fwd"))
	})
}

func TestSlowAnswerIsOldOnArrival(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(8 * time.Second)
			says("x", "Cache-Control", "s-maxage=10")(w, r)
		})
		s.get("/a")
		time.Sleep(time.Second)
		require.Equal(t, "9", s.get("/a").Header.Get("Age"))
	})
}

// RFC 9110 section 6.6.1: an answer without Date gets the time at which it came.
func TestDateIsRecorded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, nil)
		s.over(roundTripperFunc(func(r *http.Request) (*http.Response, error) {
			res := answerOf(says("x", "Cache-Control", "max-age=60"), r)
			res.Header.Del("Date")
			return res, nil
		}))
		came := httpDate(time.Now())
		require.Equal(t, came, s.get("/a").Header.Get("Date"))
		time.Sleep(10 * time.Second)
		require.Equal(t, came, s.get("/a").Header.Get("Date"))
	})
}

func TestNoCacheAsksEachTime(t *testing.T) {
	for _, cc := range []string{"no-cache", `no-cache="Set-Cookie", max-age=60`, "max-age=0", "max-age=60, max-age=60", "max-age=1h"} {
		inTime(t, fields("Cache-Control", cc), func(s *site, o *origin) {
			s.get("/a")
			for range 2 {
				res := s.get("/a")
				require.Equal(t, "stale", res.is("fwd"), cc)
				require.Equal(t, "304", res.is("fwd-status"), cc)
			}
			o.version.Add(1)
			require.Equal(t, "version 1", s.get("/a").body, cc)
			require.Equal(t, "version 1", s.get("/a").body, cc)
		})
	}
}

// RFC 9111 sections 5.2.1.1 and 5.2.1.3.
func TestRequestedFreshness(t *testing.T) {
	inTime(t, fields("Cache-Control", "max-age=60"), func(s *site, o *origin) {
		s.get("/a")
		time.Sleep(20 * time.Second)
		for _, cc := range []string{"max-age=20", "max-age=3600", "min-fresh=40"} {
			require.True(t, s.get("/a", "Cache-Control", cc).hit(), cc)
		}
		for _, cc := range []string{"max-age=19", "min-fresh=41", "min-fresh=x"} {
			require.Equal(t, "request", s.get("/a", "Cache-Control", cc).is("fwd"), cc)
			require.Equal(t, "miss", s.do("HEAD", "/a", "Cache-Control", cc).is("fwd"), cc)
		}
	})
}

func TestHeadOfStaleEntryPasses(t *testing.T) {
	inTime(t, fields("Cache-Control", "max-age=10"), func(s *site, o *origin) {
		s.get("/a")
		time.Sleep(11 * time.Second)
		require.Equal(t, "miss", s.do("HEAD", "/a").is("fwd"))
		require.Equal(t, http.StatusGatewayTimeout, s.get("/a", "Cache-Control", "only-if-cached").StatusCode)
	})
}
