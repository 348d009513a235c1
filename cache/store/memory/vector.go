package memory

import (
	"cmp"
	"io"
	"net"

	"github.com/daramjwee/daramjwee/cache/store"
)

// vectored reports whether w takes many blocks by one system call.
func vectored(w io.Writer) bool {
	switch w.(type) {
	case *net.TCPConn, *net.UnixConn, store.VectorWriter:
		return true
	}
	return false
}

// writeVector writes the rest of the body by writev. The list of blocks is an
// allocation, since it is consumed.
func (r *reader) writeVector(w io.Writer) (n int64, err error) {
	list := make(net.Buffers, 0, len(r.entry.blocks))
	for b := range r.entry.from(r.off) {
		list = append(list, b)
	}
	if to, ok := w.(store.VectorWriter); ok {
		n, err = to.WriteVector(list)
	} else {
		n, err = list.WriteTo(w)
	}
	if n < 0 || n > r.entry.size-r.off {
		return 0, cmp.Or(err, errWrite)
	}
	r.off += n
	if err == nil && r.off < r.entry.size {
		err = io.ErrShortWrite
	}
	return n, err
}
