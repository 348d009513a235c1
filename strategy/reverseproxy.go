package strategy

// ProxyBuffers is what httputil.ReverseProxy.BufferPool wants. It is declared
// here so that a program without HTTP does not link it.
type ProxyBuffers interface {
	Get() []byte
	Put(buf []byte)
}

// ReverseProxyBuffers lends an httputil.ReverseProxy the buffers of a pool, of
// the pool's default length.
func ReverseProxyBuffers(p BufferPool) ProxyBuffers { return proxyBuffers{p} }

type proxyBuffers struct{ pool BufferPool }

func (b proxyBuffers) Get() []byte    { return b.pool.Get(0) } // never empty: the proxy would silently allocate 32 KiB instead
func (b proxyBuffers) Put(buf []byte) { b.pool.Put(buf) }
