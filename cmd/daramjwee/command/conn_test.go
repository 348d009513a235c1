package command

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/daramjwee/daramjwee/cache"
	"github.com/daramjwee/daramjwee/cache/httpcache"
	"github.com/daramjwee/daramjwee/cache/store"
	"github.com/daramjwee/daramjwee/cache/store/memory"
	"github.com/daramjwee/daramjwee/strategy"
	"github.com/daramjwee/daramjwee/strategy/syncpool"
)

// serveOnTCP serves a handler as start does.
func serveOnTCP(t *testing.T, h http.HandlerFunc) (url string, pool strategy.BufferPool) {
	t.Helper()
	pool, err := strategy.New(strategy.BufferPoolConfig{Enabled: true, Strategy: syncpool.Name})
	require.NoError(t, err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	srv := newClientServer(h, pool, slog.New(slog.DiscardHandler))
	done := make(chan error, 1)
	go func() { done <- srv.Serve(&clientListener{l, stallTimeout}) }()
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		require.NoError(t, srv.Close())
		require.ErrorIs(t, <-done, http.ErrServerClosed)
		require.Zero(t, pool.Stats().ActiveBuffers)
	})
	return "http://" + l.Addr().String(), pool
}

// cachedOver is a handler with a memory tier in front of an origin.
func cachedOver(t *testing.T, origin string) (*cache.DaramjweeCache, *httpcache.Handler) {
	t.Helper()
	tier, err := memory.New(memory.Options{})
	require.NoError(t, err)
	c, err := cache.New(cache.WithTiers(tier))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	to, err := url.Parse(origin)
	require.NoError(t, err)
	h, err := httpcache.New(c, httpcache.Options{Origin: to})
	require.NoError(t, err)
	return c, h
}

// TestAnswersInManyPieces: whatever a handler writes and flushes, the client gets it
// once and in order, over the same connection.
func TestAnswersInManyPieces(t *testing.T) {
	want := make([]byte, 1<<20)
	for i := range want {
		want[i] = byte(i * 7 / 3)
	}
	sizes := []int{1, 100, 2047, 2048, 4095, 4096, 4097, 5000, 8192, 32 << 10, 64 << 10, 200_000}
	var round uint64
	url, _ := serveOnTCP(t, func(w http.ResponseWriter, r *http.Request) {
		random := rand.New(rand.NewPCG(round, 1))
		if round%2 == 0 {
			w.Header().Set("Content-Length", fmt.Sprint(len(want)))
		}
		for rest := want; len(rest) > 0; {
			n := min(len(rest), sizes[random.IntN(len(sizes))])
			piece := bytes.Clone(rest[:n])
			m, err := 0, error(nil)
			if at := n / 3; random.IntN(2) == 0 {
				m, err = w.Write(piece)
			} else {
				var k int64
				k, err = w.(store.VectorWriter).WriteVector(net.Buffers{piece[:at], nil, piece[at : 2*at], piece[2*at:]})
				m = int(k)
			}
			clear(piece) // it is ours again
			if m != n || err != nil {
				t.Errorf("%d of %d bytes, %v", m, n, err)
				return
			}
			if rest = rest[n:]; random.IntN(5) == 0 {
				http.NewResponseController(w).Flush()
			}
		}
	})
	for ; round < 40; round++ {
		res, err := http.Get(url)
		require.NoError(t, err)
		got, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		require.True(t, bytes.Equal(want, got), "%d bytes", len(got))
	}
}

// TestAClientThatGoesAway: the error of a Write that was held back is not lost, and
// the buffer that held it comes back.
func TestAClientThatGoesAway(t *testing.T) {
	failed := make(chan error, 1)
	url, _ := serveOnTCP(t, func(w http.ResponseWriter, r *http.Request) {
		for {
			if _, err := w.Write(make([]byte, 5000)); err != nil { // 4096 held back, and not enough more to be written
				failed <- err
				return
			}
		}
	})
	res, err := http.Get(url)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	require.Error(t, <-failed)
}

