package ring_test

import (
	"testing"

	"github.com/daramjwee/daramjwee/conformance"
	"github.com/daramjwee/daramjwee/conformance/example/ring"
	"github.com/daramjwee/daramjwee/strategy"
)

// options declare the bound: three size classes of sixteen buffers.
var options = conformance.Options{
	Config:  strategy.BufferPoolConfig{MaxIdle: 16},
	Bounded: conformance.Bounded{Buffers: 3 * 16, Bytes: 16 * (4 + 32 + 64) << 10},
	Zeroes:  true, RefusesRepeats: true, Validates: true, // NewPool does all three
}

func TestConformance(t *testing.T) { conformance.TestBufferPool(t, ring.Open, options) }

func FuzzConformance(f *testing.F) { conformance.FuzzBufferPool(f, ring.Open, options) }

func BenchmarkConformance(b *testing.B) { conformance.BenchmarkBufferPool(b, ring.Open) }
