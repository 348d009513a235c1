package strategy_test

import (
	"testing"

	"github.com/daramjwee/daramjwee/conformance"
	"github.com/daramjwee/daramjwee/internal/checked"
)

func init() { checked.Off() }

func TestLIFO(t *testing.T) {
	conformance.TestBufferPool(t, openLIFO, conformance.Options{})
}