// TestWhatIsHeldBackIsWrittenByJoin: nobody may come who writes more.
func TestWhatIsHeldBackIsWrittenByJoin(t *testing.T) {
	to := &scriptedConn{}
	c := &clientConn{Conn: to, stall: time.Hour}
	n, err := c.join(make([]byte, headRoom), func() (int64, error) { return wrote(c.Write([]byte("head"))) })
	require.EqualValues(t, 4, n)
	require.NoError(t, err)
	require.Equal(t, []string{"head"}, to.got)

	n, err = c.join(make([]byte, headRoom), func() (int64, error) {
		c.Write([]byte("head"))
		return wrote(c.Write([]byte("body")))
	})
	require.EqualValues(t, 4, n)
	require.NoError(t, err)
	require.Equal(t, []string{"head", "head", "body"}, to.got)

	to.got = nil
	n, err = c.join(make([]byte, headRoom), func() (n int64, err error) {
		for range 3 { // the third time there is no room for it
			for _, p := range []string{strings.Repeat("h", 2000), strings.Repeat("b", 5000)} {
				if m, err := c.Write([]byte(p)); m != len(p) || err != nil {
					t.Error(m, err)
				}
				n += int64(len(p))
			}
		}
		return n, nil
	})
	require.EqualValues(t, 21_000, n)
	require.NoError(t, err)
	require.Equal(t, strings.Repeat(strings.Repeat("h", 2000)+strings.Repeat("b", 5000), 3), strings.Join(to.got, ""))

	to.fails = errors.New("broken")
	for _, write := range []func() (int64, error){
		func() (int64, error) { return wrote(c.Write([]byte("head"))) },
		func() (int64, error) { c.Write([]byte("head")); return wrote(c.Write([]byte("body"))) },
	} {
		to.closed = false
		n, err = c.join(make([]byte, headRoom), write)
		require.ErrorIs(t, err, to.fails)
		require.Zero(t, n, "what was held back did not go out")
		require.True(t, to.closed, "http.Server believes that it did")
	}
	_, err = c.Write([]byte("more"))
	require.ErrorIs(t, err, to.fails, "nothing is held back by itself")
	require.Nil(t, c.head)
}

func wrote(n int, err error) (int64, error) { return int64(n), err }

// TestAWriteThatPanicsInJoin: nothing is held back for ever, nor sent as if it were whole.
func TestAWriteThatPanicsInJoin(t *testing.T) {
	to := &scriptedConn{}
	c := &clientConn{Conn: to, stall: time.Hour}
	require.PanicsWithValue(t, "broken", func() {
		c.join(make([]byte, headRoom), func() (int64, error) {
			c.Write([]byte("head"))
			panic("broken")
		})
	})
	require.True(t, to.closed)
	require.Empty(t, to.got)
	require.False(t, c.joining)
	require.Zero(t, c.held)
	require.Nil(t, c.head)
	_, err := c.Write([]byte("more"))
	require.NoError(t, err)
	require.Equal(t, []string{"more"}, to.got)
}

// TestDeadlinesOfOthers: none is taken away, and after another one comes ours again.
func TestDeadlinesOfOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		to := &scriptedConn{}
		c := &clientConn{Conn: to, stall: time.Hour}
		other, ours := time.Now().Add(time.Second), time.Now().Add(time.Hour)
		for range 2 { // the second time it is not worth a move
			c.Write([]byte("a"))
		}
		require.NoError(t, c.SetWriteDeadline(time.Time{}))
		require.NoError(t, c.SetDeadline(time.Time{}))
		require.Equal(t, []time.Time{ours}, to.writeDeadlines)

		for i, set := range []func(time.Time) error{c.SetWriteDeadline, c.SetDeadline} {
			to.writeDeadlines, to.readDeadlines = nil, nil
			require.NoError(t, set(other))
			c.Write([]byte("b"))
			c.Read(nil)
			require.Equal(t, []time.Time{other, ours}, to.writeDeadlines)
			require.Len(t, to.readDeadlines, i, "SetDeadline sets both")
		}
	})
}

