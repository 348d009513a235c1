package command

import (
	"context"
	"flag"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/daramjwee/daramjwee/internal/checked"
	"github.com/daramjwee/daramjwee/internal/race"
)

// The values of .ci/soak are longer.
var (
	soakFor    = flag.Duration("soak", 4*time.Second, "how long 64 clients keep TestMemoryUnderLoad's server busy")
	soakBeside = flag.Duration("soak-beside", 2*time.Second, "how long 1 and 512 do")
	soakCPU    = flag.String("soak-profile", "", "the file that gets a CPU profile of it, of the last load")
	soakTier   = flag.Int64("soak-tier", 64, "MiB of its memory tier")
)

// TestMemoryUnderLoad asks a server for bodies of 1 KiB to 10 MiB, four times as
// many bytes as its memory tier takes, some much more often than others. What is
// live must stay near the tier's limit, and the process within the memory limit
// that serve gave itself.
func TestMemoryUnderLoad(t *testing.T) {
	if testing.Short() || race.Enabled || checked.Everywhere {
		t.Skip("takes seconds, and both others take memory")
	}
	tier := *soakTier << 20
	largest := min(10<<20, tier/8) // what a tier of this size keeps
	origin := httptest.NewServer(http.HandlerFunc(sizedObject))
	t.Cleanup(origin.Close)
	sizes := soakSizes(4*tier, largest)
	for _, load := range []struct {
		clients int
		d       time.Duration
	}{{64, *soakFor}, {1, *soakBeside}, {512, *soakBeside}} {
		t.Run(fmt.Sprintf("clients=%d", load.clients), func(t *testing.T) {
			t.Setenv("GODEBUG", "gctrace=1")
			t.Setenv("DARAMJWEE_TEST_PROFILE", *soakCPU)
			if *soakFor < time.Minute {
				t.Setenv("GOGC", "5") // there would be one collection, or none
			}
			s, cmd := child(t, "--origin", origin.URL, "--memory", fmt.Sprintf("%dMiB", *soakTier), "--log-level", "error")
			limit := soakLimit(t, s.greeting)

			askAll(t, s.url, sizes, 4) // the tier is full from here on
			filled := len(liveHeaps(s.log.String()))
			begun := time.Now()
			ctx, cancel := context.WithTimeout(t.Context(), load.d)
			defer cancel()
			var rss []int64
			watched := make(chan struct{})
			go func() {
				defer close(watched)
				for ctx.Err() == nil {
					rss = append(rss, residentSet(t, cmd.Process.Pid))
					<-time.After(load.d / 100)
				}
			}()
			bytes := askZipf(t, ctx, s.url, sizes, load.clients)
			took := time.Since(begun)
			<-watched
			used := s.statistics(t).Cache.Tiers[0].Usage.Bytes
			require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
			require.NoError(t, cmd.Wait())

			live := liveHeaps(s.log.String())[filled:]
			require.NotEmpty(t, live, "collections")
			early, late := halves(live)
			earlyRSS, lateRSS := halves(rss)
			t.Logf("%v: %.1f GB served, %d collections; MiB: tier %d of %d; in the first half and the second: live heap after a collection at most %d and %d, resident at most %d and %d of %d",
				took.Round(time.Second), float64(bytes)/1e9, len(live), used>>20, *soakTier,
				early>>20, late>>20, earlyRSS>>20, lateRSS>>20, limit>>20)
			// A small tier is not all that a process has: connections, indexes, idle buffers.
			require.Less(t, slices.Max(live), tier+max(tier*15/100, 24<<20), "live heap after a collection")
			require.Less(t, slices.Max(rss), limit, "resident set")
			if load.d < time.Minute || len(live) < 6 { // between two collections there is no trend but up
				t.Logf("%v with %d collections: too little to tell a trend", load.d, len(live))
				return
			}
			require.Less(t, float64(late), 1.05*float64(early), "live heap: no upward trend")
			require.Less(t, float64(lateRSS), 1.1*float64(earlyRSS), "resident set: no upward trend")
		})
	}
}

// halves are the peaks of each: between two collections a heap only grows.
func halves(all []int64) (early, late int64) {
	return slices.Max(all[:(len(all)+1)/2]), slices.Max(all[len(all)/2:])
}

