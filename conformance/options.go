package conformance

import (
	"time"

	"github.com/daramjwee/daramjwee/strategy"
)

// Options declare what a backend is, beyond what all of them are. The zero
// value is right for an ordinary backend that reuses buffers. What is declared
// is checked; what is not declared is neither demanded nor forbidden, except
// that a backend reuses buffers unless it says RetainsNothing.
type Options struct {
	// Config is what pools are opened with. The suite fills in the defaults, sets
	// Enabled, and for some rules changes the sizes or Scrub.
	Config strategy.BufferPoolConfig

	RetainsNothing       bool    // every Put is a discard
	Bounded              Bounded // the most that is kept idle; zero: no bound
	ReleasesOnCollection bool    // three garbage collections free all that is idle
	ReleasesSurplus      bool    // buffers idle for two CleanupIntervals are released
	Zeroes               bool    // Config.Scrub is honoured
	RefusesRepeats       bool    // a Put of an idle buffer is refused, one overwritten while idle, its mark included, is never lent again; both are counted
	Validates            bool    // the Factory itself refuses a faulty configuration, and a disabled one is the standard library

	// Deviations are the rules that the backend is known to break. One that
	// holds all the same is a violation, so that the list stays true.
	Deviations []Deviation

	// Level is the suite's level that is asked for; 0: 1. Rules that came later
	// are run and logged, and fail nothing: a new version of the suite breaks
	// nobody's build.
	Level int
	// Timeout is how long one rule may take before it counts as hanging; 0: one
	// minute.
	Timeout time.Duration
}

// Bounded is the most that a whole pool keeps idle under Options.Config. Each
// zero is no bound.
type Bounded struct {
	Buffers int
	Bytes   int64
}

// Deviation declares that a backend breaks a rule, and why that is meant.
type Deviation struct {
	Rule   string // its ID
	Reason string
}

func (o Options) timeout() time.Duration {
	if o.Timeout > 0 {
		return o.Timeout
	}
	return time.Minute
}

func (o Options) level() int { return max(1, o.Level) }

// config is what the pools of this run are opened with.
func (o Options) config() strategy.BufferPoolConfig {
	cfg := o.Config
	cfg.Enabled = true
	return cfg.WithDefaults()
}
