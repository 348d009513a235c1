package command

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"runtime/pprof"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/daramjwee/daramjwee/strategy"
)

// TestMain lets the test binary be the command too, for what needs a process.
func TestMain(m *testing.M) {
	if os.Getenv("DARAMJWEE_TEST_CHILD") != "" {
		if os.Getenv("DARAMJWEE_TEST_FAILS") != "" {
			strategy.Register("fails", func(strategy.BufferPoolConfig) (strategy.BufferPool, error) {
				return nil, errors.New("no such device")
			})
		}
		if to := os.Getenv("DARAMJWEE_TEST_PROFILE"); to != "" {
			os.Exit(profiled(to))
		}
		Main()
	}
	os.Exit(m.Run())
}

// profiled is Main, and writes a CPU profile at its end.
func profiled(to string) int {
	f, err := os.Create(to)
	if err == nil {
		err = pprof.StartCPUProfile(f)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer f.Close()
	defer pprof.StopCPUProfile()
	return run(context.Background(), os.Args[1:], os.Stdout, os.Stderr)
}

// running is a server that was started by a command line.
type running struct {
	url, stats string
	greeting   string
	log        *logText
	stop       func() int // ends it, and returns the exit code
}

// serveInProcess runs serve on free ports, and on a directory of its own unless
// args name one. It ends with the test at the latest.
func serveInProcess(t *testing.T, args ...string) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	out, to := io.Pipe()
	s := &running{log: new(logText)}
	code := make(chan int, 1)
	go func() {
		code <- run(ctx, serveArgs(t, args), to, s.log)
		to.Close()
	}()
	s.stop = sync.OnceValue(func() int {
		http.DefaultClient.CloseIdleConnections()
		cancel()
		return <-code
	})
	t.Cleanup(func() { s.stop() })
	s.readGreeting(t, out)
	return s
}

// child runs serve in a process of its own. It is killed with the test.
func child(t *testing.T, args ...string) (*running, *exec.Cmd) {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), self, serveArgs(t, args)...)
	cmd.Env = append(os.Environ(), "DARAMJWEE_TEST_CHILD=1")
	s := &running{log: new(logText)}
	cmd.Stderr = s.log
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	s.readGreeting(t, out)
	return s, cmd
}

func serveArgs(t *testing.T, args []string) []string {
	all := append([]string{"serve", "--listen=127.0.0.1:0", "--admin=127.0.0.1:0"}, args...)
	if !strings.Contains(strings.Join(args, " "), "--dir") {
		all = append(all, "--dir", t.TempDir())
	}
	return all
}

// readGreeting finds the addresses in what the server says, and has the rest read
// so that it is never blocked.
func (s *running) readGreeting(t *testing.T, out io.Reader) {
	t.Helper()
	lines := bufio.NewScanner(out)
	for s.stats == "" && lines.Scan() {
		s.greeting += lines.Text() + "\n"
		if rest, ok := strings.CutPrefix(lines.Text(), "Serving "); ok {
			s.url, _, _ = strings.Cut(rest, " ")
		}
		s.stats, _ = strings.CutPrefix(lines.Text(), "Statistics: ")
		if !strings.HasPrefix(s.stats, "http") {
			s.stats = ""
		}
	}
	require.NotEmpty(t, s.stats, "the server did not start: %s%s", s.greeting, s.log)
	go io.Copy(io.Discard, out)
}

// statistics asks for them as a user would.
func (s *running) statistics(t *testing.T) (all statistics) {
	t.Helper()
	res, err := http.Get(s.stats)
	require.NoError(t, err)
	defer res.Body.Close()
	require.Equal(t, "application/json", res.Header.Get("Content-Type"))
	require.NoError(t, json.NewDecoder(res.Body).Decode(&all))
	return all
}

// noLeaks fails a test at whose end there are more goroutines than now.
func noLeaks(t *testing.T) {
	before := goleak.IgnoreCurrent()
	t.Cleanup(func() {
		if !t.Failed() {
			goleak.VerifyNone(t, before)
		}
	})
}

// get returns a body and its Cache-Status.
func get(t *testing.T, url string) (body []byte, status string) {
	t.Helper()
	res, err := http.Get(url)
	require.NoError(t, err)
	defer res.Body.Close()
	require.Equal(t, http.StatusOK, res.StatusCode)
	body, err = io.ReadAll(res.Body)
	require.NoError(t, err)
	return body, res.Header.Get("Cache-Status")
}

// logText is a log that can be read while it is written.
type logText struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logText) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
