package strategy_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/daramjwee/daramjwee/internal/race"
	"github.com/daramjwee/daramjwee/strategy"
)

// copied is how much each measured copy moves. slack is for the wrapper of a
// source or destination and what sockets allocate now and then: a 256th of the
// buffer that io.Copy makes.
const (
	copied = 256 << 10
	slack  = 128
)

// steadyPool always has a buffer and allocates nothing, so that all that is
// measured is the copy's.
type steadyPool struct {
	strategy.BufferPool
	small, large []byte
	gets         int
}

func newSteadyPool() *steadyPool {
	return &steadyPool{small: make([]byte, 32<<10), large: make([]byte, 64<<10)}
}

func (p *steadyPool) Get(size int) []byte {
	p.gets++
	if size <= len(p.small) {
		return p.small
	}
	return p.large
}

func (p *steadyPool) Put([]byte) {}

// measure returns the bytes that the process allocates during run, the median of
// some rounds; prepare is not measured.
func measure(t *testing.T, prepare func() (run func())) int {
	t.Helper()
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	rounds := make([]int, 9)
	for i := range rounds {
		run := prepare()
		before := allocated()
		run()
		rounds[i] = int(allocated() - before)
	}
	slices.Sort(rounds)
	return rounds[len(rounds)/2]
}

func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

// measuredReaders and measuredWriters bring fresh operands for one copy.
var measuredReaders = map[string]func(r *rig, b []byte) io.Reader{
	"plain": func(_ *rig, b []byte) io.Reader { return plainReader{bytes.NewReader(b)} },
	"multi": func(_ *rig, b []byte) io.Reader {
		return io.MultiReader(plainReader{bytes.NewReader(b[:1000])}, plainReader{bytes.NewReader(b[1000:])})
	},
	"header": func(_ *rig, b []byte) io.Reader {
		return io.MultiReader(bytes.NewReader(b[:1000]), plainReader{bytes.NewReader(b[1000:])})
	},
	"section": func(_ *rig, b []byte) io.Reader { return io.NewSectionReader(bytes.NewReader(b), 0, int64(len(b))) },
	"limited": func(_ *rig, b []byte) io.Reader {
		return io.LimitReader(plainReader{bytes.NewReader(b)}, int64(len(b)))
	},
	"bytes":     func(_ *rig, b []byte) io.Reader { return bytes.NewReader(b) },
	"strings":   func(_ *rig, b []byte) io.Reader { return strings.NewReader(string(b)) },
	"buffer":    func(_ *rig, b []byte) io.Reader { return bytes.NewBuffer(b) },
	"bufio":     func(_ *rig, b []byte) io.Reader { return bufio.NewReader(plainReader{bytes.NewReader(b)}) },
	"bufioFile": func(r *rig, b []byte) io.Reader { return bufio.NewReader(r.file(b, os.O_RDONLY)) },
	"bufioTCP":  func(r *rig, b []byte) io.Reader { return bufio.NewReader(r.from("tcp", b)) },
	"file":      func(r *rig, b []byte) io.Reader { return r.file(b, os.O_RDONLY) },
	"pipe":      func(r *rig, b []byte) io.Reader { return r.pipe(b) },
	"tcp":       func(r *rig, b []byte) io.Reader { return r.from("tcp", b) },
	"unix":      func(r *rig, b []byte) io.Reader { return r.from("unix", b) },
}

var measuredWriters = map[string]func(r *rig) io.Writer{
	"plain":   func(*rig) io.Writer { return plainWriter{io.Discard} },
	"discard": func(*rig) io.Writer { return io.Discard },
	"buffer":  func(*rig) io.Writer { return bytes.NewBuffer(make([]byte, 0, 2*copied)) },
	"file":    func(r *rig) io.Writer { return r.file(nil, os.O_WRONLY) },
	"append":  func(r *rig) io.Writer { return r.file(nil, os.O_WRONLY|os.O_APPEND) },
	"pipe": func(r *rig) io.Writer {
		out, in, err := os.Pipe()
		require.NoError(r.t, err)
		r.atEnd(out)
		r.atEnd(in)
		go drain(out)
		return in
	},
	"tcp":       func(r *rig) io.Writer { return drainedConn(r, "tcp") },
	"unix":      func(r *rig) io.Writer { return drainedConn(r, "unix") },
	"bufio":     func(*rig) io.Writer { return bufio.NewWriter(plainWriter{io.Discard}) },
	"bufioFile": func(r *rig) io.Writer { return bufio.NewWriter(r.file(nil, os.O_WRONLY)) },
	"bufioTCP":  func(r *rig) io.Writer { return bufio.NewWriter(drainedConn(r, "tcp")) },
}

