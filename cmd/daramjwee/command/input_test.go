package command

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/daramjwee/daramjwee/strategy"
)

const (
	inputFiles = 2000
	clients    = 16
)

// TestTheGoSourceTree puts serve in front of a file server over the Go
// distribution's own source, once for each strategy. By hand: see example/files.
func TestTheGoSourceTree(t *testing.T) {
	root, files := inputTree(t)
	for _, name := range strategy.Names() {
		t.Run("strategy="+name, func(t *testing.T) { throughServe(t, name, root, files) })
	}
}

func throughServe(t *testing.T, name, root string, files map[string][]byte) {
	noLeaks(t)
	var asked atomic.Int64
	tree := http.FileServer(http.Dir(root))
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		tree.ServeHTTP(w, r)
	}))
	t.Cleanup(origin.Close)
	n := int64(len(files))
	dir := t.TempDir()
	config := write(t, fmt.Sprintf("strategy: %s\nbackground: {queue: %d}\n", name, len(files)))
	args := []string{"--config", config, "--origin", origin.URL, "--dir", dir, "--disk", "1GiB"}

	s := serveInProcess(t, args...)
	fetchAll(t, s.url, files, "daramjwee;fwd=uri-miss;ttl=")
	fetchAll(t, s.url, files, "daramjwee;hit;ttl=")
	require.EqualValues(t, n, asked.Load(), "the second pass is the cache's alone")

	// A handler gives its buffers back, and a worker its copy to the disk tier,
	// some time after the client has the last byte.
	var st statistics
	require.Eventually(t, func() bool {
		st = s.statistics(t)
		return st.Cache.Persists == n && st.Cache.BufferPool.ActiveBuffers == 0 && st.DiskPool.ActiveBuffers == 0 && st.UnderWay == 0
	}, 3*time.Minute, 5*time.Millisecond, "nothing is left to be done")
	require.Equal(t, name, st.Cache.Strategy)
	require.Empty(t, st.Cache.StrategyError)
	require.Equal(t, []int64{n, n, n}, []int64{st.Cache.Hits, st.Cache.Misses, st.Cache.Fills})
	for what, count := range map[string]int64{
		"dropped": st.Cache.Dropped, "queued": st.Cache.Queued, "persist failures": st.Cache.PersistFailures,
		"fetch errors": st.Cache.FetchErrors, "aborts": st.Cache.Aborts, "detached": st.Cache.Detached,
		"double puts": st.Cache.BufferPool.DoublePuts, "damaged buffers": st.Cache.BufferPool.Damaged, "corrupt files": st.Disk.Corrupt,
		"tier 0 errors": st.Cache.Tiers[0].Errors, "tier 1 errors": st.Cache.Tiers[1].Errors,
	} {
		require.Zero(t, count, what)
	}
	require.Equal(t, n, st.Disk.Entries)
	require.Zero(t, s.stop(), s.log)
	require.Contains(t, s.log.String(), "pool_active=0")

	s = serveInProcess(t, args...)
	fetchAll(t, s.url, files, "detail=tier-1")
	require.EqualValues(t, n, asked.Load(), "after a restart the disk tier has everything")
	st = s.statistics(t)
	require.Equal(t, []int64{n, 0, n}, []int64{st.Cache.Hits, st.Cache.Misses, st.Cache.Tiers[1].Hits})
	require.Zero(t, s.stop(), s.log)
	require.NotContains(t, s.log.String(), "level=WARN")
	require.NotContains(t, s.log.String(), "level=ERROR")
}

// fetchAll gets every file once, with several clients at a time. Each answer must
// have the file's bytes, and the Cache-Status that is wanted.
func fetchAll(t *testing.T, base string, files map[string][]byte, want string) {
	t.Helper()
	tr := &http.Transport{MaxIdleConnsPerHost: clients}
	defer tr.CloseIdleConnections()
	defer http.DefaultClient.CloseIdleConnections()
	client := &http.Client{Transport: tr}
	jobs := make(chan string)
	faults := make(chan error, len(files))
	var wg sync.WaitGroup
	for range clients {
		wg.Go(func() {
			for file := range jobs {
				if err := fetchOne(client, base+(&url.URL{Path: "/" + file}).EscapedPath(), files[file], want); err != nil {
					faults <- fmt.Errorf("%s: %w", file, err)
				}
			}
		})
	}
	for file := range files {
		jobs <- file
	}
	close(jobs)
	wg.Wait()
	require.Zero(t, len(faults), "the first of these: %v", first(faults))
}

func first(faults chan error) error {
	select {
	case err := <-faults:
		return err
	default:
		return nil
	}
}

func fetchOne(client *http.Client, url string, exact []byte, want string) error {
	res, err := client.Get(url)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	got, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK || !strings.Contains(res.Header.Get("Cache-Status"), want) {
		return fmt.Errorf("%s, Cache-Status: %s", res.Status, res.Header.Get("Cache-Status"))
	}
	if !bytes.Equal(exact, got) {
		return fmt.Errorf("%d bytes that are not the file's %d", len(got), len(exact))
	}
	return nil
}
