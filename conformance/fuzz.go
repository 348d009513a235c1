package conformance

import (
	"slices"
	"testing"

	"github.com/daramjwee/daramjwee/strategy"
)

// FuzzBufferPool drives random sequences of operations against a model of the
// contract. A failure prints the bytes that replay it, and go test keeps them
// under testdata/fuzz.
func FuzzBufferPool(f *testing.F, open strategy.Factory, o Options) {
	rule := poolRules[slices.IndexFunc(poolRules, func(r poolRule) bool { return r.ID == "model" })]
	f.Add([]byte{0, 1, 0, 1, 3, 0, 0, 1})
	for n := range 3 {
		f.Add(sequence(n))
	}
	f.Fuzz(func(t *testing.T, ops []byte) {
		replay := rule
		replay.run = func(c *poolCheck) { newModel(c).replay(ops) }
		verdict(t, rule.Rule, replay.check(open, o), o)
	})
}

// FuzzStrategy is FuzzBufferPool for a registered strategy, with the
// capabilities that TestStrategy knows of.
func FuzzStrategy(f *testing.F, name string) {
	FuzzBufferPool(f, registered(name), declared(name))
}
