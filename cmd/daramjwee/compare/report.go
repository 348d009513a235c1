package compare

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
)

// Setting is one flag, as it was given or by default.
type Setting struct{ Name, Value string }

// Report is what can be said after a comparison.
type Report struct {
	Go       string // version, system and processors
	Settings []Setting
	Rows     []Row
	Wanted   int // rounds

	Choice         string // the row to use; "" where nothing can be said
	Recommendation string // in one line, from the figures
	Notes          []string
}

// NewReport draws the conclusions. wanted is how many rounds were to be run.
func NewReport(rows []Row, settings []Setting, wanted int) *Report {
	r := &Report{
		Go:       fmt.Sprintf("%s %s/%s, GOMAXPROCS %d", runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.GOMAXPROCS(0)),
		Settings: settings,
		Rows:     rows,
		Wanted:   wanted,
	}
	r.Choice, r.Recommendation = recommend(r.measured())
	r.Notes = r.notes()
	return r
}

// Rounds is how many were complete.
func (r *Report) Rounds() int {
	if m := r.measured(); len(m) > 0 {
		return len(m[0].Runs)
	}
	return 0
}

// measured are the rows that have figures.
func (r *Report) measured() (rows []*Row) {
	for i := range r.Rows {
		if row := &r.Rows[i]; row.Failed == nil && len(row.Runs) > 0 {
			rows = append(rows, row)
		}
	}
	return rows
}

func (r *Report) notes() (notes []string) {
	n := r.Rounds()
	if n < r.Wanted {
		notes = append(notes, fmt.Sprintf("Interrupted: %d of %d rounds were complete.", n, r.Wanted))
	}
	if n < FewRounds {
		notes = append(notes, fmt.Sprintf("With fewer than %d rounds there is no 95 %% interval: spreads are from the least to the largest of %d figures.", FewRounds, n))
	}
	var noise []string
	for i := range Metrics {
		if m := &Metrics[i]; len(m.ranked(r.measured())) > 1 && m.best(r.measured()) == nil {
			noise = append(noise, m.Title)
		}
	}
	if len(noise) > 0 {
		notes = append(notes, "All differences are within noise in: "+strings.Join(noise, ", ")+".")
	}
	if low, high, ok := r.hitRatio(); ok {
		notes = append(notes, fmt.Sprintf("Hit ratio of the cache, over all runs: %.3f to %.3f.", low, high))
	}
	for _, row := range r.Rows {
		if row.Failed != nil {
			notes = append(notes, fmt.Sprintf("%s was not measured to the end: %v", row.Name, row.Failed))
		}
	}
	return notes
}

// best are the rows that are best by a metric, or cannot be told from the best;
// nil when no row can.
func (m *Metric) best(rows []*Row) []*Row {
	level, rest := m.level(rows, func(c Comparison) bool { return c.Better })
	if len(rest) == 0 {
		return nil
	}
	return level
}

// against are the comparisons of a row with the standard library.
func (r *Report) against(row *Row) (all []Comparison) {
	base := &r.Rows[0]
	for i := range Metrics {
		if m := &Metrics[i]; m.has(row) && m.has(base) && row != base {
			all = append(all, m.compare(row, base))
		}
	}
	return all
}

// tops compares the best row of each metric with the second.
func (r *Report) tops() (all []Comparison) {
	for i := range Metrics {
		if ranked := Metrics[i].ranked(r.measured()); len(ranked) > 1 {
			all = append(all, Metrics[i].compare(ranked[0], ranked[1]))
		}
	}
	return all
}

func (r *Report) hitRatio() (low, high float64, ok bool) {
	var all []float64
	for _, row := range r.measured() {
		for _, f := range row.Runs {
			all = append(all, float64(f.Hits)/float64(f.Gets))
		}
	}
	if len(all) == 0 {
		return 0, 0, false
	}
	return slices.Min(all), slices.Max(all), true
}
