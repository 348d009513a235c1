package strategy

import (
	"bytes"
	"io"
	"net"
	"os"
)

// OptimizedTeeReader is TeeReader for pools that bring their own Get and Put. Its
// Read is io.TeeReader's, which needs no buffer; what it adds is io.WriterTo,
// without which io.Copy out of a tee allocates 32 KiB. Between calls it holds no
// buffer.
func OptimizedTeeReader(p BufferPool, r io.Reader, w io.Writer) io.Reader {
	return &teeReader{teeSource{r, w}, p}
}

// teeSource is io.TeeReader: a destination that asks for io.WriterTo finds none.
type teeSource struct {
	r io.Reader
	w io.Writer
}

func (t *teeSource) Read(p []byte) (n int, err error) {
	n, err = t.r.Read(p)
	if n > 0 {
		if n, err := t.w.Write(p[:n]); err != nil {
			return n, err // n bytes are teed: a copy writes them before it stops
		}
	}
	return n, err
}

type teeReader struct {
	teeSource
	pool BufferPool
}

// WriteTo implements io.WriterTo with the results of io.Copy out of io.TeeReader.
func (t *teeReader) WriteTo(dst io.Writer) (int64, error) {
	switch d := dst.(type) {
	case *os.File, *net.TCPConn, *bytes.Buffer: // need no more than a Read
	case io.ReaderFrom:
		return d.ReadFrom((*pooledTee)(t))
	}
	return OptimizedCopyBuffer(t.pool, dst, &t.teeSource)
}

// pooledTee is a teeReader as a pooledReader would wrap it, without allocating:
// there is one stream to read from it, so a destination may keep it.
type pooledTee teeReader

func (t *pooledTee) WriteTo(dst io.Writer) (int64, error) {
	return copyTo(t.pool, dst, &t.teeSource, 1)
}
