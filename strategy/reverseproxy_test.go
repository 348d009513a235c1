package strategy_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/daramjwee/daramjwee/strategy"
)

func TestReverseProxyDrawsOnThePool(t *testing.T) {
	data := pattern(100_000)
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write(data) }))
	defer origin.Close()
	to, err := url.Parse(origin.URL)
	require.NoError(t, err)

	p, _ := opened(t, config{Enabled: true, DefaultBufferSize: 8 << 10})
	buffers := &counting{BufferPool: strategy.ReverseProxyBuffers(p)}
	proxy := httputil.NewSingleHostReverseProxy(to)
	proxy.BufferPool = buffers
	front := httptest.NewServer(proxy)
	for range 2 {
		resp, err := http.Get(front.URL)
		require.NoError(t, err)
		body, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Equal(t, data, body)
	}
	front.Close() // waits for the handlers, and so for their Puts
	require.Equal(t, []int{8 << 10, 8 << 10}, buffers.lengths)
	s := p.Stats()
	require.EqualValues(t, 2, s.TotalGets)
	require.EqualValues(t, 1, s.PoolHits)
	require.Zero(t, s.ActiveBuffers)
}

type counting struct {
	httputil.BufferPool
	lengths []int
}

func (c *counting) Get() []byte {
	buf := c.BufferPool.Get()
	c.lengths = append(c.lengths, len(buf))
	return buf
}
