package strategy_test

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestKernelCopiesAreKept: where sendfile, splice or copy_file_range moves the
// bytes, the pool is not asked, and io.Copy makes no buffer either. A copy that
// came through user space would need one of the two.
func TestKernelCopiesAreKept(t *testing.T) {
	file := func(t *testing.T) *os.File {
		f, err := os.Create(filepath.Join(t.TempDir(), "f"))
		require.NoError(t, err)
		t.Cleanup(func() { f.Close() })
		return f
	}
	for name, pair := range map[string]func(t *testing.T) (io.Writer, io.Reader){
		"copy_file_range": func(t *testing.T) (io.Writer, io.Reader) { return file(t), fileOf(t, pattern(copied)) },
		"copy_file_range limited": func(t *testing.T) (io.Writer, io.Reader) {
			return file(t), io.LimitReader(fileOf(t, pattern(2*copied)), copied)
		},
		"sendfile": func(t *testing.T) (io.Writer, io.Reader) {
			c, s := tcpPair(t)
			go drain(s)
			return c, fileOf(t, pattern(copied))
		},
		"sendfile unix": func(t *testing.T) (io.Writer, io.Reader) {
			c, s := unixPair(t)
			go drain(s)
			return c, fileOf(t, pattern(copied))
		},
		"splice to file": func(t *testing.T) (io.Writer, io.Reader) { return file(t), tcpOf(t, pattern(copied)) },
		"splice to tcp": func(t *testing.T) (io.Writer, io.Reader) {
			c, s := tcpPair(t)
			go drain(s)
			return c, tcpOf(t, pattern(copied))
		},
	} {
		t.Run(name, func(t *testing.T) {
			dst, src := pair(t)
			p := &poisonPool{size: 32 << 10}
			before := allocated()
			n, err := p.CopyBuffer(dst, src)
			after := allocated()
			require.NoError(t, err)
			require.EqualValues(t, copied, n)
			require.Empty(t, p.gets, "the pool was asked: the bytes came through user space")
			if !raceEnabled {
				require.Less(t, after-before, uint64(32<<10), "io.Copy made a buffer: the bytes came through user space")
			}
		})
	}
}

func TestSendfileToHTTPIsKept(t *testing.T) {
	f := fileOf(t, pattern(copied))
	p := &poisonPool{size: 32 << 10}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", strconv.Itoa(copied))
		if _, err := p.CopyBuffer(w, f); err != nil {
			t.Error(err)
		}
	}))
	defer server.Close()
	resp, err := http.Get(server.URL)
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Equal(t, pattern(copied), body)
	require.Empty(t, p.gets)
}

func unixPair(t *testing.T) (client, server net.Conn) {
	l, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	require.NoError(t, err)
	defer l.Close()
	client, err = net.Dial("unix", l.Addr().String())
	require.NoError(t, err)
	server, err = l.Accept()
	require.NoError(t, err)
	t.Cleanup(func() { client.Close(); server.Close() })
	return client, server
}
