package compare

import (
	"bytes"
	"io"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
)

func TestABodyIsCheckedByteByByte(t *testing.T) {
	const at, size = period - 100, 3*period + 7
	text, err := io.ReadAll(iotest.OneByteReader(&body{at: at, left: 200}))
	require.NoError(t, err)
	whole, err := io.ReadAll(&body{at: at, left: size})
	require.NoError(t, err)
	require.Len(t, whole, size)
	require.Equal(t, text, whole[:200])
	for _, piece := range []int{1 << 10, period, size} {
		c := check{at: at, len: size}
		for rest := whole; len(rest) > 0; rest = rest[min(piece, len(rest)):] {
			_, err := c.Write(rest[:min(piece, len(rest))])
			require.NoError(t, err)
		}
		require.NoError(t, c.ended())
	}

	for _, place := range []int{0, 99, 100, period, size - 1} {
		wrong := bytes.Clone(whole)
		wrong[place] ^= 1
		c := check{at: at, len: size}
		_, err = c.Write(wrong)
		require.ErrorContains(t, err, "wrong bytes", place)
	}
	c := check{at: at, len: size}
	_, err = c.Write(whole[:size-1])
	require.NoError(t, err)
	require.ErrorContains(t, c.ended(), "ended after 196569")
	_, err = c.Write(whole[size-2:])
	require.ErrorContains(t, err, "goes on after its end")
	c = check{at: at, len: size}
	_, err = c.Write(whole[32<<10:])
	require.Error(t, err, "a block at the wrong place")
}
