package strategy

import (
	"io"
	"net"
	"os"
)

// OptimizedTeeReader is TeeReader for pools that bring their own Get and Put. Its
// Read is io.TeeReader's, which allocates nothing; what it adds is io.WriterTo,
// without which io.Copy out of a tee allocates 32 KiB. Between calls it holds no
// buffer.
func OptimizedTeeReader(p BufferPool, r io.Reader, w io.Writer) io.Reader {
	return &teeReader{pool: p, r: r, w: w}
}

type teeReader struct {
	pool BufferPool
	r    io.Reader
	w    io.Writer
}

func (t *teeReader) Read(p []byte) (int, error) {
	n, err := t.r.Read(p)
	if n > 0 {
		if n, err := t.w.Write(p[:n]); err != nil {
			return n, err
		}
	}
	return n, err
}

// WriteTo implements io.WriterTo. Bytes that were teed reach dst before the tee
// writer's error returns, as with io.Copy.
func (t *teeReader) WriteTo(dst io.Writer) (int64, error) {
	hint := sizeHint(t.r)
	switch d := dst.(type) {
	case *os.File, *net.TCPConn: // their ReadFrom would come back to io.Copy
	case io.ReaderFrom:
		return d.ReadFrom(&pooledReader{Reader: t, pool: t.pool})
	}
	return copyLoop(t.pool, dst, t, hint)
}
