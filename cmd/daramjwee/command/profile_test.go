package command

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/daramjwee/daramjwee/cache/httpcache"
	"github.com/daramjwee/daramjwee/strategy"
)

// TestServeAllocatesNoCopyBuffer is the profile of serve under load: misses, hits,
// promotes out of the disk tier, ranges, and what passes through.
func TestServeAllocatesNoCopyBuffer(t *testing.T) {
	defer func(rate int) { runtime.MemProfileRate = rate }(runtime.MemProfileRate)
	runtime.MemProfileRate = 1
	for _, name := range []string{"syncpool", "bytebuffer", "channel"} {
		require.Empty(t, copyBuffers(t, "--pool", name), name)
	}

	// The same look finds a handler that copies as everybody does.
	naive := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.Copy(struct{ io.Writer }{w}, io.LimitReader(zeros{}, 1<<20))
	}))
	defer naive.Close()
	res, err := http.Get(naive.URL)
	require.NoError(t, err)
	_, err = io.Copy(io.Discard, res.Body)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	require.NotEmpty(t, profile())
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// TestUploadsAllocateNoCopyBuffer, on their way to the origin.
func TestUploadsAllocateNoCopyBuffer(t *testing.T) {
	defer func(rate int) { runtime.MemProfileRate = rate }(runtime.MemProfileRate)
	runtime.MemProfileRate = 1
	var uploaded atomic.Int64
	origin := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		n, _ := io.Copy(io.Discard, r.Body)
		uploaded.Add(n)
	}))
	defer origin.Close()
	pool, err := strategy.New(strategy.DefaultConfig())
	require.NoError(t, err)
	pooled := httpcache.NewPooledTransport(pool)
	defer pooled.CloseIdleConnections()
	upload := func(to string, by http.RoundTripper) map[string]int64 {
		before := profile()
		for range 20 {
			req, err := http.NewRequest("POST", to, bytes.NewReader(make([]byte, 300_000)))
			require.NoError(t, err)
			res, err := by.RoundTrip(req)
			require.NoError(t, err)
			require.NoError(t, res.Body.Close())
			require.Equal(t, http.StatusOK, res.StatusCode)
		}
		return since(before)
	}
	for _, name := range []string{"syncpool", "bytebuffer", "channel"} {
		s := serveInProcess(t, "--pool", name, "--origin", origin.URL)
		require.Empty(t, upload(s.url, pooled), name)
		require.Zero(t, s.stop())
	}
	require.EqualValues(t, 60*300_000, uploaded.Load())
	naive := httpcache.NewTransport()
	defer naive.CloseIdleConnections()
	require.NotEmpty(t, upload(origin.URL, naive))
}

// copyBuffers are the stacks that allocated 32 KiB for a copy, in the goroutines of
// a server under load.
func copyBuffers(t *testing.T, args ...string) map[string]int64 {
	before := profile()
	s := serveInProcess(t, append(args, "--memory", "4MiB")...)
	var wg sync.WaitGroup
	for client := range 4 {
		wg.Go(func() {
			buf := make([]byte, 64<<10) // the client's own copies allocate nothing
			for i := range 20 {
				for _, o := range demoObjects {
					req, err := http.NewRequest([]string{"GET", "GET", "GET", "POST"}[i%4], fmt.Sprintf("%s%s?%d", s.url, o.path, (client+i)%5), nil)
					if err != nil {
						t.Error(err)
						return
					}
					if i%5 == 4 {
						req.Header.Set("Range", "bytes=10-999")
					}
					res, err := http.DefaultClient.Do(req)
					if err != nil {
						t.Error(err)
						return
					}
					for err == nil {
						_, err = res.Body.Read(buf)
					}
					if res.Body.Close(); err != io.EOF {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
	require.Zero(t, s.stop())
	return since(before)
}

// since is what has come to a profile.
func since(before map[string]int64) map[string]int64 {
	found := profile()
	for stack, n := range before {
		if found[stack] -= n; found[stack] == 0 {
			delete(found, stack)
		}
	}
	return found
}

// profile counts the 32 KiB allocations of io.Copy and its like by their stacks.
func profile() map[string]int64 {
	runtime.GC() // twice: the profile is published with a delay
	runtime.GC()
	n, _ := runtime.MemProfile(nil, true)
	records := make([]runtime.MemProfileRecord, n+1000)
	n, ok := runtime.MemProfile(records, true)
	if !ok {
		panic("the profile grew by a thousand stacks")
	}
	found := make(map[string]int64)
	for _, r := range records[:n] {
		if r.AllocObjects == 0 || r.AllocBytes/r.AllocObjects != 32<<10 {
			continue
		}
		var stack strings.Builder
		frames := runtime.CallersFrames(r.Stack())
		for more := true; more; {
			var f runtime.Frame
			f, more = frames.Next()
			stack.WriteString(f.Function + "\n")
		}
		text := stack.String()
		server := strings.Contains(text, "net/http.(*conn).serve") || strings.Contains(text, "cache.(*background).work") ||
			strings.Contains(text, "net/http.(*persistConn).writeLoop")
		// demoObject is the origin; getCopyBuf fills a pool of net/http's own, which is
		// on the way of everything that is sent by sendfile.
		if server && !strings.Contains(text, "demoObject") && !strings.Contains(text, "net/http.getCopyBuf") &&
			(strings.Contains(text, "io.copyBuffer") || strings.Contains(text, "ReverseProxy).copyBuffer")) {
			found[text] += r.AllocObjects
		}
	}
	return found
}
