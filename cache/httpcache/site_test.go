package httpcache

import (
	"cmp"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/daramjwee/daramjwee/cache"
	"github.com/daramjwee/daramjwee/cache/store/memory"
	"github.com/dunglas/httpsfv"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// site is a Handler over a cache of one memory tier, and an origin without a
// network, so that it runs in a synctest bubble.
type site struct {
	t       *testing.T
	cache   *cache.DaramjweeCache
	handler *Handler

	mu    sync.Mutex // guards asked
	asked []*http.Request
}

func newSite(t *testing.T, origin http.HandlerFunc, options ...cache.Option) *site {
	t.Helper()
	s := &site{t: t}
	s.cache = newCache(t, options...)
	return s.over(roundTripperFunc(func(r *http.Request) (*http.Response, error) {
		return answerOf(origin, r), r.Context().Err()
	}))
}

// over puts a Handler with another Transport over the cache.
func (s *site) over(t http.RoundTripper) *site {
	s.t.Helper()
	var err error
	s.handler, err = New(s.cache, Options{Origin: parseURL(s.t, "http://origin.test/base"), Transport: roundTripperFunc(
		func(r *http.Request) (*http.Response, error) {
			s.mu.Lock()
			s.asked = append(s.asked, r.Clone(context.Background()))
			s.mu.Unlock()
			return t.RoundTrip(r)
		})})
	require.NoError(s.t, err)
	return s
}

func newCache(t *testing.T, options ...cache.Option) *cache.DaramjweeCache {
	t.Helper()
	tier, err := memory.New(memory.Options{MaxBytes: 64 << 20})
	require.NoError(t, err)
	c, err := cache.New(append([]cache.Option{cache.WithTiers(tier)}, options...)...)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	return c
}

// answerOf is what a server would answer with what the handler writes.
func answerOf(origin http.HandlerFunc, r *http.Request) *http.Response {
	rec := httptest.NewRecorder()
	origin(rec, r)
	res := rec.Result()
	if res.ContentLength < 0 {
		res.ContentLength = int64(rec.Body.Len())
	}
	if !has(res.Header, "Date") {
		res.Header.Set("Date", httpDate(time.Now()))
	}
	res.Request = r
	return res
}

// do sends a request with the given fields. The answer's body is read whole.
func (s *site) do(method, target string, pairs ...string) *answered {
	s.t.Helper()
	r := httptest.NewRequest(method, target, nil)
	for name, values := range fields(pairs...) {
		r.Header[name] = values
	}
	return s.send(r)
}

func (s *site) send(r *http.Request) *answered {
	s.t.Helper()
	rec := &fieldRecorder{ResponseRecorder: httptest.NewRecorder()}
	s.handler.ServeHTTP(rec, r)
	return read(s.t, rec.Result())
}

func (s *site) get(target string, pairs ...string) *answered {
	s.t.Helper()
	return s.do("GET", target, pairs...)
}

// asks is how often the origin was asked.
func (s *site) asks() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.asked)
}

func (s *site) lastAsked() *http.Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked[len(s.asked)-1]
}

// answered is an answer with its body, and the last member of Cache-Status.
type answered struct {
	*http.Response
	body   string
	status httpsfv.Item
}

func read(t *testing.T, res *http.Response) *answered {
	t.Helper()
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	a := &answered{Response: res, body: string(body)}
	if lines := res.Header["Cache-Status"]; len(lines) > 0 {
		list, err := httpsfv.UnmarshalList(lines)
		require.NoError(t, err)
		a.status = list[len(list)-1].(httpsfv.Item)
	}
	return a
}

// is returns a parameter of Cache-Status as text: "true" for a bare one, "" for
// none.
func (a *answered) is(name string) string {
	if a.status.Params == nil {
		return ""
	}
	v, ok := a.status.Params.Get(name)
	if !ok {
		return ""
	}
	text, err := httpsfv.Marshal(httpsfv.NewItem(v))
	if err != nil {
		return err.Error()
	}
	return strings.Trim(cmp.Or(map[string]string{"?1": "true"}[text], text), `"`)
}

func (a *answered) hit() bool { return a.is("hit") == "true" }

// says writes fields and a body, as most origins here do.
func says(body string, pairs ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		for name, values := range fields(pairs...) {
			w.Header()[name] = values
		}
		io.WriteString(w, body)
	}
}
