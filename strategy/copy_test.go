package strategy_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/daramjwee/daramjwee/strategy"
)

// poisonPool hands out buffers full of a byte that no source has, of a fixed
// length, and knows what is out.
type poisonPool struct {
	size    int
	gets    []int // the sizes asked for
	out     int
	dropped int
}

const poison = 0xDB

func (p *poisonPool) Get(size int) []byte {
	p.gets = append(p.gets, size)
	p.out++
	return bytes.Repeat([]byte{poison}, p.size)
}
func (p *poisonPool) Put([]byte)  { p.out-- }
func (p *poisonPool) Drop([]byte) { p.out--; p.dropped++ }
func (p *poisonPool) CopyBuffer(dst io.Writer, src io.Reader) (int64, error) {
	return strategy.OptimizedCopyBuffer(p, dst, src)
}
func (p *poisonPool) TeeReader(r io.Reader, w io.Writer) io.Reader {
	return strategy.OptimizedTeeReader(p, r, w)
}
func (p *poisonPool) Stats() strategy.BufferPoolStats { return strategy.BufferPoolStats{} }

var errPlanted = errors.New("planted")

type onlyReader struct{ io.Reader }
type onlyWriter struct{ io.Writer }

// failAfter writes n bytes, then fails.
type failAfter struct {
	w io.Writer
	n int
}

func (f *failAfter) Write(p []byte) (int, error) {
	if len(p) > f.n {
		n, _ := f.w.Write(p[:f.n])
		f.n = 0
		return n, errPlanted
	}
	f.n -= len(p)
	return f.w.Write(p)
}

type shortWriter struct{ io.Writer }

func (s shortWriter) Write(p []byte) (int, error) { return s.Writer.Write(p[:len(p)/2]) }

type countWriter int

func (c countWriter) Write(p []byte) (int, error) { return int(c), nil }

type failingWriterTo struct{ io.Reader }

func (f failingWriterTo) WriteTo(w io.Writer) (int64, error) {
	n, err := io.CopyN(w, f.Reader, 3)
	return n, errors.Join(errPlanted, err)
}

type failingReaderFrom struct{ io.Writer }

func (f failingReaderFrom) ReadFrom(r io.Reader) (int64, error) {
	n, err := io.CopyN(f.Writer, r, 3)
	return n, errors.Join(errPlanted, err)
}

// readers are the sources that io.Copy treats differently, made of the same bytes.
var readers = map[string]func(t *testing.T, data []byte) io.Reader{
	"plain":     func(_ *testing.T, b []byte) io.Reader { return onlyReader{bytes.NewReader(b)} },
	"bytes":     func(_ *testing.T, b []byte) io.Reader { return bytes.NewReader(b) },
	"buffer":    func(_ *testing.T, b []byte) io.Reader { return bytes.NewBuffer(bytes.Clone(b)) },
	"strings":   func(_ *testing.T, b []byte) io.Reader { return strings.NewReader(string(b)) },
	"bufio":     func(_ *testing.T, b []byte) io.Reader { return bufio.NewReader(onlyReader{bytes.NewReader(b)}) },
	"bufioFile": func(t *testing.T, b []byte) io.Reader { return bufio.NewReader(fileOf(t, b)) },
	"multi": func(_ *testing.T, b []byte) io.Reader {
		return io.MultiReader(onlyReader{bytes.NewReader(b[:len(b)/2])}, onlyReader{bytes.NewReader(b[len(b)/2:])})
	},
	"limited":     func(_ *testing.T, b []byte) io.Reader { return io.LimitReader(bytes.NewReader(b), int64(len(b)*2/3)) },
	"limitedFile": func(t *testing.T, b []byte) io.Reader { return io.LimitReader(fileOf(t, b), int64(len(b)*2/3)) },
	"section": func(_ *testing.T, b []byte) io.Reader {
		return io.NewSectionReader(bytes.NewReader(b), 0, int64(len(b)))
	},
	"file":    func(t *testing.T, b []byte) io.Reader { return fileOf(t, b) },
	"pipe":    pipeOf,
	"tcp":     tcpOf,
	"dataErr": func(_ *testing.T, b []byte) io.Reader { return iotest.DataErrReader(bytes.NewReader(b)) },
	"half":    func(_ *testing.T, b []byte) io.Reader { return iotest.HalfReader(bytes.NewReader(b)) },
	"fails": func(_ *testing.T, b []byte) io.Reader {
		return io.MultiReader(onlyReader{bytes.NewReader(b)}, iotest.ErrReader(errPlanted))
	},
	"failsPlain": func(_ *testing.T, b []byte) io.Reader {
		return onlyReader{io.MultiReader(bytes.NewReader(b), iotest.ErrReader(errPlanted))}
	},
	"timeout":  func(_ *testing.T, b []byte) io.Reader { return iotest.TimeoutReader(bytes.NewReader(b)) },
	"writerTo": func(_ *testing.T, b []byte) io.Reader { return failingWriterTo{bytes.NewReader(b)} },
}