func drainedConn(r *rig, network string) net.Conn {
	ours, theirs := r.conns(network)
	go drain(theirs)
	return ours
}

// drain reads to the end on a buffer that was there before the measurement.
func drain(r io.Reader) {
	buf := <-drains
	for {
		if _, err := r.Read(buf); err != nil {
			drains <- buf
			return
		}
	}
}

var drains = func() chan []byte {
	c := make(chan []byte, 4)
	for range cap(c) {
		c <- make([]byte, 64<<10)
	}
	return c
}()

// inKernel are the sources that the kernel copies from.
var inKernel = strings.Fields("file tcp unix bufioFile bufioTCP")

func TestCopyBufferAllocatesNothing(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates")
	}
	r := newRig(t)
	data := pattern(copied)
	for rn, newReader := range measuredReaders {
		for wn, newWriter := range measuredWriters {
			if slices.Contains(inKernel, rn) && wn == "append" {
				continue // io.Copy finds out too late that the kernel cannot, and makes its 32 KiB
			}
			if _, ok := newWriter(r).(io.StringWriter); rn == "strings" && !ok {
				continue // strings.Reader makes bytes of the whole string for it
			}
			name := fmt.Sprintf("src=%s/dst=%s", rn, wn)
			p := newSteadyPool()
			got := measure(t, func() func() {
				r.done()
				dst, src := newWriter(r), newReader(r, data)
				return func() {
					n, err := strategy.OptimizedCopyBuffer(p, dst, src)
					if n != copied || err != nil {
						t.Fatal(name, n, err)
					}
				}
			})
			limit := slack
			if rn == "pipe" {
				limit += 48 // the error of the seek that tells it from a file
			}
			require.LessOrEqual(t, got, limit, name)
		}
	}
}

func TestCopyOutOfTeeAllocatesNothing(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates")
	}
	r := newRig(t)
	data := pattern(copied)
	for wn, newWriter := range measuredWriters {
		p := newSteadyPool()
		got := measure(t, func() func() {
			r.done()
			dst := newWriter(r)
			tee := strategy.OptimizedTeeReader(p, plainReader{bytes.NewReader(data)}, plainWriter{io.Discard})
			return func() {
				n, err := io.Copy(dst, tee)
				if n != copied || err != nil {
					t.Fatal(wn, n, err)
				}
			}
		})
		require.LessOrEqual(t, got, slack, "dst=%s", wn)
	}
}

// TestCopyToHTTPAllocatesNothing leaves net/http what is its own: header,
// sniffing, and the chunks' framing.
func TestCopyToHTTPAllocatesNothing(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates")
	}
	data := pattern(copied)
	for _, tc := range []struct {
		length, src string
		ideal       int
	}{
		{strconv.Itoa(copied), "plain", 488}, {"", "plain", 520},
		{strconv.Itoa(copied), "multi", 488}, {"", "multi", 520},
		{strconv.Itoa(copied), "pipe", 488 + 48}, {"", "pipe", 520 + 48},
	} {
		t.Run(fmt.Sprintf("length=%s/src=%s", tc.length, tc.src), func(t *testing.T) {
			r := newRig(t)
			p := newSteadyPool()
			bytesOf := make(chan int, 1)
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if tc.length != "" {
					w.Header().Set("Content-Length", tc.length)
				}
				src := measuredReaders[tc.src](r, data)
				before := allocated()
				_, err := strategy.OptimizedCopyBuffer(p, w, src)
				bytesOf <- int(allocated() - before)
				if err != nil {
					t.Error(err)
				}
			}))
			defer server.Close()
			defer debug.SetGCPercent(debug.SetGCPercent(-1))
			// A client that allocates nothing while the copy is measured.
			conn, err := net.Dial("tcp", server.Listener.Addr().String())
			require.NoError(t, err)
			defer conn.Close()
			go drain(conn)
			var rounds []int
			for range 9 {
				_, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
				require.NoError(t, err)
				rounds = append(rounds, <-bytesOf)
			}
			slices.Sort(rounds)
			require.LessOrEqual(t, rounds[len(rounds)/2], tc.ideal+slack)
			require.Positive(t, p.gets)
		})
	}
}
