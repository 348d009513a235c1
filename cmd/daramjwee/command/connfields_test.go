package command

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var seconds = regexp.MustCompile(`\d+`)

// TestHitsOnOneConnection: what goes past http.Header is what http.Server would have
// written, once, and is in no other answer.
func TestHitsOnOneConnection(t *testing.T) {
	date := time.Now().UTC().Format(http.TimeFormat)
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		size, _ := strconv.Atoi(strings.Trim(r.URL.Path, "/"))
		w.Header()["Cache-Control"] = []string{"max-age=3600"}
		w.Header()["Date"] = []string{date}
		w.Header()["Server"] = []string{"the origin"}
		w.Header()["X-Many"] = []string{"2", "1"}
		w.Header()["Cache-Status"] = []string{"up; hit"}
		w.Header()["X-Long"] = []string{strings.Repeat("long", size%3000)}
		w.Header()["Etag"] = []string{`"v"`}
		w.Header()["Content-Length"] = []string{strconv.Itoa(size)}
		if size%2 == 0 {
			w.Header()["Content-Type"] = nil
		}
		io.WriteString(w, strings.Repeat("<", size))
	}))
	t.Cleanup(origin.Close)
	_, h := cachedOver(t, origin.URL)
	past := make(chan bool, 1) // whether http.Header had not the whole
	served, _ := serveOnTCP(t, func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(w, r)
		past <- w.Header()["Cache-Status"] == nil
	})
	plain := httptest.NewServer(h)
	t.Cleanup(plain.Close)

	reused := 0
	ask := func(base, method, path string, pairs ...string) (*http.Response, string) {
		r, err := http.NewRequest(method, base+path, nil)
		require.NoError(t, err)
		for i := 0; i < len(pairs); i += 2 {
			r.Header.Set(pairs[i], pairs[i+1])
		}
		trace := &httptrace.ClientTrace{GotConn: func(i httptrace.GotConnInfo) {
			if i.Reused {
				reused++
			}
		}}
		res, err := http.DefaultClient.Do(r.WithContext(httptrace.WithClientTrace(r.Context(), trace)))
		require.NoError(t, err)
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		for _, name := range []string{"Age", "Cache-Status"} { // the seconds may differ
			for i, value := range res.Header[name] {
				res.Header[name][i] = seconds.ReplaceAllString(value, "0")
			}
		}
		return res, string(body)
	}
	hits := 0
	for _, size := range []int{0, 1, 1 << 10, 2000, 2999, 4095, 4096, 5000, 64 << 10, 70_001, 300 << 10, 1 << 20} {
		path := "/" + strconv.Itoa(size)
		ask(plain.URL, "GET", path)
		for _, asked := range [][]string{{"GET"}, {"GET"}, {"HEAD"}, {"GET", "Range", "bytes=0-0"}, {"GET"}, {"GET", "If-None-Match", `"v"`}, {"GET"}} {
			want, wantBody := ask(plain.URL, asked[0], path, asked[1:]...)
			got, gotBody := ask(served, asked[0], path, asked[1:]...)
			require.Equal(t, want.Status, got.Status, "%d: %s", size, asked)
			require.Equal(t, want.Header, got.Header, "%d: %s", size, asked)
			require.Equal(t, want.ContentLength, got.ContentLength, "%d: %s", size, asked)
			require.True(t, wantBody == gotBody, "%d: %s", size, asked)
			require.Equal(t, len(asked) == 1 && asked[0] == "GET", <-past, "%d: %s", size, asked)
			hits++
		}
	}
	require.GreaterOrEqual(t, reused, 2*hits-2, "no answer ended its connection")
}

// TestFieldsThatDoNotGoOut: those of an answer that was broken off are in no other one.
func TestFieldsThatDoNotGoOut(t *testing.T) {
	url, _ := serveOnTCP(t, func(w http.ResponseWriter, r *http.Request) {
		if to := w.(*progressWriter); r.URL.Path == "/broken" {
			to.WriteFields(append(to.AvailableBuffer(), "X-Lost: 1\r\n"...))
			panic(http.ErrAbortHandler)
		}
	})
	for range 3 {
		res, err := http.Get(url + "/whole")
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		require.Empty(t, res.Header["X-Lost"])
		_, err = http.Get(url + "/broken")
		require.ErrorIs(t, err, io.EOF)
	}
}

// TestFieldsCountForNothing: a Write tells of its own bytes only, also when it fails.
func TestFieldsCountForNothing(t *testing.T) {
	to := &scriptedConn{}
	c := &clientConn{Conn: to, stall: time.Hour}
	c.fields = append(c.fieldBuffer(), "A: 1\r\nB: 2\r\n"...)
	n, err := c.Write([]byte("HTTP/1.1 200 OK\r\nC: 3\r\n\r\nbody"))
	require.NoError(t, err)
	require.Equal(t, 29, n)
	require.Equal(t, "HTTP/1.1 200 OK\r\nA: 1\r\nB: 2\r\nC: 3\r\n\r\nbody", strings.Join(to.got, ""))
	require.Len(t, to.writeDeadlines, 1)

	to.got = nil
	n, err = c.Write([]byte("more"))
	require.NoError(t, err)
	require.Equal(t, 4, n)
	require.Equal(t, []string{"more"}, to.got)

	to.fails = errors.New("broken")
	c.fields = append(c.fieldBuffer(), strings.Repeat("A: 1\r\n", 100)...)
	n, err = c.Write([]byte("HTTP/1.1 200 OK\r\n\r\n"))
	require.ErrorIs(t, err, to.fails)
	require.Zero(t, n)
	require.True(t, to.closed, "half an answer may be out")
}

// TestFieldsOutlastAJoin in which http.Server kept all to itself, as it does with many
// small blocks.
func TestFieldsOutlastAJoin(t *testing.T) {
	for _, size := range []int{1, 2 * headRoom} {
		to := &scriptedConn{}
		c := &clientConn{Conn: to, stall: time.Hour}
		fields := "A: " + strings.Repeat("a", size) + "\r\n"
		c.fields = append(c.fieldBuffer(), fields...)
		_, err := c.join(make([]byte, headRoom), func() (int64, error) { return 4, nil })
		require.NoError(t, err)
		_, err = c.Write([]byte("HTTP/1.1 200 OK\r\n\r\nbody"))
		require.NoError(t, err)
		require.Equal(t, "HTTP/1.1 200 OK\r\n"+fields+"\r\nbody", strings.Join(to.got, ""))
	}
}

// TestALargeHeaderIsNotKept: a connection may idle for long.
func TestALargeHeaderIsNotKept(t *testing.T) {
	c := &clientConn{Conn: &scriptedConn{}, stall: time.Hour}
	for _, size := range []int{100, headRoom, 1 << 20} {
		c.fields = append(c.fieldBuffer(), make([]byte, size)...)
		_, err := c.Write([]byte("HTTP/1.1 200 OK\r\n\r\n"))
		require.NoError(t, err)
		require.LessOrEqual(t, cap(c.fields), headRoom+1)
		require.Empty(t, c.fields)
	}
}
