package httpcache

import (
	"context"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/daramjwee/daramjwee/strategy"
)

// NewTransport returns a Transport that sends requests and hands out bodies as they
// are, without compression of its own, and bounds every wait but those for a body,
// which the cache's OpTimeout bounds. Whoever makes one also closes its idle connections.
func NewTransport() *http.Transport {
	dialer := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            dialer.DialContext,
		DisableCompression:     true, // else it decompresses, and drops Content-Length and Content-Encoding
		ForceAttemptHTTP2:      true,
		TLSHandshakeTimeout:    10 * time.Second,
		ResponseHeaderTimeout:  time.Minute, // of requests that pass through; a fill has OpTimeout
		ExpectContinueTimeout:  time.Second,
		IdleConnTimeout:        90 * time.Second,
		MaxIdleConns:           100,
		MaxIdleConnsPerHost:    100,     // there is one host
		MaxResponseHeaderBytes: 1 << 20, // they are kept with the entry
		HTTP2: &http.HTTP2Config{
			SendPingTimeout:  30 * time.Second,
			PingTimeout:      15 * time.Second,
			WriteByteTimeout: 30 * time.Second,
		},
	}
}

// NewPooledTransport is NewTransport with TCP connections that copy what a request brings by
// buffers of pool: net/http allocates up to 32 KiB for each body that has a length and
// makes, with the header, more than 4 KiB. Over TLS it does so all the same.
func NewPooledTransport(pool strategy.BufferPool) *http.Transport {
	t := NewTransport()
	dial := t.DialContext
	t.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := dial(ctx, network, address)
		if tcp, ok := c.(*net.TCPConn); ok {
			return &pooledConn{tcp, pool}, err
		}
		return c, err
	}
	return t
}

type pooledConn struct {
	*net.TCPConn
	pool strategy.BufferPool
}

// ReadFrom implements io.ReaderFrom, which http.Transport looks for.
func (c *pooledConn) ReadFrom(src io.Reader) (int64, error) {
	return c.pool.CopyBuffer(c.TCPConn, src)
}
