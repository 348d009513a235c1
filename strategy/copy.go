package strategy

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"os"
	"reflect"
	"strings"
)

// maxCopyBuffer is where larger reads stop paying; 64 KiB move 20 to 40 % more
// bytes a second over loopback than io.Copy's 32.
const maxCopyBuffer = 64 << 10

// OptimizedCopyBuffer is CopyBuffer for pools that bring their own Get and Put:
// io.Copy's result without io.Copy's buffer. io.CopyBuffer is no substitute: it
// ignores its buffer whenever src is an io.WriterTo or dst an io.ReaderFrom
// (golang/go #16474), and those of the standard library then allocate 32 KiB.
//
// Copies that the kernel does (sendfile, splice, copy_file_range) are left to it.
func OptimizedCopyBuffer(p BufferPool, dst io.Writer, src io.Reader) (int64, error) {
	switch s := src.(type) {
	case *bytes.Reader:
		return s.WriteTo(dst)
	case *bytes.Buffer:
		return s.WriteTo(dst)
	case *strings.Reader:
		return s.WriteTo(dst)
	}
	if kernelCopies(dst, src) {
		return io.Copy(dst, src) // with the values as they are: a wrapper would hide them from the kernel paths
	}
	switch s := src.(type) {
	case *os.File, *net.TCPConn: // their WriteTo would come back to io.Copy
	case *bufio.Reader:
		return s.WriteTo(&pooledWriter{Writer: dst, pool: p})
	case io.WriterTo:
		if !allocatesInWriteTo(src, dst) {
			return s.WriteTo(dst)
		}
	}
	switch d := dst.(type) {
	case *os.File, *net.TCPConn: // their ReadFrom would come back to io.Copy
	case io.ReaderFrom:
		if fallsBackToCopy(dst) {
			return d.ReadFrom(&pooledReader{Reader: src, pool: p})
		}
		return d.ReadFrom(src)
	}
	return copyLoop(p, dst, src, sizeHint(src))
}

// multiReader is the type behind io.MultiReader: its WriteTo makes a buffer.
var multiReader = reflect.TypeOf(io.MultiReader())

// allocatesInWriteTo reports whether src's WriteTo is better not called. With a
// ReaderFrom that we do not know it is: its error may differ from Read's.
func allocatesInWriteTo(src io.Reader, dst io.Writer) bool {
	if reflect.TypeOf(src) != multiReader {
		return false
	}
	switch dst.(type) {
	case *os.File, *net.TCPConn, *bytes.Buffer:
		return true
	case io.ReaderFrom:
		return dst == io.Discard || fallsBackToCopy(dst)
	}
	return true
}

// fallsBackToCopy reports whether dst's ReadFrom ends in io.Copy to what is
// beneath it: bufio.Writer's, and that of net/http's ResponseWriter.
func fallsBackToCopy(dst io.Writer) bool {
	switch dst.(type) {
	case *bufio.Writer, interface{ WriteHeader(statusCode int) }:
		return true
	}
	return false
}

// pooledReader is a source whose io.WriterTo is the pooled loop, so that the
// standard library's own fallback to io.Copy lands in our buffer.
type pooledReader struct {
	io.Reader
	pool BufferPool
}

func (r *pooledReader) WriteTo(dst io.Writer) (int64, error) {
	return copyLoop(r.pool, dst, r.Reader, sizeHint(r.Reader))
}

// pooledWriter is a destination whose io.ReaderFrom is the pooled copy.
type pooledWriter struct {
	io.Writer
	pool BufferPool
}

func (w *pooledWriter) ReadFrom(src io.Reader) (int64, error) {
	return OptimizedCopyBuffer(w.pool, w.Writer, src)
}

// sizeHint is what is known to come, 0 when nothing is.
func sizeHint(src io.Reader) int {
	switch s := src.(type) {
	case *io.LimitedReader:
		return int(max(0, min(s.N, maxCopyBuffer)))
	case interface{ Len() int }:
		return max(0, min(s.Len(), maxCopyBuffer))
	}
	return 0
}

// errInvalidWrite is io's own, which it does not export.
var _, errInvalidWrite = io.CopyBuffer(lyingWriter{}, io.LimitReader(zeros{}, 1), make([]byte, 1))

type lyingWriter struct{}

func (lyingWriter) Write([]byte) (int, error) { return -1, nil }

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

// copyLoop is io.Copy's loop, check by check, on a buffer of the pool. Reads are
// offered the whole of it, since a Len may be wrong.
func copyLoop(p BufferPool, dst io.Writer, src io.Reader, hint int) (written int64, err error) {
	got := p.Get(hint)
	returned := false
	defer func() {
		if returned {
			p.Put(got)
		} else {
			Drop(p, got) // a Read or Write that panicked may have left the buffer with someone
		}
	}()
	n := min(cap(got), maxCopyBuffer)
	buf := got[:n:n] // a Read that claims more than len must not reach into what a former holder wrote
	for {
		nr, er := src.Read(buf)
		if nr > 0 {
			nw, ew := dst.Write(buf[:nr])
			if nw < 0 || nw > nr {
				nw = 0
				if ew == nil {
					ew = errInvalidWrite
				}
			}
			written += int64(nw)
			if ew == nil && nw != nr {
				ew = io.ErrShortWrite
			}
			if ew != nil {
				err = ew
				break
			}
		}
		if er != nil {
			if er != io.EOF {
				err = er
			}
			break
		}
	}
	returned = true
	return written, err
}
