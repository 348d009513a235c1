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
func (b *body) writeVector(w io.Writer, off int64) (n int64, err error) {
	list := make(net.Buffers, 0, len(b.blocks))
	for p := range b.from(off) {
		list = append(list, p)
	}
	if to, ok := w.(store.VectorWriter); ok {
		n, err = to.WriteVector(list)
	} else {
		n, err = list.WriteTo(w)
	}
	if n < 0 || n > b.size-off {
		return 0, cmp.Or(err, errWrite)
	}
	if err == nil && off+n < b.size {
		err = io.ErrShortWrite
	}
	return n, err
}
