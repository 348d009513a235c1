package httpcache

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"testing"
	"testing/synctest"
	"time"

	"github.com/daramjwee/daramjwee/cache"
	"github.com/daramjwee/daramjwee/cache/store"
	"github.com/daramjwee/daramjwee/cache/store/memory"
	"github.com/stretchr/testify/require"
)

// A refresh may have its answer before the handler of the stale hit goes on: that
// answer is not the client's.
func TestRefreshFasterThanItsHit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, err := memory.New(memory.Options{MaxBytes: 1 << 20})
		require.NoError(t, err)
		far, err := memory.New(memory.Options{MaxBytes: 1 << 20})
		require.NoError(t, err)
		w, err := far.Create(t.Context(), "http://origin.test/base/a", store.Metadata{
			StoredAt: time.Now().Add(-2 * time.Second), TTL: time.Second, StaleWhileRevalidate: time.Hour, Size: 3, Generation: 1,
		})
		require.NoError(t, err)
		_, err = w.Write([]byte("old"))
		require.NoError(t, err)
		require.NoError(t, w.Commit(t.Context()))

		s := newSite(t, says("mine", "Cache-Control", "private"), cache.WithTiers(slowCreate{near}, far))
		res := s.get("/a")
		require.Equal(t, 1, s.asks(), "the refresh was first")
		require.Equal(t, "old", res.body)
		require.True(t, res.hit())
	})
}

// slowCreate gives a refresh time while a hit of a lower tier is being promoted.
type slowCreate struct{ store.Store }

func (s slowCreate) Create(ctx context.Context, key string, m store.Metadata) (store.Writer, error) {
	time.Sleep(time.Minute)
	return s.Store.Create(ctx, key, m)
}

// Informational answers to a refresh are nobody's: the handler has returned.
func TestRefreshWritesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, nil, cache.WithOpTimeout(time.Hour))
		s.over(roundTripperFunc(func(r *http.Request) (*http.Response, error) {
			time.Sleep(time.Minute)
			err := httptrace.ContextClientTrace(r.Context()).Got1xxResponse(http.StatusEarlyHints, nil)
			return answerOf(says("x", "Cache-Control", "max-age=1, stale-while-revalidate=1000"), r), err
		}))
		request := func() *codeRecorder {
			codes := &codeRecorder{ResponseWriter: httptest.NewRecorder()}
			s.handler.ServeHTTP(codes, httptest.NewRequest("GET", "/a", nil))
			return codes
		}
		require.Equal(t, []int{103, 200}, request().codes)
		time.Sleep(time.Minute)
		stale := request()
		time.Sleep(2 * time.Minute)
		require.Equal(t, 2, s.asks())
		require.Equal(t, []int{200}, stale.codes)
	})
}

type codeRecorder struct {
	http.ResponseWriter
	codes []int
}

func (c *codeRecorder) WriteHeader(code int) {
	c.codes = append(c.codes, code)
	if code >= 200 { // a ResponseRecorder takes any code for the final one
		c.ResponseWriter.WriteHeader(code)
	}
}
