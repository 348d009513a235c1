package httpcache

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

// ranges are cut out of entries of either tier, many at once.
func ranges(t *testing.T, w *world) {
	w.origin.says("Cache-Control", "max-age=3600")
	w.get("/memory")
	w.origin.size.Store(2 * memoryLimit)
	w.get("/disk")
	asked := w.origin.asked.Load()
	for target, size := range map[string]int64{"/memory": 300_000, "/disk": 2 * memoryLimit} {
		w.origin.size.Store(size)
		body := w.origin.body(target)
		w.atOnce(8, func(i int) error {
			random := rand.New(rand.NewPCG(uint64(i), 0))
			for range 5 {
				from := random.Int64N(size)
				to := from + random.Int64N(min(size-from, 150_000))
				req := w.request("GET", target, "Range", fmt.Sprintf("bytes=%d-%d", from, to), "If-Range", w.origin.etag())
				res, err := w.client.Do(req)
				if err != nil {
					return err
				}
				got, err := io.ReadAll(res.Body)
				res.Body.Close()
				if err != nil {
					return err
				}
				if res.StatusCode != http.StatusPartialContent || string(got) != body[from:to+1] ||
					res.Header.Get("Content-Range") != fmt.Sprintf("bytes %d-%d/%d", from, to, size) {
					return fmt.Errorf("%d-%d: %d %s, %d bytes", from, to, res.StatusCode, res.Header.Get("Content-Range"), len(got))
				}
			}
			return nil
		})
		require.True(t, w.get(target, "Range", "bytes=-1000").body == body[size-1000:])
		require.True(t, w.get(target, "Range", "bytes=1-", "If-Range", `"other"`).body == body)
		require.Equal(t, http.StatusRequestedRangeNotSatisfiable, w.get(target, "Range", fmt.Sprintf("bytes=%d-", size)).StatusCode)
	}
	require.Equal(t, asked, w.origin.asked.Load())
}
