package syncpool_test

import (
	"runtime"
	"testing"
	"weak"

	"github.com/stretchr/testify/require"

	"github.com/daramjwee/daramjwee/strategy"
	"github.com/daramjwee/daramjwee/strategy/syncpool"
)

// TestTwoCollectionsFreeWhatIsUnused is the strategy's periodic cleanup.
func TestTwoCollectionsFreeWhatIsUnused(t *testing.T) {
	p, err := strategy.New(strategy.BufferPoolConfig{Enabled: true, Strategy: syncpool.Name})
	require.NoError(t, err)
	require.EqualValues(t, -1, p.Stats().IdleBuffers, "a sync.Pool does not tell")
	buf := p.Get(0)
	kept := weak.Make(&buf[0])
	p.Put(buf)
	buf = nil
	for range 3 {
		runtime.GC()
	}
	require.Nil(t, kept.Value())
	require.Len(t, p.Get(0), 32<<10)
	require.Zero(t, p.Stats().PoolHits)
}
