package conformance

import (
	"bufio"
	"bytes"
	"io"
	"os"
)

// sink makes writers of one kind. got ends the writer and returns what arrived.
type sink struct {
	name string
	open func(c *poolCheck) (w io.Writer, got func() []byte)
}

// goodSinks take everything.
var goodSinks = []sink{
	{"plain", func(*poolCheck) (io.Writer, func() []byte) {
		w := &onlyWriter{}
		return w, func() []byte { return w.got }
	}},
	{"bytes.Buffer", func(*poolCheck) (io.Writer, func() []byte) {
		w := &bytes.Buffer{}
		return w, w.Bytes
	}},
	{"bufio.Writer", func(*poolCheck) (io.Writer, func() []byte) {
		to := &onlyWriter{}
		w := bufio.NewWriter(to)
		return w, func() []byte { w.Flush(); return to.got }
	}},
	{"io.ReaderFrom", func(*poolCheck) (io.Writer, func() []byte) {
		w := &readsItself{n: 2 * megabyte}
		return w, func() []byte { return w.got }
	}},
	{"io.Discard", func(*poolCheck) (io.Writer, func() []byte) {
		return io.Discard, func() []byte { return nil }
	}},
	{"os.File", func(c *poolCheck) (io.Writer, func() []byte) {
		f := c.tempFile()
		return f, func() []byte {
			data, err := os.ReadFile(f.Name())
			c.suite(err)
			return data
		}
	}},
	{"TCP", func(c *poolCheck) (io.Writer, func() []byte) {
		near, far := c.tcp()
		arrived := make(chan []byte, 1)
		go func() {
			data, _ := io.ReadAll(far)
			arrived <- data
		}()
		c.cleanup(func() { near.Close() })
		return near, func() []byte { near.Close(); return <-arrived }
	}},
}

const shortWrite = "short write after n"

// badSinks fail after some bytes, whatever the lengths of the Writes are: then
// copies with buffers of different lengths compare.
func badSinks(after int) []sink {
	failing := func(err error) func(*poolCheck) (io.Writer, func() []byte) {
		return func(*poolCheck) (io.Writer, func() []byte) {
			w := &failAfter{n: after, err: err}
			return w, func() []byte { return w.got }
		}
	}
	return []sink{
		{"error after n", failing(errSink)},
		{shortWrite, failing(nil)},
		{"io.EOF after n", failing(io.EOF)}, // a writer's EOF is an error like any other
		{"io.ReaderFrom that fails half way", func(*poolCheck) (io.Writer, func() []byte) {
			w := &readsItself{n: after, err: errSink}
			return w, func() []byte { return w.got }
		}},
	}
}
