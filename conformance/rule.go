package conformance

import (
	"fmt"
	"strings"
)

// suiteLevel is the level of the suite as it is now. A rule that comes later
// carries a higher one.
const suiteLevel = 1

// Rule is one sentence of the contract.
type Rule struct {
	ID    string // stable: "copy/equal". Match rules by it, never by their text
	Text  string // what must hold, in one sentence
	Level int    // the level of the suite that the rule came with; see Options.Level
}

func (r *Rule) id() string { return r.ID }

// Violation is a rule that did not hold, seen once.
type Violation struct {
	Rule      Rule
	Where     string // what was called, and how
	Got, Want string
	Mend      string // what usually mends it
	More      int    // how often else the same rule was violated in this run
}

// Error prints all that is needed to find the fault.
func (v *Violation) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "conformance: %s: %s", v.Rule.ID, v.Rule.Text)
	line := func(name, text string) {
		if text != "" {
			fmt.Fprintf(&b, "\n\t%-6s %s", name+":", strings.ReplaceAll(text, "\n", "\n\t       "))
		}
	}
	line("where", v.Where)
	line("got", v.Got)
	line("want", v.Want)
	line("mend", v.Mend)
	if v.More > 0 {
		fmt.Fprintf(&b, "\n\tand %d more", v.More)
	}
	return b.String()
}
