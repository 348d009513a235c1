package strategy_test

import (
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// liar claims more than it was offered, the first time or after an honest Read.
type liar struct {
	honest int
	more   int
}

func (l *liar) Read(p []byte) (int, error) {
	if l.honest > 0 {
		l.honest--
		return copy(p, "honest"), nil
	}
	return len(p) + l.more, nil
}

// explosive panics, or ends its goroutine.
type explosive struct{ exit bool }

func (e explosive) Read([]byte) (int, error) { return e.Write(nil) }
func (e explosive) Write([]byte) (int, error) {
	if e.exit {
		runtime.Goexit()
	}
	panic(errPlanted)
}

func TestCopyBufferPanicsAsCopyAndLosesNoCount(t *testing.T) {
	x := func() io.Reader { return plainReader{strings.NewReader("x")} }
	for name, pair := range map[string]struct {
		dst io.Writer
		src func() io.Reader
	}{
		"read":           {plainWriter{io.Discard}, func() io.Reader { return explosive{} }},
		"write":          {explosive{}, x},
		"read exits":     {plainWriter{io.Discard}, func() io.Reader { return explosive{exit: true} }},
		"write exits":    {explosive{exit: true}, x},
		"one too many":   {plainWriter{io.Discard}, func() io.Reader { return &liar{more: 1} }},
		"far too many":   {plainWriter{io.Discard}, func() io.Reader { return &liar{honest: 1, more: 1 << 30} }},
		"limited liar":   {plainWriter{io.Discard}, func() io.Reader { return io.LimitReader(&liar{more: 1}, 100) }},
		"nil source":     {plainWriter{io.Discard}, func() io.Reader { return nil }},
		"nil to copy to": {nil, x},
	} {
		run := func(copy func(io.Writer, io.Reader) (int64, error)) (v any) {
			done := make(chan struct{})
			go func() {
				defer close(done)
				defer func() { v = recover() }()
				copy(pair.dst, pair.src())
				v = "returned"
			}()
			<-done
			return v
		}
		p := new(poisonPool)
		want, got := run(io.Copy), run(p.CopyBuffer)
		require.Equal(t, fmt.Sprint(want), fmt.Sprint(got), name)
		if want == errPlanted {
			require.True(t, got == want, "%s: another value", name)
		}
		p.settled(t, name)
		require.Equal(t, 1, len(p.gets), name)
		require.Equal(t, 1, p.dropped, "%s: the buffer may still be in someone's hands", name)
	}
}

// TestNoFormerHoldersBytesLeave: the writer is a caller too, and may look behind
// the slice it was given.
func TestNoFormerHoldersBytesLeave(t *testing.T) {
	p := new(poisonPool)
	_, err := p.CopyBuffer(nosy{t}, plainReader{strings.NewReader("short")})
	require.NoError(t, err)
	_, err = io.Copy(nosy{t}, p.TeeReader(strings.NewReader("short"), plainWriter{io.Discard}))
	require.NoError(t, err)
	p.settled(t, "nosy")
}

type nosy struct{ t *testing.T }

func (n nosy) Write(p []byte) (int, error) {
	require.NotContains(n.t, p[:cap(p)], byte(poison))
	return len(p), nil
}
