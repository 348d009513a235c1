package clean_test

import (
	"testing"

	"github.com/daramjwee/daramjwee/conformance"
	"github.com/daramjwee/daramjwee/conformance/example/clean"
)

var options = conformance.Options{Zeroes: true, RefusesRepeats: true, ReleasesOnCollection: true, Validates: true}

func TestConformance(t *testing.T) { conformance.TestBufferPool(t, clean.Open, options) }

func FuzzConformance(f *testing.F) { conformance.FuzzBufferPool(f, clean.Open, options) }

func BenchmarkConformance(b *testing.B) { conformance.BenchmarkBufferPool(b, clean.Open) }
