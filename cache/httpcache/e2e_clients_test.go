package httpcache

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// A client that leaves in the middle leaves nothing half behind.
func clientLeaves(t *testing.T, w *world) {
	release := w.origin.holds(t, true)
	res := w.send(w.request("GET", "/a"))
	_, err := io.CopyN(io.Discard, res.Body, 1000)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	release()
	for range 2 {
		require.True(t, w.get("/a").body == w.origin.body("/a"))
	}
	require.True(t, w.get("/a").hit())
	w.server.Close() // returns when the first client's handler has
	require.Zero(t, w.cache.Stats().BufferPool.ActiveBuffers)
}

func collapsed(t *testing.T, w *world) {
	release := w.origin.holds(t, true)
	want := w.origin.body("/a")
	half := len(want)/2 - 8<<10 // the last few KiB may wait in buffers of net/http for more
	var halfway atomic.Int64
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.atOnce(20, func(int) error {
			res, err := w.client.Get(w.server.URL + "/a")
			if err != nil {
				return err
			}
			defer res.Body.Close()
			got := make([]byte, half)
			if _, err := io.ReadFull(res.Body, got); err != nil {
				return err
			}
			halfway.Add(1)
			rest, err := io.ReadAll(res.Body)
			if err == nil && string(got)+string(rest) != want {
				err = fmt.Errorf("%d wrong bytes", len(got)+len(rest))
			}
			return err
		})
	}()
	until(t, "all have half of it while the origin holds the rest", func() bool { return halfway.Load() == 20 })
	require.EqualValues(t, 19, w.cache.Stats().Collapsed)
	release()
	<-done
	require.EqualValues(t, 1, w.origin.asked.Load())
}

// Who streams when the cache is closed gets the whole body, everybody else a whole
// answer or a 503.
func shutdownUnderLoad(t *testing.T, w *world) {
	w.origin.says("Cache-Control", "max-age=3600")
	w.get("/hot")
	release := w.origin.holds(t, true)
	streaming := w.send(w.request("GET", "/streaming"))
	_, err := io.CopyN(io.Discard, streaming.Body, 1000)
	require.NoError(t, err)

	served := make(chan struct{}, 8)
	load := make(chan struct{})
	go func() {
		defer close(load)
		w.atOnce(8, func(int) error {
			for n := 0; ; n++ {
				body, res, err := w.try("/hot")
				switch {
				case err != nil:
					return err
				case res.StatusCode == http.StatusServiceUnavailable:
					if res.Header.Get("Retry-After") == "" {
						return errors.New("no Retry-After")
					}
					return nil
				case body != w.origin.body("/hot"):
					return fmt.Errorf("%d: %d wrong bytes", res.StatusCode, len(body))
				case n == 0:
					served <- struct{}{}
				}
			}
		})
	}()
	for range 8 {
		<-served
	}
	closed := make(chan error)
	go func() { closed <- w.cache.Close() }()
	<-load // all of them got their 503
	select {
	case err := <-closed:
		t.Fatalf("closed under a stream: %v", err)
	default:
	}
	release()
	rest, err := io.ReadAll(streaming.Body)
	require.NoError(t, err)
	require.True(t, string(rest) == w.origin.body("/streaming")[1000:])
	streaming.Body.Close()
	require.NoError(t, <-closed)
	require.EqualValues(t, 2, w.cache.Stats().Fills)
	require.Equal(t, http.StatusServiceUnavailable, w.get("/hot").StatusCode)
	require.Equal(t, http.StatusServiceUnavailable, w.get("/hot", "Range", "bytes=0-1").StatusCode)
}

// A value whose fetch began before the Delete is its reader's, and nobody else's.
func deletedDuringFill(t *testing.T, w *world) {
	release := w.origin.holds(t, true)
	old := w.origin.body("/a")
	res := w.send(w.request("GET", "/a"))
	require.NoError(t, w.cache.Delete(t.Context(), w.originURL+"/a"))
	release()
	require.True(t, read(t, res).body == old)
	w.origin.version.Add(1)
	for i := range 2 {
		res := w.get("/a")
		require.Equal(t, i == 1, res.hit())
		require.True(t, res.body == w.origin.body("/a"))
	}
	require.EqualValues(t, 1, w.cache.Stats().Superseded)
}

func oneRefresh(t *testing.T, w *world) {
	w.origin.says("Cache-Control", "max-age=10, stale-while-revalidate=1000", "Age", "11")
	old := w.get("/a").body
	w.origin.says("Cache-Control", "max-age=3600")
	w.origin.version.Add(1)
	release := w.origin.holds(t, false)
	w.atOnce(10, func(int) error {
		body, res, err := w.try("/a")
		if err == nil && (body != old || res.StatusCode != http.StatusOK) {
			err = fmt.Errorf("%d, %d bytes", res.StatusCode, len(body))
		}
		return err
	})
	require.EqualValues(t, 10, w.cache.Stats().StaleHits)
	release()
	until(t, "refreshed", func() bool { return w.cache.Stats().Refreshes == 1 })
	require.True(t, w.get("/a").body == w.origin.body("/a"))
	require.EqualValues(t, 2, w.origin.asked.Load())
}
