package memory_test

import (
	"io"
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
	_, server := connected(t, "tcp")
	e := open(t, s, "k")
	defer e.Close()
	before := writeCalls(t)
	n, err := e.(io.WriterTo).WriteTo(server)
	calls := writeCalls(t) - before
	require.NoError(t, err)
	require.EqualValues(t, 5*4096, n)
	require.Equal(t, 1, calls)
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
