package command

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/daramjwee/daramjwee/strategy"
)

const body = 2 << 20

// TestASlowClientGetsAllOfALongBody: the time of a whole body is many times the
// bound, that of each piece is below it.
func TestASlowClientGetsAllOfALongBody(t *testing.T) {
	file := filepath.Join(t.TempDir(), "body")
	require.NoError(t, os.WriteFile(file, make([]byte, body), 0o600))
	for name, send := range map[string]func(w io.Writer) error{
		"writes": func(w io.Writer) error {
			for range body / 4096 {
				if _, err := w.Write(make([]byte, 4096)); err != nil {
					return err
				}
			}
			return nil
		},
		"reader": func(w io.Writer) error {
			_, err := io.Copy(w, io.LimitReader(pangramReader(), body))
			return err
		},
		"file": func(w io.Writer) error {
			f, err := os.Open(file)
			if err != nil {
				return err
			}
			defer f.Close()
			_, err = io.Copy(w, io.LimitReader(f, body))
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sent := make(chan error, 1)
				client := serveOnPipe(t, func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("Content-Length", fmt.Sprint(body))
					sent <- send(w)
				})
				start := time.Now()
				fmt.Fprint(client, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
				res, err := http.ReadResponse(bufio.NewReader(client), nil)
				require.NoError(t, err)
				var got int64
				for {
					n, err := io.CopyN(io.Discard, res.Body, 128<<10)
					got += n
					if err != nil {
						require.ErrorIs(t, err, io.EOF)
						break
					}
					time.Sleep(stallTimeout / 3)
				}
				require.EqualValues(t, body, got)
				require.NoError(t, <-sent)
				require.Greater(t, time.Since(start), 4*stallTimeout)
			})
		})
	}
}

func TestAClientThatTakesNothingIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sent := make(chan error, 1)
		client := serveOnPipe(t, func(w http.ResponseWriter, r *http.Request) {
			_, err := io.Copy(w, io.LimitReader(pangramReader(), body))
			sent <- err
		})
		start := time.Now()
		fmt.Fprint(client, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		require.ErrorIs(t, <-sent, os.ErrDeadlineExceeded)
		require.Equal(t, stallTimeout, time.Since(start))
	})
}

// TestAClientThatStallsLater: http.Server takes the deadline away after each answer.
func TestAClientThatStallsLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sent := make(chan error, 1)
		client := serveOnPipe(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/first" {
				io.WriteString(w, "a")
				return
			}
			_, err := io.Copy(w, io.LimitReader(pangramReader(), body))
			sent <- err
		})
		start := time.Now()
		fmt.Fprint(client, "GET /first HTTP/1.1\r\nHost: x\r\n\r\n")
		res, err := http.ReadResponse(bufio.NewReader(client), nil)
		require.NoError(t, err)
		got, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		require.Equal(t, "a", string(got))
		fmt.Fprint(client, "GET /second HTTP/1.1\r\nHost: x\r\n\r\n")
		require.ErrorIs(t, <-sent, os.ErrDeadlineExceeded)
		require.Equal(t, stallTimeout, time.Since(start))
	})
}

// TestAnOriginMayPause: the deadline of what was written last has passed when the
// rest comes, and when what is buffered is flushed at the end.
func TestAnOriginMayPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := serveOnPipe(t, func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, "a")
			time.Sleep(2 * stallTimeout)
			http.NewResponseController(w).Flush()
			time.Sleep(2 * stallTimeout)
			io.WriteString(w, "b")
			time.Sleep(2 * stallTimeout)
		})
		fmt.Fprint(client, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		res, err := http.ReadResponse(bufio.NewReader(client), nil)
		require.NoError(t, err)
		got, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		require.Equal(t, "ab", string(got))
	})
}

func TestASlowUploadArrives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := serveOnPipe(t, func(w http.ResponseWriter, r *http.Request) {
			got, err := io.ReadAll(r.Body)
			r.Body.Read(make([]byte, 1)) // as http.Transport does
			if err == nil {
				time.Sleep(3 * stallTimeout) // the origin works on it
				err = r.Context().Err()      // a reader's deadline must not end the request
			}
			fmt.Fprint(w, len(got), err)
		})
		fmt.Fprint(client, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n")
		for range 10 {
			time.Sleep(stallTimeout * 2 / 3)
			fmt.Fprint(client, "x")
		}
		res, err := http.ReadResponse(bufio.NewReader(client), nil)
		require.NoError(t, err)
		got, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		require.Equal(t, "10 <nil>", string(got))
	})
}

func TestAStalledUploadIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		received := make(chan error, 1)
		client := serveOnPipe(t, func(w http.ResponseWriter, r *http.Request) {
			_, err := io.ReadAll(r.Body)
			received <- err
		})
		start := time.Now()
		fmt.Fprint(client, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12345")
		require.ErrorIs(t, <-received, os.ErrDeadlineExceeded)
		require.Equal(t, stallTimeout, time.Since(start))
	})
}

// TestAHeaderThatNeverEnds: what http.Server bounds by itself.
func TestAHeaderThatNeverEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := serveOnPipe(t, func(http.ResponseWriter, *http.Request) { panic("no request was made") })
		start := time.Now()
		fmt.Fprint(client, "GET / HTTP/1.1\r\nHost:")
		_, err := io.Copy(io.Discard, client)
		require.NoError(t, err)
		require.Equal(t, headerTimeout, time.Since(start))
	})
}

func TestFilesGoOutInPiecesThatTheKernelCanCopy(t *testing.T) {
	f, err := os.CreateTemp(t.TempDir(), "")
	require.NoError(t, err)
	defer f.Close()
	require.NoError(t, f.Truncate(3*kernelPiece))
	for name, src := range map[string]io.Reader{
		"limited": &io.LimitedReader{R: f, N: 2*kernelPiece + 1},
		"file":    f, // io.Copy hides its WriteTo, and hands on what is left of it
	} {
		_, err := f.Seek(kernelPiece-1, io.SeekStart)
		require.NoError(t, err)
		to := &kernelConn{t: t}
		n, err := io.Copy(&clientConn{Conn: to, stall: time.Nanosecond}, src)
		require.NoError(t, err, name)
		require.EqualValues(t, 2*kernelPiece+1, n, name)
		require.Equal(t, []int64{kernelPiece, kernelPiece, 1}, to.pieces, name)
		require.Equal(t, to.deadlines, len(to.pieces), name)
		if l, ok := src.(*io.LimitedReader); ok {
			require.Zero(t, l.N, "the caller's count goes down as io.Copy has it")
		}
	}
}

// kernelConn looks at sources as net.TCPConn does.
type kernelConn struct {
	net.Conn
	t         *testing.T
	pieces    []int64
	deadlines int
}

func (c *kernelConn) SetWriteDeadline(time.Time) error { c.deadlines++; return nil }

func (c *kernelConn) ReadFrom(src io.Reader) (int64, error) {
	l, ok := src.(*io.LimitedReader)
	require.True(c.t, ok, "%T", src)
	_, ok = l.R.(interface{ Fd() uintptr })
	require.True(c.t, ok, "%T", l.R)
	n, err := io.Copy(io.Discard, src)
	c.pieces = append(c.pieces, n)
	return n, err
}

// serveOnPipe serves one connection in memory, so that time can be synctest's.
func serveOnPipe(t *testing.T, h http.HandlerFunc) net.Conn {
	t.Helper()
	pool, err := strategy.New(strategy.BufferPoolConfig{})
	require.NoError(t, err)
	client, conn := net.Pipe()
	l := &pipeListener{conns: make(chan net.Conn, 1), closed: make(chan struct{})}
	l.conns <- conn
	srv := newClientServer(h, pool, slog.New(slog.DiscardHandler))
	done := make(chan error, 1)
	go func() { done <- srv.Serve(&clientListener{l, stallTimeout}) }()
	t.Cleanup(func() {
		client.Close()
		srv.Close()
		require.ErrorIs(t, <-done, http.ErrServerClosed)
	})
	return client
}

type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, errors.New("closed")
	}
}

func (l *pipeListener) Close() error   { close(l.closed); return nil }
func (l *pipeListener) Addr() net.Addr { return &net.TCPAddr{} }

func pangramReader() io.Reader { return io.NewSectionReader(pangram{}, 0, 1<<40) }
