package httpcache

import (
	"net"
	"net/http"
	"time"
)

// NewTransport returns the Transport that a Handler uses by default: it sends
// requests and hands out bodies as they are, without compression of its own, and
// bounds every wait but those for a body, which the cache's OpTimeout bounds.
// Whoever makes one also closes its idle connections.
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
