package conformance

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/daramjwee/daramjwee/strategy"
)

// broken is a deliberately broken pool and the rules that must catch it, no
// fewer and no more.
type broken struct {
	name   string
	caught string // IDs, separated by spaces
	open   strategy.Factory
	o      Options
}

// untilJudged is closed when the liar under test has been judged.
var untilJudged chan struct{}

// honest is what the pools that liars are made of keep to.
var honest = Options{Zeroes: true, RefusesRepeats: true, Validates: true}

// hanging is for liars that are caught by waiting. All others have the suite's
// own patience, so that a slow machine does not make them look worse than they are.
var hanging = with(func(o *Options) { o.Timeout = 3 * time.Second })

func with(edit func(*Options)) Options {
	o := honest
	edit(&o)
	return o
}

func allBroken() []broken {
	return slices.Concat(brokenGets(), brokenPuts(), brokenKeeps(), brokenCopies(), brokenTees(), brokenStats(), brokenLives())
}

// caughtBy is the rules that an error of CheckBufferPool names.
func caughtBy(err error) []string {
	var ids []string
	var walk func(error)
	walk = func(err error) {
		var v *Violation
		if joined, ok := err.(interface{ Unwrap() []error }); ok {
			for _, e := range joined.Unwrap() {
				walk(e)
			}
		} else if errors.As(err, &v) {
			ids = append(ids, v.Rule.ID)
		}
	}
	walk(err)
	slices.Sort(ids)
	return slices.Compact(ids)
}

func TestLiars(t *testing.T) {
	if raceEnabled {
		t.Skip("the sets are those without -race: it hides allocations, and some liars race")
	}
	for _, b := range allBroken() {
		t.Run(b.name, func(t *testing.T) {
			untilJudged = make(chan struct{})
			err := CheckBufferPool(b.open, b.o)
			close(untilJudged)
			want := strings.Fields(b.caught)
			slices.Sort(want)
			require.Equal(t, want, caughtBy(err), "%v", err)
		})
	}
}

// TestEveryRuleIsNeeded: without a rule some liar would pass.
func TestEveryRuleIsNeeded(t *testing.T) {
	alone := make(map[string]bool)
	names := make(map[string]bool)
	for _, b := range allBroken() {
		require.False(t, names[b.name], "two liars are called %q", b.name)
		names[b.name] = true
		alone[b.caught] = true // true to one rule when nothing but its ID
		for _, id := range strings.Fields(b.caught) {
			require.True(t, slices.ContainsFunc(Rules(), func(r Rule) bool { return r.ID == id }), "%q of liar %q is no rule", id, b.name)
		}
	}
	for _, r := range Rules() {
		require.True(t, alone[r.ID], "no liar is caught by %s alone", r.ID)
	}
	require.GreaterOrEqual(t, len(names), 60)
}

func TestHonestPoolPasses(t *testing.T) {
	TestBufferPool(t, straight, honest)
}
