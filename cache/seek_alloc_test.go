//go:build !race && !daramjwee_checked

// Under the race detector a sync.Pool drops buffers at random, and a checked pool
// allocates each time.

package cache_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/daramjwee/daramjwee/cache"
)

// pooling is the destination that ReadSeeker's documentation asks for.
type pooling struct {
	http.ResponseWriter
	c *cache.DaramjweeCache
}

func (p pooling) ReadFrom(src io.Reader) (int64, error) {
	return p.c.BufferPool.CopyBuffer(p.ResponseWriter, src)
}

// A range over a connection makes no buffer of its own.
func TestServeContentAllocatesNoBuffer(t *testing.T) {
	seekable(t, digits, func(t *testing.T, c *cache.DaramjweeCache, r *cache.Response) {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			content, _ := r.ReadSeeker()
			w.Header()["Content-Type"] = nil
			http.ServeContent(pooling{w, c}, req, "", time.Time{}, content)
		}))
		defer server.Close()
		get := func() {
			req, err := http.NewRequest("GET", server.URL, nil)
			require.NoError(t, err)
			req.Header.Set("Range", "bytes=1000-200999")
			res, err := server.Client().Do(req)
			require.NoError(t, err)
			defer res.Body.Close()
			n, err := io.Copy(io.Discard, res.Body)
			require.NoError(t, err)
			require.EqualValues(t, 200_000, n)
		}
		const runs = 200
		get()
		before := allocated()
		for range runs {
			get()
		}
		require.Less(t, (allocated()-before)/runs, uint64(16<<10), "bytes a request, the client's included")
	})
}

// Who only asks whether there is one allocates none.
func TestAskingForAReadSeekerAllocatesNothing(t *testing.T) {
	seekable(t, digits, func(t *testing.T, _ *cache.DaramjweeCache, r *cache.Response) {
		objects, _ := perOperation(t, 10, 1000, func(int) {
			if _, seeks := r.ReadSeeker(); !seeks {
				t.Error("it cannot seek")
			}
		})
		require.Less(t, objects, 0.1)
	})
}

func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}
