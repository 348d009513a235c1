package bytebuffer_test

import (
	"testing"

	"github.com/daramjwee/daramjwee/conformance"
	"github.com/daramjwee/daramjwee/internal/checked"
	"github.com/daramjwee/daramjwee/strategy/bytebuffer"
)

func init() { checked.Off() }

func TestConformance(t *testing.T) {
	conformance.TestStrategy(t, bytebuffer.Name)
}

func FuzzConformance(f *testing.F) { conformance.FuzzStrategy(f, bytebuffer.Name) }
