package noop_test

import (
	"testing"

	"github.com/daramjwee/daramjwee/conformance"
	"github.com/daramjwee/daramjwee/internal/checked"
	"github.com/daramjwee/daramjwee/strategy/noop"
)

func init() { checked.Off() }

func TestConformance(t *testing.T) {
	conformance.TestStrategy(t, noop.Name)
}

func FuzzConformance(f *testing.F) { conformance.FuzzStrategy(f, noop.Name) }
