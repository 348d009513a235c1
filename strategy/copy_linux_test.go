package strategy_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// moved is how much each of these copies moves: more than fits into any socket's
// buffers, so that reads and writes of a copy through user space would show.
const moved = 4 << 20

// TestKernelCopiesAreKept proves it twice. Bytes that come through user space need
// a buffer: the pool was not asked for one, and less was allocated than the 32 KiB
// that the standard library would take. And the kernel's own account of the copying
// thread: splice does not count as reading at all, and copy_file_range takes a
// handful of calls.
func TestKernelCopiesAreKept(t *testing.T) {
	r := newRig(t)
	data := pattern(moved)
	file := func() io.Reader { return r.file(data, os.O_RDONLY) }
	tcp := func() io.Reader { return r.from("tcp", data) }
	unix := func() io.Reader { return r.from("unix", data) }
	const any = 1 << 40
	for _, tc := range []struct {
		call    string
		src     func() io.Reader
		dst     string
		read    int64 // most bytes and
		reads   int64 // calls of the read kind that the copying thread makes
		buffers int   // 32 KiB that io.Copy makes as well
	}{
		{"copy_file_range", file, "file", any, 8, 0},
		{"copy_file_range, limited", func() io.Reader { return io.LimitReader(r.file(append(data, 0), os.O_RDONLY), moved) }, "file", any, 8, 0},
		{"copy_file_range, bufio", func() io.Reader { return bufio.NewReader(file()) }, "file", any, 8, 0},
		{"sendfile", file, "tcp", any, any, 0},
		{"sendfile, limited", func() io.Reader { return io.LimitReader(r.file(append(data, 0), os.O_RDONLY), moved) }, "tcp", any, any, 0},
		{"sendfile, unix", file, "unix", any, any, 0},
		{"sendfile, bufio", func() io.Reader { return bufio.NewReader(file()) }, "tcp", any, any, 0},
		{"sendfile, bufio, unix", func() io.Reader { return bufio.NewReader(file()) }, "unix", any, any, 0},
		{"sendfile, middleware", file, "middleware", any, any, 0},
		{"sendfile, part of a MultiReader", func() io.Reader { return io.MultiReader(file()) }, "tcp", any, any, 1},
		{"splice, tcp to file", tcp, "file", moved / 8, any, 0},
		{"splice, tcp to tcp", tcp, "tcp", moved / 8, any, 0},
		{"splice, tcp to unix", tcp, "unix", moved / 8, any, 0},
		{"splice, unix to file", unix, "file", moved / 8, any, 0},
		{"splice, unix to tcp", unix, "tcp", moved / 8, any, 0},
		{"splice, limited", func() io.Reader { return io.LimitReader(r.from("tcp", append(data, 0)), moved) }, "tcp", moved / 8, any, 0},
		{"splice, bufio", func() io.Reader { return bufio.NewReader(tcp()) }, "tcp", moved / 8, any, 0},
		{"splice, part of a MultiReader", func() io.Reader { return io.MultiReader(tcp()) }, "file", moved / 8, any, 1},
	} {
		t.Run(tc.call, func(t *testing.T) {
			defer r.done()
			src, dst := tc.src(), kernelWriter(r, tc.dst)
			p := new(poisonPool)
			defer debug.SetGCPercent(debug.SetGCPercent(-1))
			runtime.LockOSThread() // the account is the thread's
			defer runtime.UnlockOSThread()
			before, accounted := accountOf(t)
			bytesBefore := allocated()
			n, err := p.CopyBuffer(dst, src)
			bytes := allocated() - bytesBefore
			after, _ := accountOf(t)
			require.NoError(t, err)
			require.EqualValues(t, moved, n)
			require.Empty(t, p.gets, "the pool was asked: the bytes came through user space")
			require.Less(t, bytes, uint64(32<<10+tc.buffers*(32<<10)), "a buffer was made: the bytes came through user space")
			if !accounted {
				t.Skip("no /proc/thread-self/io: the kernel was not asked")
			}
			require.Less(t, after.bytes-before.bytes, tc.read, "bytes were read")
			require.Less(t, after.calls-before.calls, tc.reads, "calls")
		})
	}
}

func kernelWriter(r *rig, name string) io.Writer {
	switch name {
	case "file":
		return r.file(nil, os.O_WRONLY)
	case "middleware":
		return middleware{drainedConn(r, "tcp")}
	}
	return drainedConn(r, name)
}

// account is what a thread read.
type account struct{ bytes, calls int64 }

func accountOf(t *testing.T) (a account, ok bool) {
	b, err := os.ReadFile("/proc/thread-self/io")
	if err != nil {
		return a, false
	}
	_, err = fmt.Sscanf(string(b), "rchar: %d\nwchar: %d\nsyscr: %d", &a.bytes, new(int64), &a.calls)
	require.NoError(t, err)
	return a, true
}

// TestSendfileToHTTPIsKept: the header and what the content type is told from go
// through net/http's buffers, the rest must not.
func TestSendfileToHTTPIsKept(t *testing.T) {
	r := newRig(t)
	f := r.file(pattern(moved), os.O_RDONLY)
	p := new(poisonPool)
	bytesOf := make(chan uint64, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", strconv.Itoa(moved))
		before := allocated()
		_, err := p.CopyBuffer(w, f)
		bytesOf <- allocated() - before
		if err != nil {
			t.Error(err)
		}
	}))
	defer server.Close()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	require.NoError(t, err)
	defer conn.Close()
	go drain(conn)
	least := uint64(1 << 40)
	for range 20 { // the first copy makes net/http's own buffer, and under -race sync.Pool loses it now and then
		_, err = f.Seek(0, io.SeekStart)
		require.NoError(t, err)
		_, err = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		require.NoError(t, err)
		least = min(least, <-bytesOf)
	}
	require.Empty(t, p.gets, "the pool was asked: the bytes came through user space")
	require.Less(t, least, uint64(16<<10), "a buffer was made: the bytes came through user space")
}
