package command

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// TestAReadAfterTheHandler moves no deadline: it would be that of the next request.
func TestAReadAfterTheHandler(t *testing.T) {
	w := &deadlineWriter{ResponseWriter: httptest.NewRecorder()}
	r := newProgressReader(w, strings.NewReader("ab"))
	_, err := r.Read(make([]byte, 1))
	require.NoError(t, err)
	require.Equal(t, 1, w.deadlines)
	r.end()
	got, err := io.ReadAll(r)
	require.NoError(t, err)
	require.Equal(t, "b", string(got))
	require.Equal(t, 1, w.deadlines)
}

// TestAHandlerReturnsDuringARead: it does not wait for the Read, which then moves nothing.
func TestAHandlerReturnsDuringARead(t *testing.T) {
	w := &deadlineWriter{ResponseWriter: httptest.NewRecorder()}
	var r *progressReader
	r = newProgressReader(w, readerFunc(func([]byte) (int, error) { r.end(); return 0, io.EOF }))
	_, err := r.Read(make([]byte, 1))
	require.ErrorIs(t, err, io.EOF)
	require.Equal(t, 1, w.deadlines)
}

// TestAnIdleClientAfterALateRead: the server's deadline for the next request stays.
func TestAnIdleClientAfterALateRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var late io.Reader
		client := serveOnPipe(t, func(w http.ResponseWriter, r *http.Request) {
			late = r.Body
			io.Copy(io.Discard, r.Body)
		})
		start := time.Now()
		fmt.Fprint(client, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx")
		b := bufio.NewReader(client)
		_, err := http.ReadResponse(b, nil)
		require.NoError(t, err)
		synctest.Wait()
		late.Read(make([]byte, 1))
		_, err = b.ReadByte()
		require.ErrorIs(t, err, io.EOF)
		require.Equal(t, idleTimeout, time.Since(start))
	})
}

// TestTheRestOfABodyNeverComes: the server reads it once the handler has returned, and
// without a deadline it would do so for ever.
func TestTheRestOfABodyNeverComes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := serveOnPipe(t, func(w http.ResponseWriter, r *http.Request) { r.Body.Read(make([]byte, 5)) })
		start := time.Now()
		fmt.Fprint(client, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12345")
		got, err := io.ReadAll(client)
		require.NoError(t, err)
		require.Contains(t, string(got), "Connection: close")
		require.Equal(t, stallTimeout, time.Since(start))
	})
}

// TestABodyIsNoRequest: what a handler leaves of a long body is not parsed as requests.
func TestABodyIsNoRequest(t *testing.T) {
	asked := make(chan string, 1<<16)
	url, _ := serveOnTCP(t, func(w http.ResponseWriter, r *http.Request) {
		asked <- r.URL.Path
		if r.URL.Path != "/own" {
			w.Header().Set("Connection", "close")
		}
		r.Body.Close() // as Transport does when an origin answers early
	})
	client, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	require.NoError(t, err)
	defer client.Close()
	const inner = "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
	body := strings.Repeat(inner, 1<<20/len(inner))
	go fmt.Fprintf(client, "POST /own HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	io.Copy(io.Discard, client) // until the server has closed it
	require.Equal(t, "/own", <-asked)
	require.Empty(t, asked)
}

// TestNobodyReadsABody: the client is answered, and waited for no longer than it may
// stall, whether the handler does not begin to read, gives up, or the client waits for
// a "100 Continue".
func TestNobodyReadsABody(t *testing.T) {
	for name, c := range map[string]struct {
		header string
		handle func(http.ResponseWriter, *http.Request)
	}{
		"unread":  {"", func(http.ResponseWriter, *http.Request) {}},
		"expects": {"Expect: 100-continue\r\n", func(http.ResponseWriter, *http.Request) {}},
		"stalls":  {"", func(_ http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body) }},
		"is still read": {"Expect: 100-continue\r\n", func(_ http.ResponseWriter, r *http.Request) {
			go r.Body.Read(make([]byte, 1)) // as Transport does
			synctest.Wait()
		}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client := serveOnPipe(t, c.handle)
				start := time.Now()
				fmt.Fprintf(client, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n%s\r\n", c.header)
				got, err := io.ReadAll(client)
				require.NoError(t, err)
				require.Equal(t, 1, strings.Count(string(got), "HTTP/1.1 200"))
				require.Contains(t, string(got), "Connection: close")
				require.LessOrEqual(t, time.Since(start), 2*stallTimeout)
			})
		})
	}
}

func newProgressReader(w http.ResponseWriter, body io.Reader) *progressReader {
	return &progressReader{ReadCloser: io.NopCloser(body), control: http.NewResponseController(w), stall: time.Minute}
}

type deadlineWriter struct {
	http.ResponseWriter
	deadlines int
}

func (w *deadlineWriter) SetReadDeadline(time.Time) error { w.deadlines++; return nil }

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
