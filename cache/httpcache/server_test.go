package httpcache

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/daramjwee/daramjwee/cache"
	"github.com/stretchr/testify/require"
)

// network is a Handler on a real connection, in front of an origin on another.
type network struct {
	t      *testing.T
	cache  *cache.DaramjweeCache
	server *httptest.Server
	client *http.Client
}

func newNetwork(t *testing.T, originURL string, options ...cache.Option) *network {
	t.Helper()
	transport := NewTransport()
	t.Cleanup(transport.CloseIdleConnections)
	n := &network{t: t, cache: newCache(t, options...)}
	h, err := New(n.cache, Options{Origin: parseURL(t, originURL), Transport: transport})
	require.NoError(t, err)
	n.server = httptest.NewServer(h)
	t.Cleanup(n.server.Close)
	clientTransport := &http.Transport{DisableCompression: true}
	t.Cleanup(clientTransport.CloseIdleConnections)
	n.client = &http.Client{Transport: clientTransport}
	return n
}

func newOrigin(t *testing.T, origin http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(origin)
	t.Cleanup(server.Close)
	return server.URL
}

func (n *network) request(method, target string, pairs ...string) *http.Request {
	n.t.Helper()
	r, err := http.NewRequest(method, n.server.URL+target, nil)
	require.NoError(n.t, err)
	for name, values := range fields(pairs...) {
		r.Header[name] = values
	}
	return r
}

func (n *network) send(r *http.Request) *http.Response {
	n.t.Helper()
	res, err := n.client.Do(r)
	require.NoError(n.t, err)
	return res
}

func (n *network) get(target string, pairs ...string) *answered {
	n.t.Helper()
	return read(n.t, n.send(n.request("GET", target, pairs...)))
}

// rawOrigin answers every connection with the same bytes, and closes it.
func rawOrigin(t *testing.T, answer string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var served sync.WaitGroup
	t.Cleanup(func() { l.Close(); served.Wait() })
	served.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			if _, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
				io.WriteString(c, answer)
			}
			c.Close()
		}
	})
	return "http://" + l.Addr().String()
}

// A body that ends early must not look whole, and is not stored.
func TestTruncatedBody(t *testing.T) {
	for _, c := range []struct{ name, answer string }{
		{"length", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello"},
		{"chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"},
		{"length, not stored", "HTTP/1.1 200 OK\r\nCache-Control: no-store\r\nContent-Length: 10\r\n\r\nhello"},
		{"chunked, not stored", "HTTP/1.1 200 OK\r\nCache-Control: no-store\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"},
	} {
		n := newNetwork(t, rawOrigin(t, c.answer))
		for range 2 {
			res, err := n.client.Do(n.request("GET", "/a"))
			if err != nil { // not even the header has left
				require.ErrorIs(t, err, io.EOF, c.name)
				continue
			}
			body, err := io.ReadAll(res.Body)
			require.ErrorIs(t, err, io.ErrUnexpectedEOF, c.name)
			require.True(t, strings.HasPrefix("hello", string(body)), c.name)
			res.Body.Close()
		}
		require.Zero(t, n.cache.Stats().Fills, c.name)
	}
}

// What ends with its connection may have been cut: it is passed on, not stored.
func TestCloseDelimitedIsNotStored(t *testing.T) {
	for _, version := range []string{"1.0", "1.1"} {
		n := newNetwork(t, rawOrigin(t, "HTTP/"+version+" 200 OK\r\nCache-Control: max-age=60\r\n\r\nhello"))
		for range 2 {
			res := n.get("/a")
			require.Equal(t, "hello", res.body)
			require.Equal(t, "length", res.is("detail"))
		}
	}
	n := newNetwork(t, rawOrigin(t, "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello"))
	n.get("/a")
	require.True(t, n.get("/a").hit(), "HTTP/1.0 with a length is as good as any")
}

func TestChunkedIsStored(t *testing.T) {
	body := strings.Repeat("chunk", 20_000)
	n := newNetwork(t, newOrigin(t, func(w http.ResponseWriter, r *http.Request) {
		for part := range strings.SplitSeq(strings.TrimSuffix(strings.ReplaceAll(body, "chunk", "chunk|"), "|"), "|") {
			io.WriteString(w, part)
		}
	}))
	miss, hit := n.get("/a"), n.get("/a")
	require.EqualValues(t, -1, miss.ContentLength)
	require.EqualValues(t, len(body), hit.ContentLength)
	require.True(t, hit.hit())
	require.True(t, miss.body == body && hit.body == body)
}

// Bytes pass as the origin sent them: nobody decompresses on the way.
func TestEncodedBytesPassAsTheyAre(t *testing.T) {
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	io.WriteString(z, "text")
	require.NoError(t, z.Close())
	n := newNetwork(t, newOrigin(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			w.Header().Set("Content-Encoding", "gzip")
			w.Write(zipped.Bytes())
			return
		}
		io.WriteString(w, "text")
	}))
	for range 2 {
		res := n.get("/a", "Accept-Encoding", "gzip")
		require.Equal(t, zipped.String(), res.body)
		require.Equal(t, "gzip", res.Header.Get("Content-Encoding"))
		require.EqualValues(t, zipped.Len(), res.ContentLength)
		require.Equal(t, "text", n.get("/a").body)
	}
	require.True(t, n.get("/a").hit())
}

