package strategy_test

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestTeeReaderEqualsTeeReader compares every Read: count, error, bytes, what was
// teed so far, and in the end what is left of the source.
func TestTeeReaderEqualsTeeReader(t *testing.T) {
	r := newRig(t)
	data := pattern(10_000)
	sides := strings.Fields("plain buffer short failsAt0 failsAt999 negative tooMany bufio file")
	for rn, newReader := range readers {
		for _, wn := range sides {
			for _, chunk := range []int{0, 1, 5, 333, 5000} {
				if chunk == 0 && rn == "dataErr" {
					continue // iotest.DataErrReader never returns from an empty Read
				}
				name := fmt.Sprintf("src=%s/tee=%s/chunk=%d", rn, wn, chunk)
				wantSrc, gotSrc := newReader(r, data), newReader(r, data)
				if wantSrc.stream {
					continue // how much a Read brings is the kernel's to decide
				}
				wantSide, gotSide := writers[wn](r), writers[wn](r)
				p := new(poisonPool)
				want, got := io.TeeReader(wantSrc, wantSide), p.TeeReader(gotSrc, gotSide)
				a, b := make([]byte, chunk), make([]byte, chunk)
				for range 40 {
					wn, wantErr := want.Read(a)
					gn, gotErr := got.Read(b)
					wantTypes, wantCause := chain(wantErr)
					gotTypes, gotCause := chain(gotErr)
					require.Equal(t, wn, gn, name)
					require.Equal(t, wantTypes, gotTypes, name)
					require.True(t, wantCause == gotCause, name)
					require.True(t, bytes.Equal(a, b), name)
					if wantErr != nil {
						break
					}
				}
				require.True(t, bytes.Equal(wantSide.held(), gotSide.held()), "%s: teed", name)
				require.True(t, bytes.Equal(remaining(wantSrc), remaining(gotSrc)), "%s: left", name)
				require.Empty(t, p.gets, "%s: Read needs no buffer", name)
				r.done()
			}
		}
	}
}

// TestCopyOutOfTeeEqualsTeeReaders also compares what was teed, and copies the
// same tee in two steps: it holds nothing between calls.
func TestCopyOutOfTeeEqualsTeeReaders(t *testing.T) {
	r := newRig(t)
	for _, size := range []int{0, 1, 100_000} {
		data := pattern(size)
		for _, rn := range strings.Fields("plain drip dataErr fails limited multi bufio file tcp") {
			for wn, newWriter := range writers {
				for _, tn := range strings.Fields("plain failsAt0 failsAt999 short") {
					name := fmt.Sprintf("src=%s/dst=%s/tee=%s/size=%d", rn, wn, tn, size)
					run := func(tee func(io.Reader, io.Writer) io.Reader) (outcome, []byte) {
						src, side := readers[rn](r, data), writers[tn](r)
						stream := src.stream
						src.rest, src.Reader = src.Reader, tee(src.Reader, side)
						first := make([]byte, 3)
						io.ReadFull(src.Reader, first)
						o := observe(io.Copy, newWriter(r), src)
						teed := side.held()
						// How much each Read of a stream brings is the kernel's to decide.
						if stream && o.unfinished {
							o.rest, teed = nil, nil
						}
						if stream && wn == "short" {
							o.n, o.dst = 0, nil
						}
						if stream && tn == "short" { // a part of each Read is teed
							teed = nil
						}
						return o, teed
					}
					want, wantTeed := run(io.TeeReader)
					p := new(poisonPool)
					got, gotTeed := run(p.TeeReader)
					equal(t, want, got, name)
					require.True(t, bytes.Equal(wantTeed, gotTeed), "%s: teed", name)
					p.settled(t, name)
					r.done()
				}
			}
		}
	}
}

func TestTeeLosesNoCountToAPanic(t *testing.T) {
	p := new(poisonPool)
	tee := p.TeeReader(strings.NewReader("x"), explosive{})
	require.PanicsWithValue(t, errPlanted, func() { io.Copy(plainWriter{io.Discard}, tee) })
	p.settled(t, "panic")
	require.Equal(t, 1, p.dropped)
}

func TestTeeAsksForWhatIsKnownToCome(t *testing.T) {
	p := new(poisonPool)
	tee := p.TeeReader(io.LimitReader(plainReader{strings.NewReader("abc")}, 100), io.Discard)
	_, err := io.Copy(plainWriter{io.Discard}, tee)
	require.NoError(t, err)
	require.Equal(t, []int{100}, p.gets)
}
