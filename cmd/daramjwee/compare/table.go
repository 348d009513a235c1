package compare

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"text/tabwriter"
)

// WriteTable writes the report for people.
func (r *Report) WriteTable(to io.Writer) error {
	var text strings.Builder
	for _, s := range r.Settings {
		fmt.Fprintf(&text, "--%s %s  ", s.Name, s.Value)
	}
	fmt.Fprintf(&text, "\n%s; medians of %d rounds ± spread\n\n", r.Go, r.Rounds())
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, row := range r.table() {
		fmt.Fprintf(w, "%s\t\n", strings.Join(row, "\t"))
	}
	w.Flush()
	fmt.Fprintf(&text, "\n* best, or not to be told from the best by the Mann-Whitney U test (p < 0.05)\n")
	if rows := r.changes(); len(rows) > 1 {
		fmt.Fprintf(&text, "\nChange against the standard library (~ is within noise):\n\n")
		for _, row := range rows {
			fmt.Fprintf(w, "%s\t\n", strings.Join(row, "\t"))
		}
		w.Flush()
	}
	fmt.Fprintln(&text)
	for _, note := range r.Notes {
		fmt.Fprintln(&text, note)
	}
	fmt.Fprintf(&text, "\n%s\n", r.Recommendation)
	_, err := io.WriteString(to, text.String())
	return err
}

// table is a line of titles, one of units, and one for each row.
func (r *Report) table() [][]string {
	heads, units := []string{"strategy"}, []string{""}
	for _, m := range Metrics {
		heads, units = append(heads, m.Title), append(units, m.Shown)
	}
	lines := [][]string{heads, units}
	for i := range r.Rows {
		row := &r.Rows[i]
		line := []string{row.Name}
		if row.Failed != nil {
			line = append(line, "failed")
		}
		for j := range Metrics {
			if m := &Metrics[j]; row.Failed == nil {
				line = append(line, m.cell(row, r.measured()))
			}
		}
		lines = append(lines, line)
	}
	return lines
}

// cell is a median, its spread, and a mark on the best.
func (m *Metric) cell(row *Row, all []*Row) string {
	if !m.has(row) {
		return "-  "
	}
	mark := " "
	if slices.Contains(m.best(all), row) {
		mark = "*"
	}
	return m.summary(row).times(m.Scale).String() + mark
}

func (s Summary) times(scale float64) Summary {
	return Summary{s.Median * scale, s.Low * scale, s.High * scale}
}

// String writes the median and how far the bounds are from it, as a part of it; of
// what is mostly 0, the bounds.
func (s Summary) String() string {
	far := max(s.High-s.Median, s.Median-s.Low)
	switch {
	case far == 0:
		return short(s.Median) + " ±0%"
	case s.Median == 0:
		return short(s.Low) + " to " + short(s.High)
	default:
		return fmt.Sprintf("%s ±%.0f%%", short(s.Median), far/s.Median*100)
	}
}

// changes are the lines of the comparison with the standard library.
func (r *Report) changes() [][]string {
	heads := []string{"strategy"}
	for i := range Metrics {
		if Metrics[i].has(&r.Rows[0]) {
			heads = append(heads, Metrics[i].Title)
		}
	}
	lines := [][]string{heads}
	for _, row := range r.measured() {
		if row == &r.Rows[0] {
			continue
		}
		line := []string{row.Name}
		for _, c := range r.against(row) {
			line = append(line, c.cell())
		}
		lines = append(lines, line)
	}
	return lines
}

func (c Comparison) cell() string {
	switch {
	case c.Noise:
		return "~"
	case c.Change == nil:
		return "from 0"
	default:
		return percent(*c.Change)
	}
}

// short writes a number with three digits or more.
func short(v float64) string {
	switch a := math.Abs(v); {
	case a == 0:
		return "0"
	case a >= 99.95:
		return fmt.Sprintf("%.0f", v)
	case a >= 9.995:
		return fmt.Sprintf("%.1f", v)
	default:
		return fmt.Sprintf("%.2f", v)
	}
}