// writers return a destination and what it holds in the end.
var writers = map[string]func(t *testing.T) (io.Writer, func() []byte){
	"plain":      plainInto(func(w io.Writer) io.Writer { return onlyWriter{w} }),
	"buffer":     plainInto(func(w io.Writer) io.Writer { return w }),
	"short":      plainInto(func(w io.Writer) io.Writer { return shortWriter{w} }),
	"failsAt0":   plainInto(func(w io.Writer) io.Writer { return &failAfter{w, 0} }),
	"failsAt999": plainInto(func(w io.Writer) io.Writer { return &failAfter{w, 999} }),
	"readerFrom": plainInto(func(w io.Writer) io.Writer { return failingReaderFrom{w} }),
	"negative":   plainInto(func(io.Writer) io.Writer { return countWriter(-1) }),
	"tooMany":    plainInto(func(io.Writer) io.Writer { return countWriter(1 << 30) }),
	"discard":    plainInto(func(io.Writer) io.Writer { return io.Discard }),
	"bufio": func(t *testing.T) (io.Writer, func() []byte) {
		var b bytes.Buffer
		w := bufio.NewWriter(onlyWriter{&b})
		return w, func() []byte { w.Flush(); return b.Bytes() }
	},
	"file":   fileWriter(os.O_RDWR | os.O_CREATE | os.O_TRUNC),
	"append": fileWriter(os.O_RDWR | os.O_CREATE | os.O_TRUNC | os.O_APPEND),
	"bufioFile": func(t *testing.T) (io.Writer, func() []byte) {
		f, held := fileWriter(os.O_RDWR | os.O_CREATE | os.O_TRUNC)(t)
		w := bufio.NewWriter(f)
		return w, func() []byte { w.Flush(); return held() }
	},
	"tcp": tcpWriter,
}

func plainInto(wrap func(io.Writer) io.Writer) func(*testing.T) (io.Writer, func() []byte) {
	return func(*testing.T) (io.Writer, func() []byte) {
		var b bytes.Buffer
		return wrap(&b), b.Bytes
	}
}

func fileOf(t *testing.T, data []byte) *os.File {
	name := filepath.Join(t.TempDir(), "source")
	require.NoError(t, os.WriteFile(name, data, 0o600))
	f, err := os.Open(name)
	require.NoError(t, err)
	t.Cleanup(func() { f.Close() })
	return f
}

func fileWriter(flags int) func(t *testing.T) (io.Writer, func() []byte) {
	return func(t *testing.T) (io.Writer, func() []byte) {
		name := filepath.Join(t.TempDir(), "destination")
		f, err := os.OpenFile(name, flags, 0o600)
		require.NoError(t, err)
		t.Cleanup(func() { f.Close() })
		return f, func() []byte {
			data, err := os.ReadFile(name)
			require.NoError(t, err)
			return data
		}
	}
}

func pipeOf(t *testing.T, data []byte) io.Reader {
	r, w, err := os.Pipe()
	require.NoError(t, err)
	t.Cleanup(func() { r.Close() })
	go func() { w.Write(data); w.Close() }()
	return r
}

func tcpPair(t *testing.T) (client, server *net.TCPConn) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	c, err := net.Dial("tcp", l.Addr().String())
	require.NoError(t, err)
	s, err := l.Accept()
	require.NoError(t, err)
	t.Cleanup(func() { c.Close(); s.Close() })
	return c.(*net.TCPConn), s.(*net.TCPConn)
}

func tcpOf(t *testing.T, data []byte) io.Reader {
	c, s := tcpPair(t)
	go func() { c.Write(data); c.Close() }()
	return s
}

func tcpWriter(t *testing.T) (io.Writer, func() []byte) {
	c, s := tcpPair(t)
	held := make(chan []byte, 1)
	go func() { b, _ := io.ReadAll(s); held <- b }()
	return c, func() []byte { c.CloseWrite(); return <-held }
}

// outcome is all that a caller can see of a copy.
type outcome struct {
	n       int64
	err     string
	planted bool
	dst     []byte
	rest    []byte
}

func observe(t *testing.T, src io.Reader, dst io.Writer, held func() []byte, copy func(io.Writer, io.Reader) (int64, error)) outcome {
	var n int64
	var err error
	if v := panicOf(func() { n, err = copy(dst, src) }); v != nil {
		return outcome{err: fmt.Sprint("panic: ", v)}
	}
	o := outcome{n: n, err: message(err), planted: errors.Is(err, errPlanted), dst: bytes.Clone(held())}
	if _, isConn := src.(net.Conn); !isConn && err == nil { // after an error, how far a chunked read got depends on the chunk
		o.rest, _ = io.ReadAll(src)
	}
	return o
}

