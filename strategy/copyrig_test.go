package strategy_test

import (
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// rig makes real files and connections, thousands in one test, and closes them
// when a case is done with them.
type rig struct {
	t      testing.TB
	dir    string
	files  int
	closes []func()
}

func newRig(t testing.TB) *rig {
	// Not t.TempDir: the path of a Unix socket has 108 bytes at most.
	dir, err := os.MkdirTemp("", "copy")
	require.NoError(t, err)
	r := &rig{t: t, dir: dir}
	t.Cleanup(func() {
		r.done()
		require.NoError(t, os.RemoveAll(dir))
	})
	return r
}

func (r *rig) done() {
	for i := len(r.closes) - 1; i >= 0; i-- {
		r.closes[i]()
	}
	r.closes = nil
}

func (r *rig) atEnd(c io.Closer) { r.closes = append(r.closes, func() { c.Close() }) }

// path names one of a few files: they are written anew by each case.
func (r *rig) path() string {
	r.files++
	return filepath.Join(r.dir, strconv.Itoa(r.files%8))
}

// file holds data and stands at its beginning.
func (r *rig) file(data []byte, flags int) *os.File {
	name := r.path()
	require.NoError(r.t, os.WriteFile(name, data, 0o600))
	f, err := os.OpenFile(name, flags, 0o600)
	require.NoError(r.t, err)
	r.atEnd(f)
	return f
}

// pipe is a pipe that is being written to.
func (r *rig) pipe(data []byte) *os.File {
	out, in, err := os.Pipe()
	require.NoError(r.t, err)
	r.atEnd(out)
	go func() { in.Write(data); in.Close() }()
	return out
}

// conns is a connected pair of network "tcp" or "unix".
func (r *rig) conns(network string) (ours, theirs net.Conn) {
	address := "127.0.0.1:0"
	if network == "unix" {
		address = r.path() + ".sock"
		os.Remove(address)
	}
	l, err := net.Listen(network, address)
	require.NoError(r.t, err)
	defer l.Close()
	ours, err = net.Dial(network, l.Addr().String())
	require.NoError(r.t, err)
	theirs, err = l.Accept()
	require.NoError(r.t, err)
	r.atEnd(ours)
	r.atEnd(theirs)
	return ours, theirs
}

// from is a connection that is being written to.
func (r *rig) from(network string, data []byte) net.Conn {
	ours, theirs := r.conns(network)
	go func() { theirs.Write(data); theirs.Close() }()
	return ours
}

// drained collects what r reads in the background, until its end.
func drained(r io.Reader) func() []byte {
	all := make(chan []byte, 1)
	go func() { b, _ := io.ReadAll(r); all <- b }()
	return func() []byte { return <-all }
}
