package conformance

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"os"
	"strings"
	"testing/iotest"
	"unsafe"
)

// source makes readers of one kind. Those whose Reads the suite sees are behind
// a probe; the standard library's own types are handed over as they are, since
// copies look at their types.
type source struct {
	name   string
	most   int  // bytes that are sensible; 0: any number
	probed bool // hidden behind a probe
	ragged bool // what one Read returns is up to the machine
	open   func(c *poolCheck, data []byte) io.Reader
}

func plainSource(name string, wrap func(r io.Reader) io.Reader) source {
	return source{name: name, probed: true, open: func(_ *poolCheck, data []byte) io.Reader {
		return wrap(&onlyReader{data: data})
	}}
}

func (s source) upTo(most int) source {
	s.most = most
	return s
}

// sourcesInMemory is how many of goodSources come before the descriptors, which
// are slow to make.
const sourcesInMemory = 13

// goodSources come to their end.
var goodSources = []source{
	plainSource("plain", func(r io.Reader) io.Reader { return r }),
	plainSource("iotest.OneByteReader", iotest.OneByteReader).upTo(5000),
	plainSource("iotest.HalfReader", iotest.HalfReader),
	plainSource("iotest.DataErrReader", iotest.DataErrReader),
	plainSource("pauses", func(r io.Reader) io.Reader { return &pauses{r: r} }),
	{name: "bytes.Reader", open: func(_ *poolCheck, data []byte) io.Reader { return bytes.NewReader(data) }},
	{name: "strings.Reader", open: func(_ *poolCheck, data []byte) io.Reader {
		return strings.NewReader(unsafe.String(unsafe.SliceData(data), len(data)))
	}},
	{name: "bytes.Buffer", open: func(_ *poolCheck, data []byte) io.Reader { return bytes.NewBuffer(data) }},
	{name: "bufio.Reader", open: func(_ *poolCheck, data []byte) io.Reader { return bufio.NewReader(&onlyReader{data: data}) }},
	{name: "io.MultiReader", open: func(_ *poolCheck, data []byte) io.Reader {
		return io.MultiReader(&onlyReader{data: data[:len(data)/3]}, bytes.NewReader(data[len(data)/3:]))
	}},
	{name: "io.LimitedReader", open: func(_ *poolCheck, data []byte) io.Reader {
		return io.LimitReader(io.MultiReader(bytes.NewReader(data), strings.NewReader("beyond the limit")), int64(len(data)))
	}},
	{name: "io.SectionReader", open: func(_ *poolCheck, data []byte) io.Reader {
		return io.NewSectionReader(bytes.NewReader(data), 0, int64(len(data)))
	}},
	{name: "io.WriterTo", open: func(_ *poolCheck, data []byte) io.Reader {
		return &writesItself{onlyReader: onlyReader{data: data}, n: len(data)}
	}},
	{name: "os.File", open: func(c *poolCheck, data []byte) io.Reader {
		f := c.tempFile()
		_, err := f.Write(data)
		c.suite(err)
		_, err = f.Seek(0, io.SeekStart)
		c.suite(err)
		return f
	}},
	{name: "pipe", ragged: true, open: func(c *poolCheck, data []byte) io.Reader {
		r, w, err := os.Pipe()
		c.suite(err)
		c.feed(w, data)
		c.cleanup(func() { r.Close() })
		return r
	}},
	{name: "TCP", ragged: true, open: func(c *poolCheck, data []byte) io.Reader {
		near, far := c.tcp()
		c.feed(far, data)
		c.cleanup(func() { near.Close() }) // first: feed waits for ever on what nobody reads
		return near
	}},
}

// badSources fail.
var badSources = []source{
	plainSource("fails after its data", func(r io.Reader) io.Reader {
		return io.MultiReader(r, iotest.ErrReader(errSource))
	}),
	plainSource("fails with its data", func(r io.Reader) io.Reader {
		return iotest.DataErrReader(io.MultiReader(r, iotest.ErrReader(errSource)))
	}),
	plainSource("iotest.TimeoutReader", iotest.TimeoutReader),
	plainSource("io.ErrUnexpectedEOF", func(r io.Reader) io.Reader {
		return io.MultiReader(r, iotest.ErrReader(io.ErrUnexpectedEOF))
	}),
	{name: "io.WriterTo that fails half way", open: func(_ *poolCheck, data []byte) io.Reader {
		return &writesItself{onlyReader: onlyReader{data: data}, n: len(data) / 2, err: errSource}
	}},
	{name: "bufio.Reader that fails", open: func(_ *poolCheck, data []byte) io.Reader {
		return bufio.NewReader(io.MultiReader(&onlyReader{data: data}, iotest.ErrReader(errSource)))
	}},
}

// suite ends the rule where the machine, not the pool, fails.
func (c *poolCheck) suite(err error) {
	if err != nil {
		c.must(false, err, nil, "the suite's own preparation, not a call of the pool")
	}
}

func (c *poolCheck) tempFile() *os.File {
	f, err := os.CreateTemp("", "conformance")
	c.suite(err)
	c.cleanup(func() {
		f.Close()
		os.Remove(f.Name())
	})
	return f
}

// feed writes data from a goroutine and closes w.
func (c *poolCheck) feed(w io.WriteCloser, data []byte) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer w.Close()
		_, _ = w.Write(data) // a copy that fails leaves some unread
	}()
	c.cleanup(func() { <-done })
}

// listen lets tcp connect until the rule is over.
func (c *poolCheck) listen() {
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	c.suite(err)
	c.cleanup(func() { l.Close() })
	c.loopback = l
}

// tcp returns the two ends of a connection over loopback.
func (c *poolCheck) tcp() (near, far *net.TCPConn) {
	near, err := net.DialTCP("tcp", nil, c.loopback.Addr().(*net.TCPAddr))
	c.suite(err)
	c.cleanup(func() { near.Close() })
	far, err = c.loopback.AcceptTCP()
	c.suite(err)
	c.cleanup(func() { far.Close() })
	return near, far
}
