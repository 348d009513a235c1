package disk

import (
	"bytes"
	"io"
	"net"
	"os"
	"runtime"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/daramjwee/daramjwee/cache/store"
)

// fds is the number of open descriptors, or -1 where there is no /proc.
func fds() int {
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return -1
	}
	return len(list)
}

func openEntry(t testing.TB, s *Store, key string) *entry {
	t.Helper()
	e, err := s.Open(ctx, key)
	require.NoError(t, err)
	t.Cleanup(func() { e.Close() })
	return e.(*entry)
}

func TestEveryWayToRead(t *testing.T) {
	for _, n := range []int{0, 1, smallBlock, 3*smallBlock + 7} {
		body := noise(9, n)
		dir := t.TempDir()
		s := openDir(t, dir, Options{BufferPool: newStrictPool(t)})
		put(t, s, "k", body, unknown)
		for range 2 { // unchecked blocks, then checked ones
			require.NoError(t, iotest.TestReader(openEntry(t, s, "k"), body))
			for _, chunk := range []int{1, smallBlock - 1, smallBlock, smallBlock + 1, 2*smallBlock + 1} {
				s.index["k"].blocks.reset()
				e := openEntry(t, s, "k")
				var got []byte
				p := make([]byte, chunk)
				for {
					m, err := e.Read(p)
					got = append(got, p[:m]...)
					if err != nil {
						require.Equal(t, io.EOF, err)
						break
					}
					require.NotZero(t, m)
				}
				require.True(t, bytes.Equal(body, got))
			}
			for off := 0; off <= n; off += 13 {
				s.index["k"].blocks.reset()
				e := openEntry(t, s, "k")
				p := make([]byte, 100)
				m, err := e.ReadAt(p, int64(off))
				require.Equal(t, min(100, n-off), m)
				require.True(t, bytes.Equal(body[off:off+m], p[:m]))
				if m < 100 {
					require.Equal(t, io.EOF, err)
				}
				_, err = e.ReadAt(p, -1)
				require.Error(t, err)

				// A copy that begins where the reads left off.
				_, err = io.ReadFull(e, make([]byte, off))
				require.NoError(t, err)
				var b bytes.Buffer
				w, err := e.WriteTo(&b)
				require.NoError(t, err)
				require.EqualValues(t, n-off, w)
				require.True(t, bytes.Equal(body[off:], b.Bytes()))
				w, err = e.WriteTo(&b)
				require.NoError(t, err)
				require.Zero(t, w)
			}
		}
		require.NoError(t, s.Close())
	}
}

func TestBlocksAreCheckedOnceAndLentFromThePool(t *testing.T) {
	pool := newStrictPool(t)
	s := openDir(t, t.TempDir(), Options{BufferPool: pool})
	body := noise(9, 4*smallBlock)
	put(t, s, "k", body, unknown)
	requireEntry(t, s, "k", body)
	require.Equal(t, 1, pool.gets, "ReadAll brings a buffer of its own for all blocks but Open's")
	for range 3 {
		requireEntry(t, s, "k", body)
		_, err := io.Copy(io.Discard, openEntry(t, s, "k"))
		require.NoError(t, err)
	}
	require.Equal(t, 1, pool.gets)
	require.Equal(t, 3, pool.copies, "one for each WriteTo")
	put(t, s, "k", body, unknown) // a new version is checked anew
	_, err := io.Copy(io.Discard, openEntry(t, s, "k"))
	require.NoError(t, err)
	require.Equal(t, 5, pool.gets)
}

// kernelDst is a destination that notes what a kernel copy would be given.
type kernelDst struct {
	bytes.Buffer
	t     *testing.T
	froms int
}

func (d *kernelDst) ReadFrom(r io.Reader) (int64, error) {
	d.froms++
	l, ok := r.(*io.LimitedReader)
	require.True(d.t, ok)
	require.IsType(d.t, (*os.File)(nil), l.R)
	return d.Buffer.ReadFrom(r)
}

