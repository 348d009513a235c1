package strategy_test

import (
	"bytes"
	"fmt"
	"io"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestTeeReaderEqualsTeeReader compares every single Read: count, error, bytes,
// what was teed so far.
func TestTeeReaderEqualsTeeReader(t *testing.T) {
	data := pattern(10_000)
	for rn, newReader := range readers {
		if rn == "tcp" || rn == "pipe" {
			continue // how much a Read brings is the kernel's to decide
		}
		for _, wn := range []string{"plain", "short", "failsAt0", "failsAt999", "negative", "tooMany"} {
			for _, chunk := range []int{0, 1, 5, 333, 5000} {
				wantTee, wantHeld := writers[wn](t)
				gotTee, gotHeld := writers[wn](t)
				p := &poisonPool{size: 512}
				want := io.TeeReader(newReader(t, data), wantTee)
				got := p.TeeReader(newReader(t, data), gotTee)
				a, b := make([]byte, chunk), make([]byte, chunk)
				for i := range 40 {
					name := fmt.Sprintf("src=%s/tee=%s/chunk=%d/read=%d", rn, wn, chunk, i)
					if chunk == 0 && rn == "dataErr" {
						break // iotest.DataErrReader never returns from an empty Read
					}
					wn, wantErr := want.Read(a)
					gn, gotErr := got.Read(b)
					require.Equal(t, wn, gn, name)
					require.Equal(t, message(wantErr), message(gotErr), name)
					require.True(t, bytes.Equal(a, b), name)
					require.True(t, bytes.Equal(wantHeld(), gotHeld()), name)
				}
				require.Empty(t, p.gets, "Read needs no buffer")
			}
		}
	}
}

func TestCopyOutOfTeeEqualsCopyOutOfTeeReader(t *testing.T) {
	data := pattern(100_000)
	for wn, newWriter := range writers {
		for _, tn := range []string{"plain", "failsAt999"} {
			run := func(tee func(io.Reader, io.Writer) io.Reader) (outcome, []byte) {
				side, sideHeld := writers[tn](t)
				dst, held := newWriter(t)
				src := tee(readers["plain"](t, data), side)
				return observe(t, src, dst, held, io.Copy), sideHeld()
			}
			want, wantSide := run(io.TeeReader)
			p := &poisonPool{size: 32 << 10}
			got, gotSide := run(p.TeeReader)
			name := "dst=" + wn + "/tee=" + tn
			require.Equal(t, want.err, got.err, name)
			require.Equal(t, want.n, got.n, name)
			require.True(t, bytes.Equal(want.dst, got.dst), name)
			require.True(t, bytes.Equal(wantSide, gotSide), name)
			require.Zero(t, p.out, name)
		}
	}
}
