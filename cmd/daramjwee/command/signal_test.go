package command

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// halfway is an origin that stops in the middle of a body until it is told to go
// on. It returns the server in front of it, and a client's answer so far.
func halfway(t *testing.T, config string) (s *running, cmd *exec.Cmd, goOn func(), res *http.Response) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("windows cannot send a signal to one process")
	}
	wait := make(chan struct{})
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "first")
		w.(http.Flusher).Flush()
		select {
		case <-wait:
			io.WriteString(w, " half")
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(origin.Close)
	s, cmd = child(t, "--config", write(t, config), "--origin", origin.URL)
	res, err := http.Get(s.url + "/object")
	require.NoError(t, err)
	t.Cleanup(func() { res.Body.Close() })
	var part [5]byte
	_, err = io.ReadFull(res.Body, part[:])
	require.NoError(t, err)
	require.Equal(t, "first", string(part[:]))
	return s, cmd, func() { close(wait) }, res
}

// notListening is once a server takes no more connections.
func (s *running) notListening(t *testing.T) {
	t.Helper()
	require.Eventually(t, func() bool {
		c, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
		if err == nil {
			c.Close()
		}
		return err != nil
	}, time.Minute, time.Millisecond)
}

func TestSIGTERMLetsRequestsEnd(t *testing.T) {
	for _, sig := range []os.Signal{syscall.SIGTERM, os.Interrupt} {
		s, cmd, goOn, res := halfway(t, "timeouts: {drain: 1m}")
		require.NoError(t, cmd.Process.Signal(sig))
		s.notListening(t)
		goOn()
		rest, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		require.Equal(t, " half", string(rest))
		http.DefaultClient.CloseIdleConnections()
		require.NoError(t, cmd.Wait(), s.log)
		require.Contains(t, s.log.String(), "msg=stopped")
		require.Contains(t, s.log.String(), "misses=1")
		require.NotContains(t, s.log.String(), "abandoned")
	}
}

func TestWhatDrainingAbandonsIsLogged(t *testing.T) {
	s, cmd, _, res := halfway(t, "timeouts: {drain: 50ms}")
	require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
	_, err := io.ReadAll(res.Body)
	require.Error(t, err, "half a body must not look whole")
	require.NoError(t, cmd.Wait(), s.log)
	require.Contains(t, s.log.String(), `msg="requests abandoned" requests=1 after=50ms`)
}

func TestASecondSignalEndsTheProcess(t *testing.T) {
	s, cmd, _, _ := halfway(t, "timeouts: {drain: 1h}")
	require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
	s.notListening(t)
	require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
	require.EqualError(t, cmd.Wait(), fmt.Sprint("signal: ", syscall.SIGTERM))
}
