package httpcache

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/daramjwee/daramjwee/cache"
	"github.com/daramjwee/daramjwee/cache/store/disk"
	"github.com/daramjwee/daramjwee/cache/store/memory"
	"github.com/daramjwee/daramjwee/strategy"
	"github.com/stretchr/testify/require"
)

// endToEnd runs over loopback, from a client to an origin, through a memory and a
// disk tier, once per strategy.
var endToEnd = []struct {
	name string
	test func(t *testing.T, w *world)
}{
	{"cold and hot", coldAndHot},
	{"not modified", conditional},
	{"not found", negative},
	{"deleted", deleted},
	{"origin down", originDown},
	{"stale, then fresh", staleThenFresh},
	{"client leaves", clientLeaves},
	{"20 collapsed", collapsed},
	{"restart", restart},
	{"one-hit wonders", oneHitWonders},
	{"too large for memory", secondTier},
	{"damaged on disk", damagedFile},
	{"damaged and stale", damagedAndStale},
	{"shutdown under load", shutdownUnderLoad},
	{"deleted during a fill", deletedDuringFill},
	{"10 stale hits, 1 refresh", oneRefresh},
	{"set and get", setAndGet},
	{"sets at once", concurrentSets},
	{"strange keys", strangeKeys},
	{"ranges", ranges},
}

func TestEndToEnd(t *testing.T) {
	for _, name := range []string{"syncpool", "bytebuffer", "channel", "noop"} {
		for _, c := range endToEnd {
			t.Run("strategy="+name+"/"+c.name, func(t *testing.T) { c.test(t, newWorld(t, name)) })
		}
	}
}

// world is all there is, as one process has it; a restart keeps the origin and the
// directory.
type world struct {
	*network
	origin     *versioned
	originURL  string
	stopOrigin func()
	dir        string
	strategy   string
	options    []cache.Option // of the next start
	memory     *memory.Store
	disk       *disk.Store
}

func newWorld(t *testing.T, strategy string) *world {
	t.Helper()
	w := &world{origin: &versioned{}, dir: t.TempDir(), strategy: strategy}
	server := httptest.NewServer(w.origin)
	t.Cleanup(server.Close)
	w.originURL, w.stopOrigin = server.URL, server.Close
	w.start(t)
	return w
}

const memoryLimit = 1 << 20

func (w *world) start(t *testing.T) {
	t.Helper()
	pool := strategy.DefaultConfig()
	pool.Strategy = w.strategy
	var err error
	w.memory, err = memory.New(memory.Options{MaxBytes: memoryLimit, BufferPool: pool})
	require.NoError(t, err)
	w.disk, err = disk.Open(w.dir, disk.Options{MaxBytes: 256 << 20})
	require.NoError(t, err)
	options := append([]cache.Option{cache.WithTiers(w.memory, w.disk), cache.WithBufferPoolAdvanced(pool)}, w.options...)
	w.network = newNetwork(t, w.originURL, options...)
	n := w.network
	t.Cleanup(func() { // the server before the cache
		n.server.Close()
		require.NoError(t, n.cache.Close())
		require.Equal(t, w.strategy, n.cache.Stats().Strategy)
		require.Zero(t, n.cache.Stats().BufferPool.ActiveBuffers)
	})
}

// restarted is a new process on the old directory.
func (w *world) restarted() {
	w.t.Helper()
	w.server.Close()
	require.NoError(w.t, w.cache.Close())
	w.start(w.t)
}

// try is a get for goroutines, which must not end the test.
func (w *world) try(target string) (body string, res *http.Response, err error) {
	res, err = w.client.Get(w.server.URL + target)
	if err != nil {
		return "", nil, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return string(b), res, err
}

// atOnce runs n of test and reports what they return.
func (w *world) atOnce(n int, test func(i int) error) {
	w.t.Helper()
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			if err := test(i); err != nil {
				w.t.Errorf("%d: %v", i, err)
			}
		})
	}
	all.Wait()
}

func until(t *testing.T, what string, condition func() bool) {
	t.Helper()
	require.Eventually(t, condition, 20*time.Second, time.Millisecond, what)
}

// versioned is an origin that answers with a body of its path and version.
type versioned struct {
	asked   atomic.Int64
	full    atomic.Int64 // answers with a body
	version atomic.Int64
	status  atomic.Int64             // 0: 200
	header  atomic.Pointer[[]string] // pairs
	size    atomic.Int64             // 0: 300,000
	chunked atomic.Bool

	// hold stops answers: before the header, or after half of the body. Each takes
	// one value from it, unless it is closed.
	hold atomic.Pointer[hold]
}

type hold struct {
	midway bool
	pass   chan struct{}
}

// holds has the answers from now on wait until release is called.
func (o *versioned) holds(t *testing.T, midway bool) (release func()) {
	h := &hold{midway: midway, pass: make(chan struct{})}
	o.hold.Store(h)
	release = sync.OnceFunc(func() { o.hold.Store(nil); close(h.pass) })
	t.Cleanup(release) // also when the test fails: the servers wait for their requests
	return release
}

func (o *versioned) says(pairs ...string) { o.header.Store(&pairs) }

func (o *versioned) etag() string { return fmt.Sprintf(`"v%d"`, o.version.Load()) }

func (o *versioned) body(target string) string {
	size := int(o.size.Load())
	if size == 0 {
		size = 300_000
	}
	line := fmt.Sprintf("%s v%d\n", target, o.version.Load())
	return strings.Repeat(line, size/len(line)+1)[:size]
}

func (o *versioned) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o.asked.Add(1)
	h := o.hold.Load()
	if h != nil && !h.midway {
		<-h.pass
	}
	if pairs := o.header.Load(); pairs != nil {
		for name, values := range fields(*pairs...) {
			w.Header()[name] = values
		}
	}
	w.Header().Set("Etag", o.etag())
	if code := o.status.Load(); code != 0 {
		w.WriteHeader(int(code))
		return
	}
	if matches(r.Header.Get("If-None-Match"), o.etag()) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	o.full.Add(1)
	body := o.body(r.RequestURI)
	w.Header().Set("Content-Type", "text/plain")
	if !o.chunked.Load() {
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	}
	half := len(body) / 2
	io.WriteString(w, body[:half])
	flush(w)
	if h != nil && h.midway {
		<-h.pass
	}
	io.WriteString(w, body[half:])
}
