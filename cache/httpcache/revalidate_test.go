package httpcache

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// answers gives one answer after the other.
func answers(list ...http.HandlerFunc) http.HandlerFunc {
	next := 0
	return func(w http.ResponseWriter, r *http.Request) {
		list[next](w, r)
		next++
	}
}

func notModifiedWith(pairs ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		for name, values := range fields(pairs...) {
			w.Header()[name] = values
		}
		w.WriteHeader(http.StatusNotModified)
	}
}

// A 304 updates the entry's fields (RFC 9111 sections 3.2 and 4.3.4), and its
// freshness is computed from the result.
func TestNotModifiedUpdatesTheEntry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, answers(
			says("body", "Etag", `"a"`, "Cache-Control", "max-age=10, must-revalidate", "X-Keep", "1", "X-Set", "1", "Content-Encoding", "x"),
			notModifiedWith("Etag", `"a"`, "Cache-Control", "max-age=100, must-revalidate", "X-Set", "2", "X-Set", "3", "Content-Encoding", "y",
				"Connection", "X-Hop", "X-Hop", "1", "Age", "30"),
			says("new"),
		))
		first := s.get("/a")
		time.Sleep(11 * time.Second)
		for i, age := range []string{"30", "30"} {
			res := s.get("/a")
			require.Equal(t, i == 1, res.hit())
			require.Equal(t, "body", res.body)
			require.Equal(t, "1", res.Header.Get("X-Keep"))
			require.Equal(t, []string{"2", "3"}, res.Header["X-Set"])
			require.Equal(t, "x", res.Header.Get("Content-Encoding"), "the bytes are what they were")
			require.False(t, has(res.Header, "X-Hop", "Connection"))
			require.Equal(t, age, res.Header.Get("Age"))
			require.NotEqual(t, first.Header.Get("Date"), res.Header.Get("Date"))
		}
		time.Sleep(69 * time.Second)
		require.True(t, s.get("/a").hit())
		time.Sleep(2 * time.Second)
		require.Equal(t, "new", s.get("/a").body)
	})
}

// An origin without an entity-tag is asked by time, in its own words.
func TestRevalidatedByTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, answers(says("body", "Last-Modified", "Tue, 24 Nov 2026 12:00:00 GMT", "Cache-Control", "no-cache"), notModifiedWith()))
		s.get("/a")
		require.Equal(t, "304", s.get("/a").is("fwd-status"))
		require.Equal(t, "Tue, 24 Nov 2026 12:00:00 GMT", s.lastAsked().Header.Get("If-Modified-Since"))
		require.False(t, has(s.lastAsked().Header, "If-None-Match"))
	})
}

func TestStaleNotFoundIsAskedWithoutConditions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, answers(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Etag", `"a"`)
			w.Header().Set("Cache-Control", "max-age=1")
			w.WriteHeader(http.StatusNotFound)
		}, says("here")))
		s.get("/a")
		time.Sleep(2 * time.Hour)
		require.Equal(t, "here", s.get("/a").body)
		require.False(t, has(s.lastAsked().Header, "If-None-Match"))
	})
}

// A 304 that names another representation, or forbids to store, is no answer to
// our question: it is asked again, without conditions.
func TestNotModifiedThatDoesNotHelp(t *testing.T) {
	for _, c := range []struct {
		name   string
		header []string
		again  http.HandlerFunc
		detail string // of the second answer, when it is not stored either
	}{
		{"another etag", []string{"Etag", `"b"`}, says("new", "Etag", `"b"`), ""},
		{"private now", []string{"Cache-Control", "private"}, says("new", "Cache-Control", "private"), "private"},
		{"no-store now", []string{"Cache-Control", "no-store"}, says("new", "Cache-Control", "no-store"), "no-store"},
		{"a cookie", []string{"Set-Cookie", "c=d"}, says("new", "Set-Cookie", "c=d"), "set-cookie"},
		{"varies now", []string{"Vary", "Cookie"}, says("new", "Vary", "Cookie"), "vary"},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := newSite(t, answers(says("old", "Etag", `"a"`, "Cache-Control", "no-cache"), notModifiedWith(c.header...), c.again, says("third")))
			s.get("/a")
			res := s.get("/a")
			require.Equal(t, "new", res.body, c.name)
			require.Equal(t, http.StatusOK, res.StatusCode, c.name)
			require.Equal(t, c.detail, res.is("detail"), c.name)
			require.Equal(t, 3, s.asks(), c.name)
			require.False(t, has(s.lastAsked().Header, "If-None-Match"), c.name)
			if c.detail != "" {
				require.Equal(t, "third", s.get("/a").body)
				require.False(t, has(s.lastAsked().Header, "If-None-Match"), "the old entry is gone")
			}
		})
	}
}

