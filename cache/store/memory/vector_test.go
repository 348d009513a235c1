package memory_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/daramjwee/daramjwee/cache/store/memory"
	"github.com/daramjwee/daramjwee/strategy"
)

// connected is both ends of a connection.
func connected(t testing.TB, network string) (client, server net.Conn) {
	t.Helper()
	address := "127.0.0.1:0"
	if network == "unix" {
		address = filepath.Join(t.TempDir(), "s")
	}
	l, err := net.Listen(network, address)
	require.NoError(t, err)
	defer l.Close()
	client, err = net.Dial(network, l.Addr().String())
	require.NoError(t, err)
	server, err = l.Accept()
	require.NoError(t, err)
	t.Cleanup(func() { client.Close(); server.Close() })
	return client, server
}

// blocksOf is a store whose blocks are so long.
func blocksOf(t testing.TB, bytes int) *memory.Store {
	t.Helper()
	s, err := memory.New(memory.Options{MaxBytes: 64 << 20, BufferPool: strategy.BufferPoolConfig{
		Enabled: true, DefaultBufferSize: bytes, MinBufferSize: min(bytes, 4096), MaxBufferSize: bytes}})
	require.NoError(t, err)
	t.Cleanup(func() { s.Close() })
	return s
}

func TestWriteToConnection(t *testing.T) {
	const block = 4096
	s := blocksOf(t, block)
	for _, network := range []string{"tcp", "unix"} {
		for _, size := range []int{0, 1, block, block + 1, 3*block - 1, 3 * block, 300*block + 7} {
			for _, skip := range []int{0, 1, block, 2 * block} {
				if skip > size {
					continue
				}
				body := pattern(uint64(size), size)
				put(t, s, "k", int64(size), body)
				e := open(t, s, "k")
				_, err := io.ReadFull(e, make([]byte, skip))
				require.NoError(t, err)
				client, server := connected(t, network)
				received := make(chan []byte)
				go func() {
					got, _ := io.ReadAll(client)
					received <- got
				}()
				n, err := e.(io.WriterTo).WriteTo(server)
				require.NoError(t, err)
				require.EqualValues(t, size-skip, n)
				n, err = e.(io.WriterTo).WriteTo(server)
				require.NoError(t, err)
				require.Zero(t, n, "nothing twice")
				require.NoError(t, server.Close())
				require.Equal(t, body[skip:], append([]byte{}, <-received...))
				require.NoError(t, e.Close())
			}
		}
	}
	require.Equal(t, pattern(300*block+7, 300*block+7), get(t, s, "k"), "net.Buffers consumed a list of its own")
}

// taker is a destination that takes blocks, of which it takes no more than most bytes.
type taker struct {
	bytes.Buffer
	most, calls int
}

func (d *taker) WriteVector(list net.Buffers) (n int64, err error) {
	d.calls++
	for i, b := range list {
		k, _ := d.Write(b[:min(len(b), d.most-d.Len())])
		list[i] = nil // ours to change
		if n += int64(k); k < len(b) {
			return n, io.ErrShortWrite
		}
	}
	return n, nil
}

func TestWriteToVectorWriter(t *testing.T) {
	const block = 4096
	s := blocksOf(t, block)
	body := pattern(1, 5*block+9)
	put(t, s, "k", int64(len(body)), body)
	e := open(t, s, "k")
	defer e.Close()
	d := &taker{most: 2*block + 5}
	n, err := e.(io.WriterTo).WriteTo(d)
	require.ErrorIs(t, err, io.ErrShortWrite)
	require.EqualValues(t, 2*block+5, n)
	d.most = len(body)
	n, err = e.(io.WriterTo).WriteTo(d)
	require.NoError(t, err)
	require.EqualValues(t, 3*block+4, n, "the rest")
	require.Equal(t, 2, d.calls)
	require.Equal(t, body, d.Bytes())
	require.Equal(t, body, get(t, s, "k"))
}

// liar returns any count for the blocks, and no error.
type liar struct {
	io.Writer
	n int64
}

func (d liar) WriteVector(net.Buffers) (int64, error) { return d.n, nil }

func TestWriteToVectorWriterThatLies(t *testing.T) {
	s := blocksOf(t, 4096)
	body := pattern(1, 3*4096)
	put(t, s, "k", int64(len(body)), body)
	e := open(t, s, "k")
	defer e.Close()
	for _, impossible := range []int64{-1, int64(len(body)) + 1} {
		n, err := e.(io.WriterTo).WriteTo(liar{n: impossible})
		require.Zero(t, n)
		require.ErrorContains(t, err, "impossible count")
	}
	n, err := e.(io.WriterTo).WriteTo(liar{n: 100})
	require.EqualValues(t, 100, n)
	require.ErrorIs(t, err, io.ErrShortWrite)
	rest, err := io.ReadAll(e)
	require.NoError(t, err)
	require.Equal(t, body[100:], rest)
}

// TestWriteToConnectionThatBreaks: the count is what was accepted, and a later call
// goes on there.
func TestWriteToConnectionThatBreaks(t *testing.T) {
	s := blocksOf(t, 64<<10)
	data := pattern(1, 16<<20)
	put(t, s, "k", int64(len(data)), data)
	e := open(t, s, "k")
	defer e.Close()
	client, server := connected(t, "tcp")
	go func() {
		io.ReadFull(client, make([]byte, 1<<20))
		client.Close()
	}()
	n, err := e.(io.WriterTo).WriteTo(server)
	require.Error(t, err)
	require.Less(t, n, int64(len(data)))
	rest, err := io.ReadAll(e)
	require.NoError(t, err)
	require.Equal(t, data[n:], rest)
}

// BenchmarkWriteToTCP: a connection that takes all blocks at once beside the same
// one that is not known to.
func BenchmarkWriteToTCP(b *testing.B) {
	for _, size := range []int{256 << 10, 1 << 20, 4 << 20} {
		s := blocksOf(b, 64<<10)
		fill(b, s, make([]byte, size), new(bytes.Reader))
		for _, how := range []string{"writes", "writev"} {
			b.Run(fmt.Sprintf("size=%d/how=%s", size, how), func(b *testing.B) {
				client, server := connected(b, "tcp")
				go io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{client}, make([]byte, 256<<10))
				var to io.Writer = server
				if how == "writes" {
					to = struct{ io.Writer }{server}
				}
				b.SetBytes(int64(size))
				b.ReportAllocs()
				for b.Loop() {
					e, err := s.Open(ctx, "k")
					if err == nil {
						_, err = e.(io.WriterTo).WriteTo(to)
						e.Close()
					}
					if err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