// soakSizes are log-uniform from 1 KiB to largest, about sum bytes in all.
func soakSizes(sum, largest int64) (sizes []int64) {
	random := rand.New(rand.NewPCG(1, 2))
	for sum > 0 {
		n := int64(1024 * math.Pow(float64(largest)/1024, random.Float64()))
		sizes = append(sizes, n)
		sum -= n
	}
	return sizes
}

// sizedObject is the origin: /N/SIZE is that many bytes.
func sizedObject(w http.ResponseWriter, r *http.Request) {
	size, err := strconv.ParseInt(r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:], 10, 64)
	if err != nil {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Cache-Control", "max-age=86400")
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Length", strconv.FormatInt(size, 10))
	for size > 0 {
		n, err := w.Write(soakBody[:min(size, int64(len(soakBody)))])
		if size -= int64(n); err != nil {
			return
		}
	}
}

var soakBody = make([]byte, 64<<10)

// askAll asks for every object once.
func askAll(t *testing.T, url string, sizes []int64, clients int) {
	var next atomic.Int64
	askMany(t, url, sizes, clients, func(int) int {
		if i := int(next.Add(1) - 1); i < len(sizes) {
			return i
		}
		return -1
	})
}

// askZipf asks until ctx ends, for the n-th object n^1.05 times less often than for
// the first.
func askZipf(t *testing.T, ctx context.Context, url string, sizes []int64, clients int) (bytes int64) {
	var zipf []*rand.Zipf
	for c := range clients {
		zipf = append(zipf, rand.NewZipf(rand.New(rand.NewPCG(3, uint64(c))), 1.05, 1, uint64(len(sizes)-1)))
	}
	return askMany(t, url, sizes, clients, func(c int) int {
		if ctx.Err() != nil {
			return -1
		}
		return int(zipf[c].Uint64())
	})
}

// askMany has each client ask for one object after the other, until next says -1.
func askMany(t *testing.T, url string, sizes []int64, clients int, next func(client int) int) (bytes int64) {
	transport := &http.Transport{MaxIdleConnsPerHost: clients, DisableCompression: true}
	defer transport.CloseIdleConnections()
	var wg sync.WaitGroup
	var sum atomic.Int64
	for c := range clients {
		wg.Go(func() {
			buf := make([]byte, 64<<10)
			for i := next(c); i >= 0; i = next(c) {
				n, err := askFor(transport, fmt.Sprintf("%s/%d/%d", url, i, sizes[i]), buf)
				if err != nil || n != sizes[i] {
					t.Errorf("object %d: %d bytes of %d, %v", i, n, sizes[i], err)
					return
				}
				sum.Add(n)
			}
		})
	}
	wg.Wait()
	return sum.Load()
}

func askFor(transport *http.Transport, url string, buf []byte) (n int64, err error) {
	req, err := http.NewRequest("GET", url, nil)
	if err != nil {
		return 0, err
	}
	res, err := transport.RoundTrip(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	n, err = io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{res.Body}, buf)
	return n, err
}

// collection is a line of GODEBUG=gctrace=1: the heap at the start of a collection,
// at its end, and what of it is live.
var collection = regexp.MustCompile(`(?m)^gc \d+ .*, \d+->\d+->(\d+) MB, `)

// liveHeaps are the bytes that each collection found live.
func liveHeaps(log string) (bytes []int64) {
	for _, m := range collection.FindAllStringSubmatch(log, -1) {
		n, _ := strconv.ParseInt(m[1], 10, 64)
		bytes = append(bytes, n<<20)
	}
	return bytes
}

// soakLimit is what the server says that its memory limit is, in MiB.
func soakLimit(t *testing.T, greeting string) int64 {
	m := regexp.MustCompile(`Memory limit: (\d+)MiB`).FindStringSubmatch(greeting)
	require.NotNil(t, m, greeting)
	n, err := strconv.ParseInt(m[1], 10, 64)
	require.NoError(t, err)
	return n << 20
}

// residentSet of a process, in bytes.
func residentSet(t *testing.T, pid int) int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		t.Error(err)
		return 0
	}
	pages, err := strconv.ParseInt(strings.Fields(string(text))[1], 10, 64)
	if err != nil {
		t.Error(err)
	}
	return pages * int64(os.Getpagesize())
}
