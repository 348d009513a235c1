package memory_test

import (
	"io"
	"math"
	"os"
	"regexp"
	"runtime"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestOneSystemCallForAllBlocks counts the thread's own.
func TestOneSystemCallForAllBlocks(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	s := blocksOf(t, 4096)
	put(t, s, "k", 5*4096, pattern(1, 5*4096)) // fits into the socket's buffer
	fewest := math.MaxInt                      // the runtime may wake another thread meanwhile, which is a write, too
	for range 5 {
		_, server := connected(t, "tcp")
		e := open(t, s, "k")
		before := writeCalls(t)
		n, err := e.(io.WriterTo).WriteTo(server)
		fewest = min(fewest, writeCalls(t)-before)
		require.NoError(t, err)
		require.EqualValues(t, 5*4096, n)
		require.NoError(t, e.Close())
	}
	require.Equal(t, 1, fewest)
}

func writeCalls(t *testing.T) int {
	text, err := os.ReadFile("/proc/thread-self/io")
	if err != nil {
		t.Skip(err)
	}
	n, err := strconv.Atoi(string(regexp.MustCompile(`syscw: (\d+)`).FindSubmatch(text)[1]))
	require.NoError(t, err)
	return n
}
