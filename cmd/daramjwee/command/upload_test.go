package command

import (
	"bufio"
	"fmt"
	"io"
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