// Sendfile and its like look for an *io.LimitedReader over an *os.File, and
// nothing else.
func TestCheckedBlocksCanGoOutByTheKernel(t *testing.T) {
	s := openDir(t, t.TempDir(), Options{})
	body := noise(9, 10*smallBlock+1)
	put(t, s, "k", body, unknown)
	requireEntry(t, s, "k", body)
	e := openEntry(t, s, "k")
	_, err := io.ReadFull(e, make([]byte, 70))
	require.NoError(t, err)
	d := &kernelDst{t: t}
	n, err := io.Copy(d, e)
	require.NoError(t, err)
	require.EqualValues(t, len(body)-70, n)
	require.True(t, bytes.Equal(body[70:], d.Bytes()))
	require.Equal(t, 1, d.froms, "in one piece")
}

func TestToASocketAndAFile(t *testing.T) {
	s, err := Open(t.TempDir(), Options{})
	require.NoError(t, err)
	defer s.Close()
	body := noise(9, 5*blockSize+1)
	put(t, s, "k", body, unknown)
	for range 2 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		got := make(chan []byte)
		go func() {
			c, _ := l.Accept()
			b, _ := io.ReadAll(c)
			c.Close()
			got <- b
		}()
		c, err := net.Dial("tcp", l.Addr().String())
		require.NoError(t, err)
		_, err = io.Copy(c, openEntry(t, s, "k"))
		require.NoError(t, err)
		require.NoError(t, c.Close())
		require.True(t, bytes.Equal(body, <-got))
		require.NoError(t, l.Close())

		f, err := os.Create(t.TempDir() + "/copy")
		require.NoError(t, err)
		_, err = io.Copy(f, openEntry(t, s, "k"))
		require.NoError(t, err)
		require.NoError(t, f.Close())
		b, err := os.ReadFile(f.Name())
		require.NoError(t, err)
		require.True(t, bytes.Equal(body, b))
	}
}

func TestDestinationErrors(t *testing.T) {
	s := openDir(t, t.TempDir(), Options{BufferPool: newStrictPool(t)})
	body := noise(9, 3*smallBlock)
	put(t, s, "k", body, unknown)
	for _, checked := range []bool{false, true} {
		for limit := range len(body) {
			if checked {
				requireEntry(t, s, "k", body)
			} else {
				s.index["k"].blocks.reset()
			}
			e := openEntry(t, s, "k")
			d := &fullDst{left: limit}
			n, err := e.WriteTo(d)
			require.ErrorIs(t, err, io.ErrClosedPipe)
			require.EqualValues(t, limit, n)
			require.True(t, bytes.Equal(body[:limit], d.got.Bytes()))
			var rest bytes.Buffer // what was not written is still there
			_, err = e.WriteTo(&rest)
			require.NoError(t, err)
			require.True(t, bytes.Equal(body[limit:], rest.Bytes()), "%d", limit)
			require.NoError(t, e.Close())
		}
	}
	require.Zero(t, s.Stats().Corrupt)
	e := openEntry(t, s, "k")
	s.index["k"].blocks.reset()
	n, err := e.WriteTo(lyingDst{})
	require.Error(t, err)
	require.Zero(t, n)
}

// fullDst takes so many bytes and then fails.
type fullDst struct {
	got  bytes.Buffer
	left int
}

func (d *fullDst) Write(p []byte) (int, error) {
	n := min(len(p), d.left)
	d.left -= n
	d.got.Write(p[:n])
	if n < len(p) {
		return n, io.ErrClosedPipe
	}
	return n, nil
}

type lyingDst struct{}

func (lyingDst) Write(p []byte) (int, error) { return len(p) + 1, nil }

