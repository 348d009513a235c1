package conformance

import (
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/daramjwee/daramjwee/internal/checked"
	"github.com/daramjwee/daramjwee/strategy"
)

func init() { checked.Off() }

// TestCheckedStrategies: a checked pool keeps the contract too, but for what it is
// there to do otherwise. The suite's own misuse is what it reports.
func TestCheckedStrategies(t *testing.T) {
	for _, name := range []string{"syncpool", "bytebuffer", "channel", "noop"} {
		t.Run(name, func(t *testing.T) {
			var misuses atomic.Int64
			open := func(cfg strategy.BufferPoolConfig) (strategy.BufferPool, error) {
				p, err := registered(name)(cfg)
				if err != nil {
					return nil, err
				}
				return strategy.Checked(p, func(*strategy.Misuse) { misuses.Add(1) }), nil
			}
			o := declared(name)
			o.Deviations = checkedDeviations(name)
			TestBufferPool(t, open, o)
			require.NotZero(t, misuses.Load(), "the suite puts repeated, foreign and sub-sliced buffers")
		})
	}
}

func checkedDeviations(name string) []Deviation {
	if name == "noop" {
		return nil
	}
	const fresh = "no address is lent twice: what is reused and counted is the buffer of the pool beneath"
	d := []Deviation{{"keep/reuse", fresh}, {"stats/hits", fresh}}
	if !raceEnabled { // else the rule does not look
		d = append(d, Deviation{"put/allocations", fresh}, Deviation{"copy/allocations", fresh}, Deviation{"tee/allocations", fresh})
	}
	if name == "channel" {
		d = append(d, Deviation{"stats/collections", fresh}, // the others are empty by then
			Deviation{"keep/idle", "what is idle is the buffer of the pool beneath; the one that was lent is let go"})
	}
	return d
}
