package command

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/daramjwee/daramjwee/cache/store"
)

// TestAnAnswerIsOneSystemCall counts those of the thread that answers. With
// http.Server alone it would be one more for the header, and one for each block.
func TestAnAnswerIsOneSystemCall(t *testing.T) {
	needWriteCalls(t)
	for blocks := range 3 {
		calls := make(chan int, 1)
		address, _ := serveOnTCP(t, func(w http.ResponseWriter, r *http.Request) {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			w.Header().Set("Content-Length", strconv.Itoa(max(1, blocks)*64<<10))
			before := writeCalls(t)
			var err error
			if blocks == 0 {
				_, err = w.Write(make([]byte, 64<<10))
			} else {
				_, err = w.(store.VectorWriter).WriteVector(slices.Repeat(net.Buffers{make([]byte, 64<<10)}, blocks))
			}
			if err != nil {
				t.Error(err)
			}
			calls <- writeCalls(t) - before
		})
		require.Equal(t, 1, fewest(func() int {
			body, _ := get(t, address)
			require.Len(t, body, max(1, blocks)*64<<10)
			return <-calls
		}), "%d blocks", blocks)
	}
}

// fewest is of many answers: one may find a socket that takes less at once, or have
// the runtime wake another thread, which is a write, too.
func fewest(answer func() (calls int)) int {
	n := answer()
	for range 20 {
		n = min(n, answer())
	}
	return n
}

// TestAHitIsOneSystemCall: nothing between the memory tier and the connection hides
// that it takes many blocks.
func TestAHitIsOneSystemCall(t *testing.T) {
	needWriteCalls(t)
	const size = 200_000 // four blocks
	origin := httptest.NewServer(http.HandlerFunc(sizedObject))
	defer origin.Close()
	c, h := cachedOver(t, origin.URL)
	calls := make(chan int, 1)
	address, _ := serveOnTCP(t, func(w http.ResponseWriter, r *http.Request) {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		before := writeCalls(t)
		h.ServeHTTP(w, r)
		calls <- writeCalls(t) - before
	})
	answer := func() int {
		body, _ := get(t, fmt.Sprintf("%s/a/%d", address, size))
		require.Len(t, body, size)
		return <-calls
	}
	answer() // a miss
	require.Equal(t, 1, fewest(answer))
	require.EqualValues(t, 21, c.Stats().Hits)
}

// needWriteCalls is for a test's own goroutine: no other may skip it.
func needWriteCalls(t *testing.T) {
	t.Helper()
	if _, err := readWriteCalls(); err != nil {
		t.Skip("the system calls of a thread cannot be counted here, as in some containers:", err)
	}
}

func writeCalls(t *testing.T) int {
	n, err := readWriteCalls()
	if err != nil {
		t.Error(err)
	}
	return n
}

var syscw = regexp.MustCompile(`syscw: (\d+)`)

func readWriteCalls() (int, error) {
	text, err := os.ReadFile("/proc/thread-self/io")
	if err != nil {
		return 0, err
	}
	found := syscw.FindSubmatch(text)
	if found == nil {
		return 0, fmt.Errorf("no count in %q", text)
	}
	return strconv.Atoi(string(found[1]))
}