// net/http would make up a Content-Type, and the body of an empty entry is one.
func TestNothingIsMadeUp(t *testing.T) {
	n := newNetwork(t, newOrigin(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Content-Type"] = nil
		if r.URL.Path == "/full" {
			io.WriteString(w, "<html>")
		}
	}))
	for _, target := range []string{"/full", "/empty"} {
		for i := range 2 {
			res := n.get(target)
			require.Equal(t, i == 1, res.hit(), target)
			require.False(t, has(res.Header, "Content-Type"), target)
			require.NotEmpty(t, res.Header.Get("Content-Length"), target)
		}
	}
}

// The path arrives as the client wrote it, and names its own entry.
func TestRawPath(t *testing.T) {
	n := newNetwork(t, newOrigin(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.RequestURI) })+"/b%2Fs")
	for _, target := range []string{"/a/b", "/a%2Fb", "/a%2fb", "/a%20b", "/a//b", "/a/./b/../c", "/%e2%82%ac", "/a?x=%2F&y", "/a?x=/&y"} {
		for i := range 2 {
			res := n.get(target)
			require.Equal(t, "/b%2Fs"+target, res.body)
			require.Equal(t, i == 1, res.hit(), target)
		}
		require.Equal(t, "/b%2Fs"+target, n.get(target, "Range", "bytes=0-").body)
	}
}

func TestAbsoluteForm(t *testing.T) {
	n := newNetwork(t, newOrigin(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.Host+r.RequestURI) }))
	c, err := net.Dial("tcp", n.server.Listener.Addr().String())
	require.NoError(t, err)
	defer c.Close()
	_, err = io.WriteString(c, "GET http://user:pw@evil.test/a HTTP/1.1\r\nHost: evil.test\r\nConnection: close\r\n\r\n")
	require.NoError(t, err)
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	require.NoError(t, err)
	direct := n.get("/a")
	require.Equal(t, direct.body, read(t, res).body)
	require.True(t, direct.hit())
	require.NotContains(t, direct.body, "evil")
}

// Many clients, many sizes, one fetch each: every body is whole, no buffer is
// lost, and the second pass is all hits.
func TestManyClients(t *testing.T) {
	const objects, clients = 40, 16
	bodies := make([][]byte, objects)
	random := rand.NewChaCha8([32]byte{})
	for i := range bodies {
		bodies[i] = make([]byte, random.Uint64()%100_000)
		random.Read(bodies[i])
	}
	n := newNetwork(t, newOrigin(t, func(w http.ResponseWriter, r *http.Request) {
		var i int
		fmt.Sscanf(r.URL.Path, "/%d", &i)
		w.Header().Set("Content-Type", "application/octet-stream")
		if i%2 == 0 {
			flush(w) // chunked
		}
		w.Write(bodies[i])
	}))
	n.client.Transport.(*http.Transport).MaxIdleConnsPerHost = clients
	for pass := range 2 {
		misses := n.cache.Stats().Misses
		var all sync.WaitGroup
		wrong := make(chan string, objects*clients)
		for c := range clients {
			all.Go(func() {
				for i := range objects {
					i = (i + c*7) % objects
					res, err := n.client.Get(fmt.Sprintf("%s/%d", n.server.URL, i))
					if err != nil {
						wrong <- err.Error()
						continue
					}
					body, err := io.ReadAll(res.Body)
					res.Body.Close()
					if err != nil || !bytes.Equal(body, bodies[i]) {
						wrong <- fmt.Sprintf("%d: %d of %d bytes, %v", i, len(body), len(bodies[i]), err)
					}
				}
			})
		}
		all.Wait()
		close(wrong)
		for w := range wrong {
			t.Error(w)
		}
		if pass == 1 {
			require.Equal(t, misses, n.cache.Stats().Misses)
		}
	}
	n.server.Close()
	require.EqualValues(t, objects, n.cache.Stats().Fetches)
	require.Zero(t, n.cache.Stats().BufferPool.ActiveBuffers)
}
