package strategy_test

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/daramjwee/daramjwee/strategy"
)

const copied = 256 << 10

// TestCopyAllocatesNoBuffer measures bytes allocated per copy of 256 KiB, pair by
// pair. 2 KiB allows for the small wrappers and what sockets and http allocate by
// themselves, and is a sixteenth of the buffer that io.Copy would make.
func TestCopyAllocatesNoBuffer(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	sources := map[string]func(t *testing.T) (src io.Reader, rewind func()){
		"plain": func(*testing.T) (io.Reader, func()) {
			r := bytes.NewReader(pattern(copied))
			return &reader{r}, func() { r.Seek(0, 0) }
		},
		"section": func(*testing.T) (io.Reader, func()) {
			r := io.NewSectionReader(bytes.NewReader(pattern(copied)), 0, copied)
			return r, func() { r.Seek(0, 0) }
		},
		"file": func(t *testing.T) (io.Reader, func()) {
			f := fileOf(t, pattern(copied))
			return f, func() { f.Seek(0, 0) }
		},
	}
	destinations := map[string]func(t *testing.T) (dst io.Writer, reset func()){
		"plain":   func(*testing.T) (io.Writer, func()) { return &writer{io.Discard}, func() {} },
		"discard": func(*testing.T) (io.Writer, func()) { return io.Discard, func() {} },
		"file": func(t *testing.T) (io.Writer, func()) {
			f, err := os.Create(filepath.Join(t.TempDir(), "f"))
			require.NoError(t, err)
			t.Cleanup(func() { f.Close() })
			return f, func() { f.Seek(0, 0) }
		},
		"bufioFile": func(t *testing.T) (io.Writer, func()) {
			f, err := os.Create(filepath.Join(t.TempDir(), "f"))
			require.NoError(t, err)
			t.Cleanup(func() { f.Close() })
			w := bufio.NewWriter(f)
			return w, func() { w.Flush(); f.Seek(0, 0) }
		},
		"tcp": func(t *testing.T) (io.Writer, func()) {
			c, s := tcpPair(t)
			go drain(s)
			return c, func() {}
		},
	}
	for sn, newSource := range sources {
		for dn, newDestination := range destinations {
			t.Run("src="+sn+"/dst="+dn, func(t *testing.T) {
				src, rewind := newSource(t)
				dst, reset := newDestination(t)
				p := pooled(t)
				for name, run := range map[string]func() (int64, error){
					"copy": func() (int64, error) { return p.CopyBuffer(dst, src) },
					"tee":  func() (int64, error) { return io.Copy(dst, p.TeeReader(src, &writer{io.Discard})) },
				} {
					require.Less(t, bytesPer(t, func() {
						n, err := run()
						require.NoError(t, err)
						require.EqualValues(t, copied, n)
						rewind()
						reset()
					}), 2<<10, name)
				}
			})
		}
	}
}

// TestMultiReaderAllocatesNoBuffer is apart, since a MultiReader cannot be rewound.
func TestMultiReaderAllocatesNoBuffer(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	data := pattern(copied)
	p := pooled(t)
	var buf bytes.Buffer
	buf.Grow(2 * copied)
	f, err := os.Create(filepath.Join(t.TempDir(), "f"))
	require.NoError(t, err)
	defer f.Close()
	for name, dst := range map[string]io.Writer{"plain": &writer{io.Discard}, "buffer": &buf, "discard": io.Discard, "file": f} {
		require.Less(t, bytesPer(t, func() {
			buf.Reset()
			_, err := p.CopyBuffer(dst, io.MultiReader(&reader{bytes.NewReader(data)}))
			require.NoError(t, err)
		}), 2<<10, name)
	}
}

func TestCopyToHTTPAllocatesNoBuffer(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	data := pattern(copied)
	p := pooled(t)
	for name, length := range map[string]string{"length": strconv.Itoa(copied), "chunked": ""} {
		measured := make(chan int, 1)
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if length != "" {
				w.Header().Set("Content-Length", length)
			}
			src := &reader{bytes.NewReader(data)}
			before := allocated()
			_, err := p.CopyBuffer(w, src)
			measured <- int(allocated() - before)
			if err != nil {
				t.Error(err)
			}
		}))
		least := 1 << 30 // the client in this process allocates meanwhile: the least of many tells
		for range 50 {
			resp, err := http.Get(server.URL)
			require.NoError(t, err)
			_, err = io.Copy(io.Discard, resp.Body)
			require.NoError(t, err)
			resp.Body.Close()
			least = min(least, <-measured)
		}
		server.Close()
		require.Less(t, least, 16<<10, name)
	}
}

type reader struct{ r *bytes.Reader }

func (r *reader) Read(p []byte) (int, error) { return r.r.Read(p) }

type writer struct{ w io.Writer }

func (w *writer) Write(p []byte) (int, error) { return w.w.Write(p) }

func drain(c net.Conn) {
	buf := make([]byte, 64<<10)
	for {
		if _, err := c.Read(buf); err != nil {
			return
		}
	}
}

func pooled(t *testing.T) strategy.BufferPool {
	c := strategy.DefaultConfig()
	c.Strategy = "channel" // keeps over collections, so a miss is the copy's doing
	p, err := strategy.New(c)
	require.NoError(t, err)
	t.Cleanup(func() { strategy.Close(p) })
	return p
}

// bytesPer is what one run allocates in the whole process, the mean of many.
func bytesPer(t *testing.T, run func()) int {
	t.Helper()
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	const runs = 50
	run()
	before := allocated()
	for range runs {
		run()
	}
	return int(allocated()-before) / runs
}

func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}