func TestReadAfterClose(t *testing.T) {
	s := openDir(t, t.TempDir(), Options{})
	put(t, s, "k", noise(1, 200), unknown)
	e := openEntry(t, s, "k")
	require.NoError(t, e.Close())
	require.NoError(t, e.Close())
	p := make([]byte, 10)
	_, err := e.Read(p)
	require.ErrorIs(t, err, store.ErrClosed)
	_, err = e.ReadAt(p, 0)
	require.ErrorIs(t, err, store.ErrClosed)
	_, err = e.WriteTo(io.Discard)
	require.ErrorIs(t, err, store.ErrClosed)
	require.Equal(t, make([]byte, 10), p)
	require.EqualValues(t, 200, e.Size())
	require.ErrorIs(t, e.fd.Close(), os.ErrClosed, "the descriptor is gone")
}

// gate is a destination that stops in its first Write until it is opened.
type gate struct {
	once         sync.Once
	inside, open chan struct{}
}

func (g *gate) Write(p []byte) (int, error) {
	g.once.Do(func() {
		close(g.inside)
		<-g.open
	})
	return len(p), nil
}

// While a client stalls in the middle of a body nothing waits for it, Close
// included, and its descriptor lives on until it is out.
func TestNothingWaitsForAStalledReader(t *testing.T) {
	pool := newStrictPool(t)
	s := openDir(t, t.TempDir(), Options{BufferPool: pool})
	put(t, s, "k", noise(1, 5*smallBlock), unknown)
	e := openEntry(t, s, "k")
	g := &gate{inside: make(chan struct{}), open: make(chan struct{})}
	result := make(chan error)
	go func() {
		_, err := e.WriteTo(g)
		result <- err
	}()
	<-g.inside
	put(t, s, "k", []byte("new"), unknown)
	requireEntry(t, s, "k", []byte("new"))
	require.NoError(t, s.UpdateMetadata(ctx, "k", 0, store.Metadata{}))
	require.NoError(t, s.Delete(ctx, "k"))
	require.NoError(t, e.Close())
	_, err := e.fd.Stat()
	require.NoError(t, err)
	require.NoError(t, s.Close())
	close(g.open)
	require.ErrorIs(t, <-result, store.ErrClosed)
	_, err = e.fd.Stat()
	require.ErrorIs(t, err, os.ErrClosed)
	require.Zero(t, s.Stats().PinnedBytes)
}

func TestEntriesOutliveTheStore(t *testing.T) {
	dir := t.TempDir()
	s := openDir(t, dir, Options{})
	put(t, s, "k", noise(1, 300), unknown)
	put(t, s, "bad", noise(1, 300), unknown)
	e, bad := openEntry(t, s, "k"), openEntry(t, s, "bad")
	require.NoError(t, os.Truncate(dir+"/"+nameOf("bad"), 200))
	require.NoError(t, s.Close())
	b, err := io.ReadAll(e)
	require.NoError(t, err)
	require.True(t, bytes.Equal(noise(1, 300), b))
	_, err = io.ReadAll(bad)
	require.ErrorIs(t, err, ErrCorrupt)
}

func TestDescriptors(t *testing.T) {
	if fds() < 0 {
		t.Skipf("no /proc/self/fd on %s", runtime.GOOS)
	}
	before := fds()
	dir := t.TempDir()
	s, err := openSmall(dir, Options{})
	require.NoError(t, err)
	open := fds()
	for i := range 50 {
		put(t, s, "k", noise(1, i), unknown)
		requireEntry(t, s, "k", noise(1, i))
		w, err := s.Create(ctx, "k", store.Metadata{Size: 1})
		require.NoError(t, err)
		require.ErrorIs(t, w.Commit(ctx), store.ErrIncomplete)
		require.NoError(t, s.UpdateMetadata(ctx, "k", 0, store.Metadata{}))
	}
	require.NoError(t, os.Truncate(dir+"/"+nameOf("k"), 3))
	requireMiss(t, s, "k")
	require.Equal(t, open, fds())
	w, err := s.Create(ctx, "k", unknown)
	require.NoError(t, err)
	require.Equal(t, open+1, fds())
	require.NoError(t, s.Close()) // aborts what is left
	require.Equal(t, before, fds())
	require.NoError(t, w.Abort())
	_, err = openSmall(dir+"/"+lockName, Options{})
	require.Error(t, err)
	require.Equal(t, before, fds())
}