func TestSecondQuestionFails(t *testing.T) {
	s := newSite(t, nil)
	next := answers(says("old", "Etag", `"a"`, "Cache-Control", "no-cache"), notModifiedWith("Etag", `"b"`))
	s.over(roundTripperFunc(func(r *http.Request) (*http.Response, error) {
		if s.asks() > 2 {
			return nil, errors.New("down")
		}
		return answerOf(next, r), nil
	}))
	s.get("/a")
	require.Equal(t, http.StatusBadGateway, s.get("/a").StatusCode)
	require.Equal(t, 3, s.asks())
}

// A 304 to a request without conditions makes no sense, and is not the client's.
func TestUnaskedAnswers(t *testing.T) {
	var body *closeRecorder
	for _, status := range []int{http.StatusNotModified, http.StatusSwitchingProtocols} {
		s := newSite(t, nil)
		s.over(roundTripperFunc(func(r *http.Request) (*http.Response, error) {
			res := answerOf(says(""), r)
			body = &closeRecorder{ReadCloser: res.Body}
			res.StatusCode, res.Body = status, body
			return res, nil
		}))
		logged := s.logTo(slog.LevelWarn)
		require.Equal(t, http.StatusBadGateway, s.get("/a", "If-None-Match", `"a"`).StatusCode)
		require.True(t, body.closed)
		require.Contains(t, logged.String(), fmt.Sprint(errUnasked, ": ", status))
	}
}

// An answer that cannot be stored shows that a stale entry is outdated, and takes
// it out of the way, also when a refresh gets it.
func TestUnstoredAnswerReplacesTheEntry(t *testing.T) {
	status := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(code); fmt.Fprint(w, code) }
	}
	for _, code := range []int{301, 410} {
		synctest.Test(t, func(t *testing.T) {
			s := newSite(t, answers(says("old", "Cache-Control", "max-age=1, stale-while-revalidate=100"), status(code), says("new")))
			s.get("/a")
			time.Sleep(2 * time.Second)
			require.Equal(t, "old", s.get("/a").body)
			synctest.Wait() // for the refresh
			res := s.get("/a")
			require.Equal(t, "new", res.body)
			require.Equal(t, "uri-miss", res.is("fwd"))
		})
	}
}

// The body of an answer that a refresh cannot store is closed.
func TestRefreshClosesWhatItCannotStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		body := &closeRecorder{}
		s := newSite(t, nil)
		next := answers(says("old", "Cache-Control", "max-age=1, stale-while-revalidate=100, stale-if-error=0"),
			func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(503) })
		s.over(roundTripperFunc(func(r *http.Request) (*http.Response, error) {
			res := answerOf(next, r)
			body = &closeRecorder{ReadCloser: res.Body}
			res.Body = body
			return res, nil
		}))
		s.get("/a")
		time.Sleep(2 * time.Second)
		require.True(t, s.get("/a").hit())
		synctest.Wait()
		require.True(t, body.closed)
		require.True(t, s.get("/a").hit(), "an error takes nothing away")
	})
}

// The stale entry that was to stand in for a server error may be gone when one
// who waited for the same answer looks for it. The error's body is gone too: the
// client gets what the origin says then.
func TestStandInThatHasGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fail := make(chan struct{})
		s := newSite(t, answers(
			says("old", "Cache-Control", "max-age=1, stale-while-revalidate=0, stale-if-error=100"),
			func(w http.ResponseWriter, r *http.Request) { <-fail; w.WriteHeader(503) },
			func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(503); fmt.Fprint(w, "sorry") },
		))
		s.get("/a")
		time.Sleep(2 * time.Second)
		results := make(chan *answered, 2)
		ask := func() { results <- s.get("/a") }
		go ask()
		synctest.Wait()
		go ask()
		synctest.Wait()
		require.NoError(t, s.cache.Delete(t.Context(), "http://origin.test/base/a"))
		close(fail)
		leader, follower := <-results, <-results
		if leader.StatusCode != http.StatusOK {
			leader, follower = follower, leader
		}
		require.Equal(t, "old", leader.body)
		require.Equal(t, 503, follower.StatusCode)
		require.Equal(t, "sorry", follower.body)
		require.Equal(t, "stale", follower.is("fwd"))
		require.Equal(t, 3, s.asks())
	})
}
