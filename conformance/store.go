package conformance

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/daramjwee/daramjwee/cache/store"
)

// StoreOptions declare what a cache tier is, beyond what all of them are. The
// zero value is right for an ordinary tier. What is optional in the contract,
// from store.Lister to io.ReaderAt, is looked for and tested where it is.
type StoreOptions struct {
	// MaxBytes is the limit of the tiers that open opens, 1 MiB at least. It is
	// checked that bodies, staged ones included, stay within it. 0: not known.
	MaxBytes int64
	// Reopen opens once more, after its Close, what open opened last. nil: a tier
	// keeps nothing past its Close.
	Reopen func() (store.Store, error)

	Deviations []Deviation   // as in Options
	Level      int           // as in Options
	Timeout    time.Duration // as in Options
}

// common is what judging the rules of any subject takes.
func (o StoreOptions) common() Options {
	return Options{Deviations: o.Deviations, Level: o.Level, Timeout: o.Timeout}
}

// TestStore runs every rule for cache tiers as a subtest named by its ID, each on
// empty tiers of its own that open opens and the suite closes. A rule on what the
// tier does not have is skipped.
func TestStore(t *testing.T, open func(testing.TB) store.Store, o StoreOptions) {
	rules, errs := storeRulesFor(o)
	for _, err := range errs {
		t.Error(err)
	}
	for _, r := range rules {
		t.Run(r.ID, func(t *testing.T) {
			t.Helper()
			found, absent := r.check(func() (store.Store, error) { return open(t), nil }, o)
			verdict(t, r.Rule, found, o.common())
			if absent != "" {
				t.Skip("the tier has no " + absent)
			}
		})
	}
}

// CheckStore runs the rules that TestStore runs, without a test, and returns every
// violation, joined. Each is a *Violation. It closes what open opens.
func CheckStore(open func() (store.Store, error), o StoreOptions) error {
	rules, errs := storeRulesFor(o)
	for _, r := range rules {
		found, _ := r.check(open, o)
		failures, _ := judge(r.Rule, found, o.common())
		errs = append(errs, failures...)
	}
	return errors.Join(errs...)
}

// StoreRules lists the rules for cache tiers in the order in which they run.
func StoreRules() []Rule {
	rules := make([]Rule, len(storeRules))
	for i, r := range storeRules {
		rules[i] = r.Rule
	}
	return rules
}

// storeRulesFor are the rules that apply to a tier that declares o, and the
// faults of the declaration.
func storeRulesFor(o StoreOptions) (rules []*storeRule, errs []error) {
	for i := range storeRules {
		if r := &storeRules[i]; r.when == nil || r.when(o) {
			rules = append(rules, r)
		}
	}
	errs = unknownDeviations(o.Deviations, rules)
	if o.MaxBytes != 0 && o.MaxBytes < leastLimit {
		errs = append(errs, fmt.Errorf("conformance: StoreOptions.MaxBytes is %d: at least %d are needed, or 0", o.MaxBytes, leastLimit))
	}
	return rules, errs
}
