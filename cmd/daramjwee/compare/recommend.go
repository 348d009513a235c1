package compare

import (
	"fmt"
	"slices"
	"strings"

	"github.com/daramjwee/daramjwee/strategy/syncpool"
)

// fewestTold is how many rounds the U test takes to tell anything apart.
const fewestTold = 4

// recommend says in one line which row to choose, and by which figures: by
// throughput if it tells one from all others, else by allocated bytes among those
// that it cannot tell apart, and else the default. choice is "" where nothing can
// be said.
func recommend(rows []*Row) (choice, text string) {
	if len(rows) < 2 {
		return "", "Nothing to compare: no strategy was measured in any round."
	}
	if n := len(rows[0].Runs); n < fewestTold {
		return "", fmt.Sprintf("%d rounds cannot tell anything from noise: run %d or more.", n, FewRounds)
	}
	fast, slower := throughput.level(rows, Comparison.matters)
	best := fast[0]
	if len(fast) == 1 {
		return best.Name, fmt.Sprintf("Use %s: %s.", title(best.Name), throughput.advantages(best, slower))
	}
	lean, fatter := bytesPerOp.level(fast, Comparison.matters)
	if len(lean) == 1 {
		best = lean[0]
		return best.Name, fmt.Sprintf("Use %s: %s, at a throughput %s of %s.",
			title(best.Name), bytesPerOp.advantages(best, fatter), throughput.tie(fast), names(without(fast, best)))
	}
	return choose(rows, lean, slower, fatter)
}

// choose among rows that nothing tells apart: the default if it is one of them, for
// who would change a setting for nothing?
func choose(rows, lean, slower, fatter []*Row) (choice, text string) {
	verb, best := "Use", throughput.ranked(lean)[0]
	if i := slices.IndexFunc(lean, func(r *Row) bool { return r.Name == syncpool.Name }); i >= 0 {
		verb, best = "Keep", lean[i]
	}
	tie := "within noise"
	if throughput.tie(lean) != tie || bytesPerOp.tie(lean) != tie {
		tie = belowLeast
	}
	if len(lean) == len(rows) {
		text = fmt.Sprintf("No difference: throughput and allocated bytes of all are %s. ", tie)
		if verb == "Use" {
			return "", text + "Keep what you have."
		}
		return best.Name, text + "Keep " + best.Name + "."
	}
	text = fmt.Sprintf("%s %s: throughput and allocated bytes are %s of %s", verb, title(best.Name), tie, names(without(lean, best)))
	switch {
	case len(slower) > 0 && throughput.compare(best, slower[0]).matters():
		text += "; " + throughput.advantage(best, slower[0])
	case len(fatter) > 0 && bytesPerOp.compare(best, fatter[0]).matters():
		text += "; " + bytesPerOp.advantage(best, fatter[0])
	}
	return best.Name, text + "."
}

// belowLeast is how close rows are whose differences are more than noise, but too
// small to matter.
var belowLeast = fmt.Sprintf("within noise or %.0f %%", least*100)

// tie says how close to the first the other rows are.
func (m *Metric) tie(rows []*Row) string {
	for _, r := range rows[1:] {
		if !m.compare(rows[0], r).Noise {
			return belowLeast
		}
	}
	return "within noise"
}

// advantages are those of a row over the next best, and over the standard library.
func (m *Metric) advantages(best *Row, rest []*Row) string {
	text := m.advantage(best, rest[0])
	if i := slices.IndexFunc(rest, func(r *Row) bool { return r.Name == Stdlib }); i > 0 {
		text += " and " + m.advantage(best, rest[i])
	}
	return text
}

func (m *Metric) advantage(a, b *Row) string {
	c := m.compare(a, b)
	what := map[string]string{throughput.Key: "throughput", bytesPerOp.Key: "allocated bytes"}[m.Key]
	if c.Change == nil {
		return fmt.Sprintf("%s other than none against %s", what, title(b.Name))
	}
	return fmt.Sprintf("%s %s against %s", percent(*c.Change), what, title(b.Name))
}

// percent writes a change with its sign.
func percent(change float64) string {
	if change >= 9.995 { // +999 %
		return fmt.Sprintf("x%s", short(change+1))
	}
	return fmt.Sprintf("%+.*f %%", digits(change*100), change*100)
}

// digits after the point: one for what is less than 10, as 9.5 %.
func digits(v float64) int {
	if v < 9.95 && v > -9.95 {
		return 1
	}
	return 0
}

func title(name string) string {
	if name == Stdlib {
		return "the standard library"
	}
	return name
}

func names(rows []*Row) string {
	var all []string
	for _, r := range rows {
		all = append(all, title(r.Name))
	}
	last := len(all) - 1
	if last < 1 {
		return strings.Join(all, "")
	}
	return strings.Join(all[:last], ", ") + " and " + all[last]
}

func without(rows []*Row, one *Row) []*Row {
	return slices.DeleteFunc(slices.Clone(rows), func(r *Row) bool { return r == one })
}
