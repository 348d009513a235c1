package strategy_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/daramjwee/daramjwee/internal/race"
	"github.com/stretchr/testify/require"
)

// outcome is all that the caller of a copy can see.
type outcome struct {
	n          int64
	err        string // the chain of types, without addresses and names
	cause      error  // its last link, to be compared by identity
	panicked   string
	dst, rest  []byte
	unfinished bool // failed or panicked
}

func observe(copy func(io.Writer, io.Reader) (int64, error), dst destination, src source) (o outcome) {
	func() {
		defer func() {
			if v := recover(); v != nil {
				o.panicked = fmt.Sprint(v)
			}
		}()
		var err error
		o.n, err = copy(dst.Writer, src.Reader)
		o.err, o.cause = chain(err)
	}()
	o.unfinished = o.cause != nil || o.panicked != ""
	o.dst = dst.held()
	rest := src.rest
	if rest == nil {
		rest = src.Reader
	}
	if o.panicked == "" { // else a bufio.Reader may be anywhere
		o.rest = remaining(rest)
	}
	return o
}

func remaining(r io.Reader) (all []byte) {
	defer func() { _ = recover() }() // the rest of a reader that lies
	all, _ = io.ReadAll(io.LimitReader(r, 2<<20))
	return all
}

func chain(err error) (types string, cause error) {
	for err != nil {
		cause = err
		types += fmt.Sprintf("%T ", err)
		switch e := err.(type) {
		case *net.OpError:
			types += e.Op + " " + e.Net + " "
		case *os.PathError:
			types += e.Op + " "
		case *os.SyscallError:
			types += e.Syscall + " "
		}
		err = errors.Unwrap(err)
	}
	return types, cause
}

// The pairs whose copies are compared at every size; all others at none, one byte
// and a byte more than a buffer.
var (
	mainReaders = strings.Fields("plain drip bytes buffer strings dataErr section lenShort limited limitedFile fails multi multiFails multiFile bufio bufioFile file pipe tcp unix")
	mainWriters = strings.Fields("plain buffer discard short failsAt999 readerFrom response bufio bufioFile file append tcp unix middleware")
)

// TestCopyBufferEqualsCopy compares everything that can be seen of a copy with
// io.Copy's on fresh operands of the same kind.
func TestCopyBufferEqualsCopy(t *testing.T) {
	r := newRig(t)
	for _, size := range []int{0, 1, 32<<10 - 1, 32 << 10, 32<<10 + 1, 256 << 10, 1<<20 + 1} {
		data := pattern(size)
		for rn, newReader := range readers {
			for wn, newWriter := range writers {
				if size > 1 && (size != 32<<10+1 || race.Enabled) && !(slices.Contains(mainReaders, rn) && slices.Contains(mainWriters, wn)) {
					continue
				}
				name := fmt.Sprintf("src=%s/dst=%s/size=%d", rn, wn, size)
				src := newReader(r, data)
				want := observe(io.Copy, newWriter(r), src)
				p := new(poisonPool)
				got := observe(p.CopyBuffer, newWriter(r), newReader(r, data))
				if src.parts && want.unfinished {
					// A MultiReader is read, or asked to write: what a destination
					// that fails or lies sees of its parts is either's.
					masked := newReader(r, data)
					masked.Reader = plainReader{masked.Reader}
					if o := observe(io.Copy, newWriter(r), masked); o.err == got.err && o.n == got.n {
						want = o
					}
				}
				if wn == "short" && src.stream {
					got.n, want.n, got.dst, want.dst = 0, 0, nil, nil // two thirds of whatever came first
				}
				if want.unfinished && src.stream {
					got.rest, want.rest = nil, nil // likewise
				}
				equal(t, want, got, name)
				p.settled(t, name)
				r.done()
			}
		}
	}
}

func equal(t *testing.T, want, got outcome, name string) {
	t.Helper()
	require.Equal(t, want.panicked, got.panicked, name)
	require.Equal(t, want.err, got.err, name)
	require.True(t, want.cause == got.cause, "%s: %v is not %v", name, got.cause, want.cause)
	require.Equal(t, want.n, got.n, "%s: count", name)
	require.True(t, bytes.Equal(want.dst, got.dst), "%s: %d bytes arrived, other than %d of io.Copy", name, len(got.dst), len(want.dst))
	require.True(t, bytes.Equal(want.rest, got.rest), "%s: %d bytes left, io.Copy leaves %d", name, len(got.rest), len(want.rest))
}
