package strategy

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"os"
)

// OptimizedCopyBuffer is CopyBuffer for pools that bring their own Get and Put:
// io.Copy's bytes, count, error, panics and source position, without io.Copy's
// buffer. io.CopyBuffer is no substitute: it ignores its buffer whenever src is
// an io.WriterTo or dst an io.ReaderFrom (golang/go #16474, #32306), and those
// of the standard library then allocate 32 KiB.
//
// What the kernel copies (sendfile, splice, copy_file_range) is left to it.
// Position and count after a failed Write may differ from io.Copy's by how much
// is read at a time: the buffer's length here, 32 KiB there.
func OptimizedCopyBuffer(p BufferPool, dst io.Writer, src io.Reader) (int64, error) {
	if kernelCopies(dst, src) || unset(dst) || unset(src) {
		// With the values as they are: a wrapper would hide the descriptors.
		return io.Copy(dst, src)
	}
	switch s := src.(type) {
	case *os.File: // its WriteTo would come back to io.Copy
		return copyTo(p, dst, s, 0)
	case *net.TCPConn: // likewise, and it wraps the error
		n, err := copyTo(p, dst, s, 0)
		if err != nil {
			_, err = s.WriteTo(failed{err})
		}
		return n, err
	case *bufio.Reader:
		if returnsToCopy(dst, s) {
			return s.WriteTo(&pooledWriter{dst, p})
		}
		return s.WriteTo(dst)
	case io.WriterTo: // bytes.Reader, strings.Reader and others that write what they own
		if !mayMask(dst, src) {
			return s.WriteTo(dst)
		}
	}
	return copyTo(p, dst, src, 0)
}

// copyTo copies a source whose WriterTo, if it has one, is not to be used. depth
// counts the pooledReaders around src.
func copyTo(p BufferPool, dst io.Writer, src io.Reader, depth int) (int64, error) {
	switch d := dst.(type) {
	case *os.File: // its ReadFrom would come back to io.Copy
		return copyLoop(p, d, src)
	case *net.TCPConn: // likewise, and it wraps the error
		n, err := copyLoop(p, d, src)
		if err != nil {
			_, err = d.ReadFrom(failed{err})
		}
		return n, err
	}
	d, ok := dst.(io.ReaderFrom)
	if !ok {
		return copyLoop(p, dst, src)
	}
	// Other ReaderFroms see the source as it is: what they make of it is theirs.
	if passesOn(dst) && depth < maxDepth {
		src = &pooledReader{src, p, depth + 1}
	}
	return d.ReadFrom(src)
}

// unset reports whether v is a file or a connection that never was opened: it
// says so before anything is read.
func unset(v any) bool {
	switch v := v.(type) {
	case *os.File:
		return v == nil
	case *net.TCPConn:
		return v.LocalAddr() == nil
	}
	return false
}

// passesOn reports whether dst's ReadFrom may end in that of a file or a
// connection beneath it, and so in io.Copy: bufio.Writer's, net/http's response
// and what middleware puts around that.
func passesOn(dst io.Writer) bool {
	switch dst.(type) {
	case *bufio.Writer, interface{ WriteHeader(statusCode int) }:
		return true
	}
	return false
}

// failed brings an error to a net.TCPConn, whose ReadFrom and WriteTo wrap errors
// in ways that only they know, and moves no byte. It has both interfaces so that
// it meets no buffer on the way.
type failed struct{ err error }

func (f failed) Read([]byte) (int, error)          { return 0, f.err }
func (f failed) Write([]byte) (int, error)         { return 0, f.err }
func (f failed) WriteTo(io.Writer) (int64, error)  { return 0, f.err }
func (f failed) ReadFrom(io.Reader) (int64, error) { return 0, f.err }

// pooledReader is a source whose WriteTo draws on the pool, so that a ReadFrom
// which falls back to io.Copy lands in our buffer. It is not recycled: a
// destination that kept it would read another caller's bytes.
type pooledReader struct {
	io.Reader
	pool  BufferPool
	depth int
}

// maxDepth bounds the pooledReaders around one source. Each layer of middleware
// may add one; past it, a ReadFrom that hands its own writer to WriteTo gets the
// bare source and ends.
const maxDepth = 4

func (r *pooledReader) WriteTo(dst io.Writer) (int64, error) {
	return copyTo(r.pool, dst, r.Reader, r.depth)
}

// pooledWriter is a destination whose ReadFrom comes back here.
type pooledWriter struct {
	io.Writer
	pool BufferPool
}

func (w *pooledWriter) ReadFrom(src io.Reader) (int64, error) {
	return OptimizedCopyBuffer(w.pool, w.Writer, src)
}

// mayMask reports whether src is a MultiReader that is better read than asked to
// write: its WriteTo begins with a buffer of its own. It is asked where that saves
// more, because a part is a descriptor that the kernel can copy from, and with
// ReaderFroms that we do not know, which may tell the parts apart.
func mayMask(dst io.Writer, src io.Reader) bool {
	if !isMultiReader(src) {
		return false
	}
	switch dst.(type) {
	case *bytes.Buffer:
		return true
	case *os.File, *net.TCPConn, *net.UnixConn:
		return !holdsDescriptor(src)
	case io.ReaderFrom:
		return dst == io.Discard || passesOn(dst) && !holdsDescriptor(src)
	}
	return true
}
