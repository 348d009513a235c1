package conformance

import (
	"errors"
	"fmt"
	"testing"

	"github.com/daramjwee/daramjwee/strategy"
)

// TestBufferPool runs every rule as a subtest named by its ID, each on pools of
// its own that open opens.
func TestBufferPool(t *testing.T, open strategy.Factory, o Options) {
	rules := rulesFor(o)
	for _, err := range unknownDeviations(o.Deviations, rules) {
		t.Error(err)
	}
	for _, r := range rules {
		t.Run(r.ID, func(t *testing.T) {
			t.Helper()
			verdict(t, r.Rule, r.check(open, o), o)
		})
	}
}

// CheckBufferPool runs the rules that TestBufferPool runs, without a test, and
// returns every violation, joined. Each is a *Violation.
func CheckBufferPool(open strategy.Factory, o Options) error {
	rules := rulesFor(o)
	errs := unknownDeviations(o.Deviations, rules)
	for _, r := range rules {
		failures, _ := judge(r.Rule, r.check(open, o), o)
		errs = append(errs, failures...)
	}
	return errors.Join(errs...)
}

// Rules lists the rules for buffer pools in the order in which they run. Those
// on a capability run only for backends that declare it.
func Rules() []Rule {
	rules := make([]Rule, len(poolRules))
	for i, r := range poolRules {
		rules[i] = r.Rule
	}
	return rules
}

// TestStrategy tests a registered strategy with its declared capabilities: those
// of the four that come with this module are known here. Any other name is
// tested as an ordinary backend; where that is not what it is, TestBufferPool
// takes the Options.
func TestStrategy(t *testing.T, name string) {
	TestBufferPool(t, registered(name), declared(name))
}

// registered opens pools of a name.
func registered(name string) strategy.Factory {
	return func(cfg strategy.BufferPoolConfig) (strategy.BufferPool, error) {
		cfg.Strategy = name
		return strategy.New(cfg)
	}
}

func declared(name string) Options {
	o := Options{Validates: true} // strategy.New does
	switch name {
	case "syncpool", "bytebuffer":
		o.Zeroes, o.RefusesRepeats, o.ReleasesOnCollection = true, true, true
	case "channel":
		o.Zeroes, o.RefusesRepeats, o.ReleasesSurplus = true, true, true
		o.Config.MaxIdle = 16
		o.Bounded = Bounded{Buffers: 3 * 16, Bytes: 16 * (4 + 32 + 64) << 10} // three size classes
	case "noop":
		o.RetainsNothing, o.Zeroes, o.ReleasesOnCollection = true, true, true
	}
	return o
}

// rulesFor are the rules that apply to a backend that declares o.
func rulesFor(o Options) []*poolRule {
	var rules []*poolRule
	for i := range poolRules {
		if r := &poolRules[i]; r.when == nil || r.when(o) {
			rules = append(rules, r)
		}
	}
	return rules
}

// judge tells failures from what is only to be reported.
func judge(r Rule, found []*Violation, o Options) (failures []error, notes []string) {
	for _, d := range o.Deviations {
		if d.Rule != r.ID {
			continue
		}
		if len(found) == 0 {
			return []error{&Violation{Rule: r, Where: "Options.Deviations", Got: "the rule holds", Want: "the declared deviation",
				Mend: "remove the deviation"}}, nil
		}
		return nil, []string{fmt.Sprintf("%s deviates: %s", r.ID, d.Reason)}
	}
	for _, v := range found {
		if r.Level > o.level() {
			notes = append(notes, fmt.Sprintf("%v\n\tfails from Options.Level %d on", v, r.Level))
		} else {
			failures = append(failures, v)
		}
	}
	return failures, notes
}

// verdict reports on t what judge says.
func verdict(t *testing.T, r Rule, found []*Violation, o Options) {
	t.Helper()
	failures, notes := judge(r, found, o)
	for _, n := range notes {
		t.Log(n)
	}
	for _, f := range failures {
		t.Error(f)
	}
}

// unknownDeviations are faults of the declaration itself.
func unknownDeviations[R interface{ id() string }](deviations []Deviation, rules []R) []error {
	applies := make(map[string]bool)
	for _, r := range rules {
		applies[r.id()] = true
	}
	var errs []error
	for _, d := range deviations {
		if !applies[d.Rule] {
			errs = append(errs, fmt.Errorf("conformance: deviation from %q: no such rule applies, see Rules and StoreRules", d.Rule))
		} else if d.Reason == "" {
			errs = append(errs, fmt.Errorf("conformance: deviation from %q gives no reason", d.Rule))
		}
	}
	return errs
}
