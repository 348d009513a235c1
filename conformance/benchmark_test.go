package conformance

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/daramjwee/daramjwee/strategy"
	_ "github.com/daramjwee/daramjwee/strategy/bytebuffer"
	_ "github.com/daramjwee/daramjwee/strategy/channel"
	_ "github.com/daramjwee/daramjwee/strategy/noop"
	_ "github.com/daramjwee/daramjwee/strategy/syncpool"
)

func BenchmarkHonest(b *testing.B) { BenchmarkBufferPool(b, straight) }

func BenchmarkRegistered(b *testing.B) { BenchmarkStrategies(b) }

// TestBenchmarkNoticesWhatItDidNotMeasure: a pool that does not count the calls,
// or that does not see them, is no figure.
func TestBenchmarkNoticesWhatItDidNotMeasure(t *testing.T) {
	get := func(open strategy.Factory) testing.BenchmarkResult {
		return testing.Benchmark(func(b *testing.B) {
			(&measure{open: open, counted: true}).getPut(b, 1, mixedSize)
		})
	}
	require.Zero(t, get(openFloor).N, "the floor counts nothing, so the comparison fails")
	require.NotZero(t, get(straight).N)
}