// message is the error without what differs between two runs of the same copy:
// file names and addresses, and the OpError that a masked TCPConn does not add.
func message(err error) string {
	var op *net.OpError
	if errors.As(err, &op) && (op.Op == "readfrom" || op.Op == "writeto") {
		err = op.Err
	}
	var path *os.PathError
	if errors.As(err, &path) {
		return fmt.Sprint(path.Op, path.Err)
	}
	return fmt.Sprint(err)
}

func TestCopyBufferEqualsCopy(t *testing.T) {
	for _, size := range []int{0, 1, 4095, 4096, 4097, 256 << 10, 1<<20 + 1} {
		data := pattern(size)
		for rn, newReader := range readers {
			for wn, newWriter := range writers {
				if strings.HasPrefix(rn, "bufio") && (wn == "negative" || wn == "tooMany" || wn == "short") {
					continue // bufio.Reader itself panics at such writers, or writes to them for ever
				}
				name := fmt.Sprintf("src=%s/dst=%s/size=%d", rn, wn, size)
				dst, held := newWriter(t)
				want := observe(t, newReader(t, data), dst, held, io.Copy)

				p := &poisonPool{size: 32 << 10} // io.Copy's chunk, or short writes differ
				dst, held = newWriter(t)
				got := observe(t, newReader(t, data), dst, held, p.CopyBuffer)

				if rn == "tcp" || rn == "pipe" { // how much a Read brings is the kernel's to decide
					switch wn {
					case "short", "failsAt0", "failsAt999":
						got.n, want.n, got.dst, want.dst = 0, 0, nil, nil
					}
				}
				require.Equal(t, want.err, got.err, name)
				require.Equal(t, want.planted, got.planted, name)
				require.Equal(t, want.n, got.n, name)
				require.True(t, bytes.Equal(want.dst, got.dst), "%s: bytes differ", name)
				require.True(t, bytes.Equal(want.rest, got.rest), "%s: position differs", name)
				require.Zero(t, p.out, "%s: buffers out", name)
				for _, n := range p.gets {
					require.LessOrEqual(t, n, 64<<10, name)
				}
			}
		}
	}
}

func pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i*7 + i>>8)
		if b[i] == poison {
			b[i] = 0
		}
	}
	return b
}

// lyingReader claims more bytes than it was offered.
type lyingReader struct{}

func (lyingReader) Read(p []byte) (int, error) { return len(p) + 10, nil }

type exploding struct{}

func (exploding) Read([]byte) (int, error)  { panic(errPlanted) }
func (exploding) Write([]byte) (int, error) { panic(errPlanted) }

func TestCopyBufferPanicsAsCopyAndLosesNoCount(t *testing.T) {
	for name, pair := range map[string]struct {
		dst io.Writer
		src func() io.Reader
	}{
		"read":  {onlyWriter{io.Discard}, func() io.Reader { return exploding{} }},
		"write": {exploding{}, func() io.Reader { return onlyReader{strings.NewReader("x")} }},
		"count": {onlyWriter{io.Discard}, func() io.Reader { return lyingReader{} }},
	} {
		p := &poisonPool{size: 32 << 10}
		want := panicOf(func() { io.Copy(pair.dst, pair.src()) })
		require.NotNil(t, want)
		require.Equal(t, fmt.Sprint(want), fmt.Sprint(panicOf(func() { p.CopyBuffer(pair.dst, pair.src()) })), name)
		require.Zero(t, p.out, name)
		require.Equal(t, 1, p.dropped, "%s: the buffer may still be in someone's hands", name)
	}
}

func panicOf(f func()) (v any) {
	defer func() { v = recover() }()
	f()
	return nil
}

func TestCopyBufferAsksForWhatIsKnownToCome(t *testing.T) {
	for _, tc := range []struct {
		src  io.Reader
		want int
	}{
		{onlyReader{strings.NewReader("abc")}, 0},
		{io.LimitReader(onlyReader{strings.NewReader("abc")}, 100), 100},
		{io.LimitReader(onlyReader{strings.NewReader("abc")}, 1<<40), 64 << 10},
		{io.LimitReader(onlyReader{strings.NewReader("abc")}, -1), 0},
	} {
		p := &poisonPool{size: 512}
		_, err := p.CopyBuffer(onlyWriter{io.Discard}, tc.src)
		require.NoError(t, err)
		require.Equal(t, []int{tc.want}, p.gets)
	}
}

func TestReverseProxyBuffersAreNeverEmpty(t *testing.T) {
	p, _ := opened(t, config{Enabled: true, DefaultBufferSize: 8 << 10})
	b := strategy.ReverseProxyBuffers(p)
	buf := b.Get()
	require.Len(t, buf, 8<<10)
	b.Put(buf)
	require.Zero(t, p.Stats().ActiveBuffers)
}
