package httpcache

import (
	"io"
	"net/http"
	"testing"

	"github.com/daramjwee/daramjwee/strategy"
	"github.com/stretchr/testify/require"
)

// TestPooledTransportUpgrades: who has sent all that he has to say still gets the answer.
func TestPooledTransportUpgrades(t *testing.T) {
	origin := newOrigin(t, func(w http.ResponseWriter, r *http.Request) {
		conn, both, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
		said, _ := io.ReadAll(both)
		conn.Write(said)
	})
	pool, err := strategy.New(strategy.DefaultConfig())
	require.NoError(t, err)
	transport := NewPooledTransport(pool)
	t.Cleanup(transport.CloseIdleConnections)
	r, err := http.NewRequest("GET", origin, nil)
	require.NoError(t, err)
	r.Header.Set("Connection", "Upgrade")
	r.Header.Set("Upgrade", "echo")
	res, err := transport.RoundTrip(r)
	require.NoError(t, err)
	defer res.Body.Close()
	require.Equal(t, http.StatusSwitchingProtocols, res.StatusCode)
	_, err = io.WriteString(res.Body.(io.Writer), "hello")
	require.NoError(t, err)
	require.NoError(t, res.Body.(interface{ CloseWrite() error }).CloseWrite())
	got, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	require.Equal(t, "hello", string(got))
}
