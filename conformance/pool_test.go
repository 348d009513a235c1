package conformance

import (
	"testing"

	_ "github.com/daramjwee/daramjwee/strategy/bytebuffer"
	_ "github.com/daramjwee/daramjwee/strategy/channel"
	_ "github.com/daramjwee/daramjwee/strategy/noop"
	_ "github.com/daramjwee/daramjwee/strategy/syncpool"
)

func TestBuiltIn(t *testing.T) {
	for _, n := range []string{"syncpool", "bytebuffer", "channel", "noop"} {
		t.Run(n, func(t *testing.T) { TestStrategy(t, n) })
	}
}
