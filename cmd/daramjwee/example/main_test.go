package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/daramjwee/daramjwee/cache"
	"github.com/daramjwee/daramjwee/strategy"
)

// TestMain lets the test binary be the example.
func TestMain(m *testing.M) {
	if os.Getenv("DARAMJWEE_TEST_CHILD") != "" {
		strategy.Register("broken", func(strategy.BufferPoolConfig) (strategy.BufferPool, error) {
			return nil, errors.New("no luck")
		})
		if os.Getenv("DARAMJWEE_TEST_INTERRUPT") != "" {
			strategy.Register("interrupts", interrupts())
		}
		main()
	}
	os.Exit(m.Run())
}

func example(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), self, args...)
	cmd.Env = append(os.Environ(), "DARAMJWEE_TEST_CHILD=1")
	return cmd
}

func TestAStrategyOfOnesOwnIsListed(t *testing.T) {
	out, err := example(t, "strategies").Output()
	require.NoError(t, err)
	require.Regexp(t, `(?m)^mine +its own +custom: registered by this program$`, string(out))
}

func TestAStrategyOfOnesOwnIsSelectedByName(t *testing.T) {
	file := filepath.Join(t.TempDir(), "daramjwee.yaml")
	require.NoError(t, os.WriteFile(file, []byte("strategy: mine\n"), 0o600))
	out, err := example(t, "check", file).Output()
	require.NoError(t, err)
	require.Contains(t, string(out), "\nstrategy: mine\n")
	for _, args := range [][]string{{"--config", file}, {"--pool", "mine"}} {
		st := serve(t, args...)
		require.Equal(t, "mine", st.Strategy)
		require.Positive(t, st.BufferPool.TotalGets, "it lends the buffers of the requests")
	}
}

// TestAStrategyOfOnesOwnIsCompared beside one that cannot be opened.
func TestAStrategyOfOnesOwnIsCompared(t *testing.T) {
	out, err := example(t, "compare", "--duration=2ms", "--rounds=1", "--keys=8", "--json").Output()
	require.NoError(t, err)
	var all struct {
		Strategies []struct {
			Name, Failed string
			Metrics      map[string]any
		}
	}
	require.NoError(t, json.Unmarshal(out, &all))
	seen := make(map[string]bool)
	for _, s := range all.Strategies {
		seen[s.Name] = true
		if s.Name == "broken" {
			require.Contains(t, s.Failed, "no luck")
			continue
		}
		require.Empty(t, s.Failed)
		require.Contains(t, s.Metrics, "throughput")
	}
	require.True(t, seen["mine"] && seen["broken"] && seen["stdlib"])
}

// interrupts is a strategy that has its own process interrupted, as Ctrl-C does,
// in its third run or so.
func interrupts() strategy.Factory {
	var opened atomic.Int32
	return func(cfg strategy.BufferPoolConfig) (strategy.BufferPool, error) {
		if opened.Add(1) == 6 { // each run opens the cache's and the memory tier's
			self, err := os.FindProcess(os.Getpid())
			if err == nil {
				err = self.Signal(os.Interrupt)
			}
			if err != nil {
				return nil, err
			}
		}
		return strategy.NewPool(cfg, nil)
	}
}

func TestAnInterruptedComparisonSaysWhatItKnows(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("windows cannot send a signal to one process")
	}
	cmd := example(t, "compare", "--duration=2ms", "--rounds=1000", "--keys=8", "--strategies=interrupts")
	cmd.Env = append(cmd.Env, "DARAMJWEE_TEST_INTERRUPT=1")
	out, err := cmd.Output()
	require.NoError(t, err, "a signal is no failure")
	require.Regexp(t, `(?m)^Interrupted: [1-9][0-9]* of 1000 rounds were complete\.$`, string(out))
	require.Regexp(t, `(?m)^ *interrupts +[0-9]`, string(out))
}

// TestAStrategyThatCannotBeOpened is no reason not to serve.
func TestAStrategyThatCannotBeOpened(t *testing.T) {
	st := serve(t, "--pool", "broken")
	require.Equal(t, "noop", st.Strategy)
	require.Contains(t, st.StrategyError, "no luck")
}

// serve runs a server, has it answer, and returns its statistics.
func serve(t *testing.T, args ...string) cache.Stats {
	t.Helper()
	cmd := example(t, append([]string{"serve", "--listen=127.0.0.1:0", "--admin=127.0.0.1:0", "--memory=0", "--dir", t.TempDir()}, args...)...)
	cmd.Stderr = os.Stderr
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	defer func() {
		cmd.Process.Kill()
		cmd.Wait()
	}()
	var urls []string // of clients, of the demo origin, of statistics
	lines := bufio.NewScanner(stdout)
	for len(urls) < 3 && lines.Scan() {
		urls = append(urls, regexp.MustCompile(`http://[^ ]+`).FindAllString(lines.Text(), -1)...)
	}
	require.Len(t, urls, 3)
	// The memory tier is read into directly; what goes to the disk tier while a
	// client gets it passes through the cache's buffers.
	res, err := http.Get(urls[0] + "/16MiB")
	require.NoError(t, err)
	n, err := io.Copy(io.Discard, res.Body)
	require.NoError(t, err)
	require.EqualValues(t, 16<<20, n)
	require.NoError(t, res.Body.Close())
	res, err = http.Get(urls[2])
	require.NoError(t, err)
	defer res.Body.Close()
	var all struct{ Cache cache.Stats }
	require.NoError(t, json.NewDecoder(res.Body).Decode(&all))
	return all.Cache
}
