//go:build unix

package httpcache

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/daramjwee/daramjwee/cache"
	"github.com/daramjwee/daramjwee/cache/store/memory"
	"github.com/daramjwee/daramjwee/strategy"
)

// BenchmarkHTTP is what a request costs, all of net/http included, on one
// connection of loopback. The client in the same process reads and discards; the
// origin has the body ready and gives it in reads of 16 KiB. strategy=floor is a
// handler without a cache: op=hit writes a body that it has, op=miss copies it from
// the origin through a buffer of a sync.Pool. cpu-ns/op is of the whole process.
func BenchmarkHTTP(b *testing.B) {
	for _, op := range []string{"hit", "miss"} {
		for _, size := range []int{1 << 10, 32 << 10, 256 << 10, 1 << 20, 4 << 20} {
			for _, name := range []string{"floor", "noop", "syncpool", "bytebuffer", "channel"} {
				text := strconv.Itoa(size>>10) + "KiB"
				if size >= 1<<20 {
					text = strconv.Itoa(size>>20) + "MiB"
				}
				b.Run(fmt.Sprintf("op=%s/size=%s/strategy=%s", op, text, name), func(b *testing.B) {
					handler := benchHandler(b, name, size)
					if name == "floor" {
						handler = floorHandler(op, size)
					}
					benchHTTP(b, handler, op, size)
				})
			}
		}
	}
}

func benchHTTP(b *testing.B, handler http.Handler, op string, size int) {
	server := httptest.NewServer(handler)
	defer server.Close()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	require.NoError(b, err)
	defer conn.Close()
	from := bufio.NewReaderSize(conn, 256<<10)
	request := make([]byte, 0, 100)
	n := 0
	ask := func() {
		if op == "miss" {
			n++
		}
		request = append(strconv.AppendInt(append(request[:0], "GET /"...), int64(n), 10), " HTTP/1.1\r\nHost: x\r\n\r\n"...)
		if _, err := conn.Write(request); err != nil {
			b.Fatal(err)
		}
		for line := []byte(nil); len(line) != 2; { // the header's end
			if line, err = from.ReadSlice('\n'); err != nil {
				b.Fatal(err)
			}
		}
		if m, err := from.Discard(size); err != nil {
			b.Fatal(m, err)
		}
	}
	for range 20 {
		ask()
	}
	if op == "miss" && !testing.Short() {
		for range (64 << 20) / size { // the tier is full
			ask()
		}
	}
	b.SetBytes(int64(size))
	b.ReportAllocs()
	before := cpuTime()
	for b.Loop() {
		ask()
	}
	b.ReportMetric(float64(cpuTime()-before)/float64(b.N), "cpu-ns/op")
}

func benchHandler(b *testing.B, name string, size int) http.Handler {
	if name == "floor" {
		return nil
	}
	pool := strategy.BufferPoolConfig{Enabled: true, Strategy: name, MaxIdle: 2048}
	tier, err := memory.New(memory.Options{MaxBytes: 64 << 20, BufferPool: pool})
	require.NoError(b, err)
	c, err := cache.New(cache.WithTiers(tier), cache.WithBufferPoolAdvanced(pool))
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, c.Close()) })
	u := parseURL(b, "http://origin.test")
	h, err := New(c, Options{Origin: u, Transport: roundTripperFunc(func(r *http.Request) (*http.Response, error) {
		return &http.Response{
			StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
			Header: http.Header{"Cache-Control": {"max-age=3600"}, "Content-Type": {"text/plain"}}, ContentLength: int64(size), Body: &readyBody{left: size},
		}, nil
	})})
	require.NoError(b, err)
	return h
}

func floorHandler(op string, size int) http.Handler {
	ready := make([]byte, size)
	buffers := sync.Pool{New: func() any { return new([32 << 10]byte) }}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		w.Header().Set("Content-Length", strconv.Itoa(size))
		if op == "hit" {
			w.Write(ready)
			return
		}
		buf := buffers.Get().(*[32 << 10]byte)
		io.CopyBuffer(struct{ io.Writer }{w}, &readyBody{left: size}, buf[:])
		buffers.Put(buf)
	})
}

// readyBody is a body that is there already.
type readyBody struct{ left int }

var readyBytes [16 << 10]byte

func (r *readyBody) Read(p []byte) (int, error) {
	if r.left == 0 {
		return 0, io.EOF
	}
	n := copy(p[:min(len(p), r.left)], readyBytes[:])
	r.left -= n
	return n, nil
}

func (*readyBody) Close() error { return nil }

// cpuTime of the process.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
