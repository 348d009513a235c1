package strategy

import (
	"io"
	"net"
	"os"
	"syscall"
)

// kernelCopies reports whether io.Copy may move the bytes without bringing them
// into user space: sendfile, splice and copy_file_range want a descriptor on
// both sides, and find it only in the values themselves.
func kernelCopies(dst io.Writer, src io.Reader) bool {
	from := src
	if limited, ok := src.(*io.LimitedReader); ok {
		from = limited.R
	}
	if _, ok := from.(syscall.Conn); !ok {
		return false
	}
	seeker, isFile := from.(io.Seeker)
	if isFile && !seekable(seeker) { // a pipe or a terminal
		return false
	}
	switch d := dst.(type) {
	case *net.TCPConn:
		return true
	case *os.File:
		return !isFile || seekable(d)
	case *net.UnixConn:
		_, ok := src.(io.WriterTo)
		return ok
	case io.ReaderFrom: // net/http's response and bufio.Writer pass the source on
		return true
	}
	return false
}

func seekable(s io.Seeker) bool {
	_, err := s.Seek(0, io.SeekCurrent)
	return err == nil
}
