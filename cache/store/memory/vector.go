package memory

import (
	"io"
	"net"
)

// vectored reports whether w takes many blocks by one system call. net has no
// interface for that which others could see.
func vectored(w io.Writer) bool {
	switch w.(type) {
	case *net.TCPConn, *net.UnixConn:
		return true
	}
	return false
}

// writeVector writes the rest of the body by writev. The list of blocks is an
// allocation, since net.Buffers consumes it.
func (r *reader) writeVector(w io.Writer) (int64, error) {
	list := make(net.Buffers, 0, len(r.entry.blocks))
	for b := range r.entry.from(r.off) {
		list = append(list, b)
	}
	n, err := list.WriteTo(w)
	r.off += n
	return n, err
}
