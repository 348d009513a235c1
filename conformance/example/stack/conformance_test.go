package stack_test

import (
	"testing"

	"github.com/daramjwee/daramjwee/conformance"
	"github.com/daramjwee/daramjwee/conformance/example/stack"
)

func TestConformance(t *testing.T) {
	conformance.TestBufferPool(t, stack.Open, conformance.Options{})
}

func FuzzConformance(f *testing.F) {
	conformance.FuzzBufferPool(f, stack.Open, conformance.Options{})
}

func BenchmarkConformance(b *testing.B) { conformance.BenchmarkBufferPool(b, stack.Open) }
