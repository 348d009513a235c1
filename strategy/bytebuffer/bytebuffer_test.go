package bytebuffer_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/daramjwee/daramjwee/strategy"
	"github.com/daramjwee/daramjwee/strategy/bytebuffer"
)

// calibrated runs a class through bytebufferpool's calibration, 42,000 puts.
func calibrated(t *testing.T, size int) strategy.BufferPool {
	t.Helper()
	p, err := strategy.New(strategy.BufferPoolConfig{Enabled: true, Strategy: bytebuffer.Name,
		MinBufferSize: size, DefaultBufferSize: size, MaxBufferSize: size})
	require.NoError(t, err)
	for range 42_010 {
		p.Put(p.Get(0))
	}
	return p
}

// TestStatisticsStayTruthfulAfterCalibration: from then on bytebufferpool hands
// out fresh buffers of the class's size, which a careless backend takes for hits.
func TestStatisticsStayTruthfulAfterCalibration(t *testing.T) {
	for _, size := range []int{64, 65, 1000, 1025, 4 << 10} { // 1000 is no size that calibration rounds to, 65 is one and a byte
		p := calibrated(t, size)
		before := p.Stats()
		seen := make(map[*byte]bool)
		for range 100 { // all held: at most those idle now can be hits
			buf := p.Get(0)
			require.Len(t, buf, size)
			require.Equal(t, size, cap(buf))
			require.False(t, seen[&buf[0]], "a buffer was lent twice")
			seen[&buf[0]] = true
		}
		after := p.Stats()
		require.Zero(t, after.Damaged)
		require.LessOrEqual(t, after.PoolHits-before.PoolHits, int64(1), "one buffer was ever idle")
	}
}

func TestKeepsNothingAboveTheLibrarysBound(t *testing.T) {
	p, err := strategy.New(strategy.BufferPoolConfig{Enabled: true, Strategy: bytebuffer.Name, MaxBufferSize: 64 << 20})
	require.NoError(t, err)
	p.Put(p.Get(64 << 20))
	require.EqualValues(t, 1, p.Stats().Discards, "bytebufferpool would have dropped it without a word")
}