type scriptedConn struct {
	net.Conn
	got    []string
	fails  error
	closed bool
	reads  atomic.Int64
	inRead chan struct{} // a Read lasts until something comes; nil: it ends at once

	readDeadlines, writeDeadlines []time.Time
}

func (c *scriptedConn) Close() error { c.closed = true; return nil }

func (c *scriptedConn) Read([]byte) (int, error) {
	c.reads.Add(1)
	if c.inRead != nil {
		<-c.inRead
	}
	return 0, io.EOF
}

func (c *scriptedConn) SetReadDeadline(t time.Time) error {
	c.readDeadlines = append(c.readDeadlines, t)
	return nil
}

func (c *scriptedConn) SetWriteDeadline(t time.Time) error {
	c.writeDeadlines = append(c.writeDeadlines, t)
	return nil
}

func (c *scriptedConn) Write(p []byte) (int, error) {
	if c.fails != nil {
		return 0, c.fails
	}
	if len(p) > 0 {
		c.got = append(c.got, string(p))
	}
	return len(p), nil
}

// TestFilesOnTheirWay: by sendfile, or where the client is on this machine through a
// buffer of the pool.
func TestFilesOnTheirWay(t *testing.T) {
	want := make([]byte, 300_000)
	rand.NewChaCha8([32]byte{}).Read(want)
	f, err := os.CreateTemp(t.TempDir(), "")
	require.NoError(t, err)
	defer f.Close()
	_, err = f.Write(want)
	require.NoError(t, err)
	for _, loopback := range []bool{true, false} {
		gets := make(chan int64, 1)
		var pool strategy.BufferPool
		var url string
		url, pool = serveOnTCP(t, func(w http.ResponseWriter, r *http.Request) {
			before := pool.Stats().TotalGets
			if !connOf(r).loopback {
				t.Error("a client on this machine")
			}
			connOf(r).loopback = loopback
			if _, err := f.Seek(0, io.SeekStart); err != nil {
				t.Error(err)
			}
			w.Header().Set("Content-Length", fmt.Sprint(len(want)))
			if _, err := io.Copy(w, io.LimitReader(f, int64(len(want)))); err != nil {
				t.Error(err)
			}
			gets <- pool.Stats().TotalGets - before
		})
		res, err := http.Get(url)
		require.NoError(t, err)
		got, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		require.True(t, bytes.Equal(want, got))
		require.Equal(t, loopback, <-gets > 0)
	}
}

// TestAWriteThatPanicsKeepsNoBuffer of the pool's count: what it had is dropped.
func TestAWriteThatPanicsKeepsNoBuffer(t *testing.T) {
	file, err := os.Open(os.Args[0])
	require.NoError(t, err)
	defer file.Close()
	for what, answer := range map[string]func(w *progressWriter){
		"Write":       func(w *progressWriter) { w.Write(make([]byte, 2*headRoom)) },
		"WriteVector": func(w *progressWriter) { w.WriteVector(net.Buffers{make([]byte, 2*headRoom)}) },
		"ReadFrom":    func(w *progressWriter) { w.ReadFrom(file) },
	} {
		pool, err := strategy.New(strategy.BufferPoolConfig{Enabled: true, Strategy: syncpool.Name})
		require.NoError(t, err)
		near, far := net.Pipe()
		defer far.Close()
		w := &progressWriter{ResponseWriter: panicking{httptest.NewRecorder()}, conn: &clientConn{Conn: near, loopback: true, stall: stallTimeout}, pool: pool}
		require.Panics(t, func() { answer(w) }, what)
		got := pool.Stats()
		require.NotZero(t, got.TotalGets, what)
		require.Zero(t, got.ActiveBuffers, what)
		require.Equal(t, got.TotalGets, got.Discards, "%s: something may still be at it", what)
	}
}

type panicking struct{ http.ResponseWriter }

func (panicking) Write([]byte) (int, error) { panic("write") }

func (panicking) ReadFrom(io.Reader) (int64, error) { panic("read from") }
