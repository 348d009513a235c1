package conformance

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
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

// honest is what the pools that liars are made of keep to.
var honest = Options{Zeroes: true, RefusesRepeats: true, Validates: true}

// hanging is for liars that are caught by waiting. They run in a process of their
// own, which takes what hangs with it. All others have the suite's own patience,
// so that a slow machine does not make them look worse than they are.
var hanging = with(func(o *Options) { o.Timeout = 4 * time.Second })

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

// TestLiars shows that each liar is caught by exactly the rules that it names,
// and so that each rule is needed: without it, a liar that nothing else catches
// would pass.
func TestLiars(t *testing.T) {
	if raceEnabled {
		t.Skip("the sets are those without -race: it hides allocations, and some liars race")
	}
	defer debug.SetGCPercent(debug.SetGCPercent(1000)) // what the rules on garbage need, they collect themselves
	full := atOnce
	defer func() { atOnce = full }()
	var mu sync.Mutex // guards following 2 fields
	judged, alone := 0, make(map[string]bool)
	liars := allBroken()
	for _, b := range liars {
		t.Run(b.name, func(t *testing.T) {
			atOnce = 1_000 // every collection looks at goroutines that have ended, too
			if b.caught == "get/exclusive" {
				atOnce = full
			}
			var caught []string
			var says string
			if b.o.Timeout > 0 {
				t.Parallel() // it waits, mostly
				says = inChild(t, "TestLiarAlone", liarName+"="+b.name)
				_, ids, ended := strings.Cut(says, childSays)
				require.True(t, ended, says)
				caught = strings.Fields(ids[:strings.Index(ids, "\n")])
			} else if err := CheckBufferPool(b.open, b.o); err != nil {
				caught, says = caughtBy(err), err.Error()
			}
			want := strings.Fields(b.caught)
			slices.Sort(want)
			require.Equal(t, want, caught, says)
			mu.Lock()
			defer mu.Unlock()
			judged++
			if len(caught) == 1 {
				alone[caught[0]] = true
			}
		})
	}
	t.Cleanup(func() { // after those that run in parallel
		for _, r := range Rules() {
			require.True(t, alone[r.ID] || judged < len(liars), "every liar would be caught without %s", r.ID)
		}
	})
}

// TestLiarAlone is the child process of one liar.
func TestLiarAlone(t *testing.T) {
	name := os.Getenv(liarName)
	if name == "" {
		t.Skip("it is what TestLiars runs in processes of their own")
	}
	liars := allBroken()
	b := liars[slices.IndexFunc(liars, func(b broken) bool { return b.name == name })]
	err := CheckBufferPool(b.open, b.o)
	fmt.Println(err)
	fmt.Println(childSays, strings.Join(caughtBy(err), " "))
}

const (
	liarName  = "CONFORMANCE_LIAR"
	childSays = "caught by:"
)

// inChild runs one test of this binary in a process of its own and returns what
// it prints.
func inChild(t *testing.T, test, env string) string {
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+test+"$", "-test.timeout=2m")
	cmd.Env = append(os.Environ(), env)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	return string(out)
}

// TestEveryRuleIsNeeded: for every rule there is a liar that nothing else is
// said to catch; TestLiars shows that nothing else does.
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
	require.GreaterOrEqual(t, len(names), 80)
}

func TestHonestPoolPasses(t *testing.T) {
	TestBufferPool(t, straight, honest)
}
