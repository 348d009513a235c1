package strategy_test

import (
	"testing"

	"github.com/daramjwee/daramjwee/conformance"
)

func TestLIFO(t *testing.T) {
	conformance.TestBufferPool(t, openLIFO, conformance.Options{})
}
