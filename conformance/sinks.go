package conformance

import (
	"bufio"
	"bytes"
	"io"
)

// sink makes writers of one kind. got ends the writer and returns what arrived.
type sink struct {
	name string
	open func(c *poolCheck) (w io.Writer, got func() []byte)
}

// sinksInMemory is how many of goodSinks come before the descriptors.
const sinksInMemory = 5

// goodSinks take everything.
var goodSinks = []sink{
	{"plain", func(c *poolCheck) (io.Writer, func() []byte) {
		w := &onlyWriter{got: c.room()}
		return w, func() []byte { return w.got }
	}},
	{"bytes.Buffer", func(c *poolCheck) (io.Writer, func() []byte) {
		w := bytes.NewBuffer(c.room())
		return w, w.Bytes
	}},
	{"bufio.Writer", func(c *poolCheck) (io.Writer, func() []byte) {
		to := &onlyWriter{got: c.room()}
		w := bufio.NewWriter(to)
		return w, func() []byte { w.Flush(); return to.got }
	}},
	{"io.ReaderFrom", func(c *poolCheck) (io.Writer, func() []byte) {
		w := &readsItself{onlyWriter: onlyWriter{got: c.room()}, n: 2 * megabyte}
		return w, func() []byte { return w.got }
	}},
	{"io.Discard", func(*poolCheck) (io.Writer, func() []byte) {
		return io.Discard, func() []byte { return nil }
	}},
	{"os.File", func(c *poolCheck) (io.Writer, func() []byte) {
		f := c.tempFile()
		return f, func() []byte {
			_, err := f.Seek(0, io.SeekStart)
			c.suite(err)
			arrived := bytes.NewBuffer(c.room())
			_, err = arrived.ReadFrom(f)
			c.suite(err)
			return arrived.Bytes()
		}
	}},
	{"TCP", func(c *poolCheck) (io.Writer, func() []byte) {
		near, far := c.tcp()
		arrived := bytes.NewBuffer(c.room())
		done := make(chan struct{})
		go func() {
			defer close(done)
			_, _ = arrived.ReadFrom(far)
		}()
		c.cleanup(func() { near.Close(); <-done })
		return near, func() []byte { near.Close(); <-done; return arrived.Bytes() }
	}},
}

const shortWrite = "short write after n"

// badSinks fail after some bytes, whatever the lengths of the Writes are: then
// copies with buffers of different lengths compare.
func badSinks(after int) []sink {
	failing := func(err error) func(*poolCheck) (io.Writer, func() []byte) {
		return func(c *poolCheck) (io.Writer, func() []byte) {
			w := &failAfter{n: after, err: err, got: c.room()}
			return w, func() []byte { return w.got }
		}
	}
	return []sink{
		{"error after n", failing(errSink)},
		{shortWrite, failing(nil)},
		{"io.EOF after n", failing(io.EOF)}, // a writer's EOF is an error like any other
		{"io.ReaderFrom that fails half way", func(c *poolCheck) (io.Writer, func() []byte) {
			w := &readsItself{onlyWriter: onlyWriter{got: c.room()}, n: after, err: errSink}
			return w, func() []byte { return w.got }
		}},
	}
}
