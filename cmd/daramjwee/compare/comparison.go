package compare

import (
	"slices"

	"golang.org/x/perf/benchmath"
)

// Comparison is what can be said about two rows by one metric.
type Comparison struct {
	Metric string
	A, B   string   // names of the rows
	Change *float64 // of the median, from B to A, as a part of B's; nil: B's is 0 and A's is not
	P      float64  // of the Mann-Whitney U test: how likely such samples are where nothing differs
	Noise  bool     // P is not below 0.05
	Better bool     // not noise, and A's is the better median
}

func (m *Metric) compare(a, b *Row) Comparison {
	c := Comparison{Metric: m.Key, A: a.Name, B: b.Name}
	test := benchmath.AssumeNothing.Compare(m.sample(a), m.sample(b))
	c.P = test.P
	c.Noise = test.P >= test.Alpha
	from, to := m.summary(b).Median, m.summary(a).Median
	if from != 0 {
		change := to/from - 1
		c.Change = &change
	} else if to == 0 {
		c.Change = new(float64)
	}
	c.Better = !c.Noise && m.better(to, from)
	return c
}

// least is the smallest change of a median that is a reason to choose anything.
// Allocations hardly vary from run to run, so that a tenth of a percent would be
// significant.
const least = 0.02

// matters says whether A is so much better that one would choose it for that.
func (c Comparison) matters() bool {
	return c.Better && (c.Change == nil || *c.Change >= least || *c.Change <= -least)
}

// ranked returns the rows that have a metric, the best median first.
func (m *Metric) ranked(rows []*Row) []*Row {
	var all []*Row
	for _, r := range rows {
		if m.has(r) {
			all = append(all, r)
		}
	}
	slices.SortStableFunc(all, func(a, b *Row) int {
		x, y := m.summary(a).Median, m.summary(b).Median
		switch {
		case m.better(x, y):
			return -1
		case m.better(y, x):
			return 1
		}
		return 0
	})
	return all
}

// level are the best row and those that it is not better than by enough; rest are
// all others, the best first.
func (m *Metric) level(rows []*Row, enough func(Comparison) bool) (level, rest []*Row) {
	ranked := m.ranked(rows)
	for i, r := range ranked {
		if i == 0 || !enough(m.compare(ranked[0], r)) {
			level = append(level, r)
		} else {
			rest = append(rest, r)
		}
	}
	return level, rest
}
