package strategy

import (
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"syscall"
)

// What the standard library asks of the kernel beside sendfile from a file to a
// net.TCPConn, which every common system has.
const (
	splices    = runtime.GOOS == "linux" || runtime.GOOS == "android"
	copiesFile = splices || runtime.GOOS == "freebsd" || runtime.GOOS == "solaris" || runtime.GOOS == "illumos"
)

// kernelCopies reports whether io.Copy may move the bytes without bringing them
// into user space. Where it turns out that the kernel cannot after all (a file
// opened for appending, another file system) io.Copy makes its own 32 KiB.
func kernelCopies(dst io.Writer, src io.Reader) bool {
	from := src
	if l, ok := src.(*io.LimitedReader); ok {
		from = l.R // the standard library looks through one, and only one
	}
	if _, ok := from.(syscall.Conn); !ok {
		return false
	}
	_, isFile := from.(io.Seeker) // a file or a pipe, else a socket
	switch d := dst.(type) {
	case *os.File:
		if isFile {
			return copiesFile && noPipe(from, d)
		}
		return splices
	case *net.UnixConn: // no ReaderFrom: it is the source's WriteTo that knows how
		_, ok := src.(io.WriterTo)
		return ok && splices && (!isFile || noPipe(from))
	case io.ReaderFrom: // a net.TCPConn, or one that passes the source on to it
		return isFile && noPipe(from) || !isFile && splices
	}
	return false
}

// noPipe reports whether all of files have a position. A pipe has the method but
// not the means; where one file is closed, io.Copy knows which fault comes first.
func noPipe(files ...any) bool {
	all := true
	for _, f := range files {
		_, err := f.(io.Seeker).Seek(0, io.SeekCurrent)
		if errors.Is(err, os.ErrClosed) {
			return true
		}
		all = all && err == nil
	}
	return all
}
