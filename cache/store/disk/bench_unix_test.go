//go:build unix

package disk

import (
	"io"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// BenchmarkHitToTCP sends an entry to a client on loopback: how=kernel by sendfile,
// how=loop by reads and writes of the pool's buffers, of 32 KiB and of 64 KiB. The
// client reads in the same process, so that cpu-ns/op is of both ends.
func BenchmarkHitToTCP(b *testing.B) {
	for _, n := range []int{16 << 10, 64 << 10, 256 << 10, 1 << 20, 4 << 20} {
		for _, how := range []string{"kernel", "loop-32KiB", "loop-64KiB"} {
			b.Run(label(n)+"/how="+how, func(b *testing.B) {
				s := openReal(b)
				put(b, s, "k", noise(1, n), unknown)
				client, server := connected(b)
				go io.CopyBuffer(plain{io.Discard}, struct{ io.Reader }{client}, make([]byte, 256<<10))
				buf := make([]byte, 32<<10)
				if how == "loop-64KiB" {
					buf = make([]byte, 64<<10)
				}
				b.SetBytes(int64(n))
				b.ReportAllocs()
				before := cpuTime()
				for b.Loop() {
					e, err := s.Open(ctx, "k")
					if err == nil && how == "kernel" {
						_, err = e.(io.WriterTo).WriteTo(server)
					} else if err == nil {
						_, err = io.CopyBuffer(plain{server}, struct{ io.Reader }{e}, buf)
					}
					if err != nil {
						b.Fatal(err)
					}
					e.Close()
				}
				b.ReportMetric(float64(cpuTime()-before)/float64(b.N), "cpu-ns/op")
			})
		}
	}
}

func connected(b *testing.B) (client, server net.Conn) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(b, err)
	defer l.Close()
	client, err = net.Dial("tcp", l.Addr().String())
	require.NoError(b, err)
	server, err = l.Accept()
	require.NoError(b, err)
	b.Cleanup(func() { client.Close(); server.Close() })
	return client, server
}

// cpuTime of the process.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
