package strategy

// ProxyBuffers is what httputil.ReverseProxy.BufferPool wants. It is declared
// here so that a program without HTTP does not link net/http.
type ProxyBuffers interface {
	Get() []byte
	Put(buf []byte)
}

// ReverseProxyBuffers lends an httputil.ReverseProxy the buffers of a pool, of
// the pool's default length.
func ReverseProxyBuffers(p BufferPool) ProxyBuffers { return proxyBuffers{p} }

type proxyBuffers struct{ pool BufferPool }

// Get never returns an empty buffer, which ReverseProxy would silently replace by
// 32 KiB of its own.
func (b proxyBuffers) Get() []byte {
	if buf := b.pool.Get(0); len(buf) > 0 {
		return buf
	}
	return make([]byte, defaultBufferSize) // a pool that breaks its contract
}

func (b proxyBuffers) Put(buf []byte) { b.pool.Put(buf) }
