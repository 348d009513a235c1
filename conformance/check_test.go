package conformance

import (
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/daramjwee/daramjwee/strategy"
)

// trial runs one rule that is made up.
func trial(run func(c *poolCheck), timeout time.Duration) []*Violation {
	r := poolRule{Rule: Rule{ID: "made/up", Text: "A text.", Level: 1}, mend: "like this", run: run}
	return r.check(straight, Options{Timeout: timeout})
}

func TestViolationSaysAll(t *testing.T) {
	found := trial(func(c *poolCheck) {
		for i := range 5 {
			c.that(false, i, "another", "call %d", i)
		}
	}, 0)
	require.Len(t, found, keepViolations)
	require.Equal(t, "conformance: made/up: A text.\n\twhere: call 0\n\tgot:   0\n\twant:  another\n\tmend:  like this\n\tand 2 more", found[0].Error())
}

func TestVacuousRuleFails(t *testing.T) {
	found := trial(func(*poolCheck) {}, 0)
	require.Len(t, found, 1)
	require.Contains(t, found[0].Got, "no assertion")
	require.Empty(t, trial(func(c *poolCheck) { c.that(true, 1, 1, "") }, 0))
}

func TestUnwindingIsAViolation(t *testing.T) {
	for name, run := range map[string]func(c *poolCheck){
		"panic":               func(*poolCheck) { panic("boom") },
		"panic elsewhere":     func(c *poolCheck) { c.parallel(2, func(int) { panic("boom") }) },
		"Goexit":              func(*poolCheck) { runtime.Goexit() },
		"Goexit elsewhere":    func(c *poolCheck) { c.parallel(2, func(int) { runtime.Goexit() }) },
		"panic in a clean-up": func(c *poolCheck) { c.cleanup(func() { panic("boom") }); c.count(1) },
	} {
		t.Run(name, func(t *testing.T) {
			found := trial(run, 0)
			require.NotEmpty(t, found)
			require.True(t, strings.Contains(found[0].Got, "boom") || strings.Contains(found[0].Got, "Goexit"), found[0].Got)
		})
	}
}

func TestMustEndsTheRuleOnce(t *testing.T) {
	cleaned := false
	found := trial(func(c *poolCheck) {
		c.cleanup(func() { cleaned = true })
		c.must(false, 1, 2, "here")
		panic("not reached")
	}, 0)
	require.Len(t, found, 1)
	require.Equal(t, "here", found[0].Where)
	require.True(t, cleaned)
}

func TestHangIsAViolation(t *testing.T) {
	release := make(chan struct{})
	defer close(release)
	found := trial(func(*poolCheck) { <-release }, 20*time.Millisecond)
	require.Len(t, found, 1)
	require.Contains(t, found[0].Got, "still running after 20ms")
	require.Contains(t, found[0].Got, "TestHangIsAViolation.func1", "the dump names where it hangs")
}

// TestHungRuleIsJudgedOnce: what a rule says after its verdict is not heard.
func TestHungRuleIsJudgedOnce(t *testing.T) {
	release, over := make(chan struct{}), make(chan struct{})
	found := trial(func(c *poolCheck) {
		defer close(over)
		<-release
		c.that(false, 1, 2, "late")
	}, 20*time.Millisecond)
	close(release)
	<-over
	require.Len(t, found, 1)
}

// TestHungRuleKeepsNoProcessorBusy: what spins when the verdict is out ends.
func TestHungRuleKeepsNoProcessorBusy(t *testing.T) {
	over := make(chan struct{})
	found := trial(func(c *poolCheck) {
		defer close(over)
		c.parallel(2, func(int) {
			for {
				c.yield()
			}
		})
	}, 20*time.Millisecond)
	<-over
	require.Len(t, found, 1)
}

func TestFactoryWithoutAPool(t *testing.T) {
	failed := errors.New("no memory for pools")
	err := CheckBufferPool(func(strategy.BufferPoolConfig) (strategy.BufferPool, error) { return nil, failed }, Options{})
	require.ErrorContains(t, err, failed.Error())
	require.Len(t, caughtBy(err), len(rulesFor(Options{})), "every rule says so")
}

func TestDeviations(t *testing.T) {
	forgetful := func(d ...Deviation) []string {
		var lines []string
		if err := CheckBufferPool(straight, Options{RetainsNothing: true, Deviations: d}); err != nil {
			lines = strings.Split(err.Error(), "\n")
		}
		return lines
	}
	require.NotEmpty(t, forgetful(), "the pool does reuse")
	require.Empty(t, forgetful(Deviation{"keep/nothing", "it is a test"}))
	require.Contains(t, strings.Join(forgetful(Deviation{"keep/nothing", "it is a test"}, Deviation{"get/length", "so they say"}), "\n"),
		"conformance: get/length", "a deviation that holds")
	require.Equal(t, []string{`conformance: deviation from "get/lenght": no such rule applies, see Rules and StoreRules`},
		forgetful(Deviation{"keep/nothing", "it is a test"}, Deviation{"get/lenght", "a typing error"}))
	require.Equal(t, []string{`conformance: deviation from "keep/nothing" gives no reason`}, forgetful(Deviation{Rule: "keep/nothing"}))
}

func TestLaterRulesOnlyLog(t *testing.T) {
	later := Rule{ID: "made/later", Level: suiteLevel + 1}
	found := []*Violation{{Rule: later}}
	failures, notes := judge(later, found, Options{})
	require.Empty(t, failures)
	require.Len(t, notes, 1)
	failures, notes = judge(later, found, Options{Level: suiteLevel + 1})
	require.Len(t, failures, 1)
	require.Empty(t, notes)
}

func TestRules(t *testing.T) {
	ids := make(map[string]bool)
	for _, r := range Rules() {
		require.Regexp(t, `^[a-z]+(/[a-z]+)?$`, r.ID)
		require.False(t, ids[r.ID], "two rules have the ID %s", r.ID)
		ids[r.ID] = true
		require.True(t, strings.HasSuffix(r.Text, ".") && strings.Count(r.Text, ". ") == 0, "one sentence: %q", r.Text)
		require.True(t, r.Level >= 1 && r.Level <= suiteLevel, r.ID)
	}
}
