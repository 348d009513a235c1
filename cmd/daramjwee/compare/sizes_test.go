package compare

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSizesAreWithinTheirSpans(t *testing.T) {
	one := Sizes{{Low: 777, High: 777, Weight: 1}}
	span := Sizes{{Low: 1 << 10, High: 1 << 20, Weight: 1}}
	for i := range 1000 {
		u := float64(i) / 1000
		require.EqualValues(t, 777, one.draw(u))
		require.GreaterOrEqual(t, span.draw(u), int64(1<<10))
		require.LessOrEqual(t, span.draw(u), int64(1<<20))
	}
	require.EqualValues(t, 1<<10, span.draw(0))
	require.EqualValues(t, 32<<10, span.draw(0.5), "each doubling is as likely as any other")
}

func TestSizesFollowTheirWeights(t *testing.T) {
	s := Sizes{{Low: 4, High: 4, Weight: 3}, {Low: 256, High: 256, Weight: 1}}
	small := 0
	for i := range 1000 {
		if s.draw(float64(i)/1000) == 4 {
			small++
		}
	}
	require.Equal(t, 750, small)
}
