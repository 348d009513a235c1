package command

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// TestReadDeadlines: one is set when a Read begins, and moved while it lasts.
func TestReadDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		to := &scriptedConn{}
		c := &clientConn{Conn: to, stall: time.Hour}
		var want []time.Time
		read := func(by time.Time, set bool) {
			t.Helper()
			require.NoError(t, c.SetReadDeadline(by))
			require.Len(t, to.readDeadlines, len(want), "nobody reads")
			_, err := c.Read(nil)
			require.ErrorIs(t, err, io.EOF)
			if set {
				want = append(want, by)
			}
			require.Equal(t, want, to.readDeadlines)
		}
		start := time.Now()
		read(time.Time{}, false) // a new connection has none
		read(start.Add(2*time.Second), true)
		read(start.Add(2*time.Second), false)
		read(start.Add(time.Second), true)
		read(time.Time{}, true)
		read(start.Add(time.Nanosecond), true)

		require.NoError(t, c.SetReadDeadline(time.Now()))
		_, err := c.Read(nil)
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
		require.Equal(t, want, to.readDeadlines, "there was nothing to wait for")

		require.NoError(t, c.SetReadDeadline(time.Time{}))
		to.inRead = make(chan struct{})
		want = append(want, time.Time{})
		go c.Read(nil)
		synctest.Wait()
		for _, by := range []time.Time{time.Unix(1, 0), {}, time.Now().Add(time.Second)} {
			require.NoError(t, c.SetReadDeadline(by))
			want = append(want, by)
			require.Equal(t, want, to.readDeadlines, "somebody reads")
		}
		close(to.inRead)
	})
}

// TestAReadBesideAHandlerWaits, until a deadline is set, the delay is over or the
// connection closed.
func TestAReadBesideAHandlerWaits(t *testing.T) {
	for what, test := range map[string]struct {
		ends  func(c *clientConn)
		after time.Duration
		want  error
		reads int64
	}{
		"delay":     {func(*clientConn) {}, watchDelay, io.EOF, 1},
		"abort":     {func(c *clientConn) { c.SetReadDeadline(time.Unix(1, 0)) }, 0, os.ErrDeadlineExceeded, 0},
		"unbounded": {func(c *clientConn) { c.SetReadDeadline(time.Time{}) }, 0, io.EOF, 1},
		"bounded":   {func(c *clientConn) { c.SetReadDeadline(time.Now().Add(time.Hour)) }, 0, io.EOF, 1},
		"hijack":    {func(c *clientConn) { c.SetDeadline(time.Time{}) }, 0, io.EOF, 1},
		"close":     {func(c *clientConn) { c.Close() }, 0, io.EOF, 1},
	} {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				to := &scriptedConn{}
				c := &clientConn{Conn: to, stall: time.Hour}
				for range 3 { // requests of one connection
					to.reads.Store(0)
					to.readDeadlines = nil
					require.NoError(t, c.SetReadDeadline(time.Time{}))
					c.deferRead()
					done := make(chan error)
					start := time.Now()
					go func() {
						_, err := c.Read(make([]byte, 1))
						done <- err
					}()
					synctest.Wait()
					require.Zero(t, to.reads.Load())
					test.ends(c)
					require.Equal(t, test.want, <-done)
					require.Equal(t, test.after, time.Since(start))
					require.Equal(t, test.reads, to.reads.Load())
					require.NoError(t, c.SetReadDeadline(time.Time{}))
					_, err := c.Read(nil)
					require.Equal(t, io.EOF, err, "the next request")
					require.Equal(t, start.Add(test.after), time.Now(), "waits for nothing")
				}
			})
		})
	}
}

// TestAReadUnderWayIsNotDeferred: http.Server's may have begun before the handler did,
// and ends with the deadline as ever.
func TestAReadUnderWayIsNotDeferred(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		to := &scriptedConn{inRead: make(chan struct{})}
		c := &clientConn{Conn: to, stall: time.Hour}
		go c.Read(make([]byte, 1))
		synctest.Wait()
		c.deferRead()
		require.False(t, c.reads.deferred)
		require.Nil(t, c.reads.delay)
		require.NoError(t, c.SetReadDeadline(time.Unix(1, 0)))
		require.Equal(t, []time.Time{time.Unix(1, 0)}, to.readDeadlines)
		close(to.inRead)
	})
}

// TestADelayIsSharedByRequests: a connection has one timer, whatever it is asked.
func TestADelayIsSharedByRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		to := &scriptedConn{}
		c := &clientConn{Conn: to, stall: time.Hour}
		start := time.Now()
		for range 4 {
			c.deferRead()
			time.Sleep(watchDelay / 5)
			c.SetReadDeadline(time.Time{})
		}
		c.deferRead()
		_, err := c.Read(make([]byte, 1))
		require.Equal(t, io.EOF, err)
		require.Equal(t, watchDelay, time.Since(start))
		c.deferRead()
		_, err = c.Read(make([]byte, 1))
		require.Equal(t, io.EOF, err)
		require.Equal(t, 2*watchDelay, time.Since(start), "and it begins anew")
	})
}

// TestAClientThatLeavesEndsItsContext, though the server's Read was deferred.
func TestAClientThatLeavesEndsItsContext(t *testing.T) {
	began, ended := make(chan struct{}), make(chan struct{})
	var deferred atomic.Int64
	url, _ := serveOnTCP(t, func(w http.ResponseWriter, r *http.Request) {
		reads := &connOf(r).reads
		reads.mu.Lock()
		if reads.delay != nil { // the first time that it was not under way already
			deferred.Add(1)
		}
		reads.mu.Unlock()
		if r.URL.Path == "/wait" {
			close(began)
			<-r.Context().Done()
			close(ended)
		}
	})
	client, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	require.NoError(t, err)
	defer client.Close()
	ask := func(path string) {
		_, err := fmt.Fprintf(client, "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", path)
		require.NoError(t, err)
	}
	answers := bufio.NewReader(client)
	for range 100 {
		ask("/")
		res, err := http.ReadResponse(answers, nil)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
	}
	require.NotZero(t, deferred.Load())
	ask("/wait")
	<-began
	require.NoError(t, client.Close())
	<-ended
}
