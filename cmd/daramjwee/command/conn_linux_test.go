package command

import (
	"io"
	"net/http"
	"os"
	"regexp"
	"runtime"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestAnAnswerIsOneSystemCall counts those of the thread that answers. With
// http.Server alone it would be two.
func TestAnAnswerIsOneSystemCall(t *testing.T) {
	calls := make(chan int, 1)
	url, _ := serveOnTCP(t, func(w http.ResponseWriter, r *http.Request) {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		w.Header().Set("Content-Length", strconv.Itoa(64<<10))
		before := writeCalls(t)
		_, err := w.Write(make([]byte, 64<<10))
		if err != nil {
			t.Error(err)
		}
		calls <- writeCalls(t) - before
	})
	res, err := http.Get(url)
	require.NoError(t, err)
	n, err := io.Copy(io.Discard, res.Body)
	require.NoError(t, err)
	require.EqualValues(t, 64<<10, n)
	require.NoError(t, res.Body.Close())
	require.Equal(t, 1, <-calls)
}

func writeCalls(t *testing.T) int {
	text, err := os.ReadFile("/proc/thread-self/io")
	if err != nil {
		t.Log(err)
		return 0
	}
	n, err := strconv.Atoi(string(regexp.MustCompile(`syscw: (\d+)`).FindSubmatch(text)[1]))
	if err != nil {
		t.Error(err)
	}
	return n
}
