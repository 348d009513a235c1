package compare

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestEveryDurationIsWithinTheBoundsOfItsBucket(t *testing.T) {
	for _, d := range []time.Duration{0, 1, 127, 128, 255, 256, 257, 12345, time.Second, time.Hour, math.MaxInt64} {
		low, high := bounds(bucket(d))
		require.LessOrEqual(t, low, float64(d), d)
		require.Greater(t, high, float64(d)*(1-1e-15), d)
		require.LessOrEqual(t, high-low, max(1, float64(d)/perDoubling), d)
	}
	for i := range buckets - 1 {
		_, high := bounds(i)
		low, _ := bounds(i + 1)
		require.Equal(t, high, low, "no gap behind bucket %d", i)
	}
	require.Zero(t, bucket(-1), "a clock that is set back")
}

func TestQuantiles(t *testing.T) {
	a, b := new(latencies), new(latencies)
	for i := 1; i <= 1000; i++ {
		d := time.Duration(i) * time.Microsecond
		if i%2 == 0 {
			a.add(d)
		} else {
			b.add(d)
		}
	}
	a.merge(b)
	require.InEpsilon(t, 500e3, a.quantile(0.50), 0.01)
	require.InEpsilon(t, 990e3, a.quantile(0.99), 0.01)
	require.InEpsilon(t, 1000e3, a.quantile(1), 0.01)
	require.Zero(t, new(latencies).quantile(0.5))
	require.Zero(t, testing.AllocsPerRun(100, func() { a.add(time.Second) }))
}
