package compare

import (
	"encoding/json"
	"io"
	"slices"
)

// jsonReport is the form that programs read. Names of metrics are the keys of
// Metrics; values are in the unit beside them.
type jsonReport struct {
	Go             string            `json:"go"`
	Settings       map[string]string `json:"settings"`
	Rounds         int               `json:"rounds"`
	RoundsWanted   int               `json:"rounds_wanted"`
	Strategies     []jsonRow         `json:"strategies"`
	Best           []jsonComparison  `json:"best_against_second"`
	Choice         string            `json:"choice"`
	Recommendation string            `json:"recommendation"`
	Notes          []string          `json:"notes"`
}

type jsonRow struct {
	Name    string                `json:"name"`
	Failed  string                `json:"failed,omitempty"`
	Metrics map[string]jsonMetric `json:"metrics,omitempty"`
	Runs    []Figures             `json:"runs,omitempty"`
	Against []jsonComparison      `json:"against_stdlib,omitempty"`
}

type jsonMetric struct {
	Unit    string    `json:"unit"`
	Median  float64   `json:"median"`
	Low     float64   `json:"low"`
	High    float64   `json:"high"`
	Samples []float64 `json:"samples"`
	Best    bool      `json:"best"` // or not to be told from the best
}

type jsonComparison struct {
	Metric string   `json:"metric"`
	A      string   `json:"a"`
	B      string   `json:"b"`
	Change *float64 `json:"change"` // from b to a; null: b is 0
	P      float64  `json:"p"`
	Noise  bool     `json:"within_noise"`
	Better bool     `json:"a_is_better"`
}

// WriteJSON writes the report for programs, with every figure of every run.
func (r *Report) WriteJSON(to io.Writer) error {
	all := jsonReport{
		Go: r.Go, Settings: make(map[string]string),
		Rounds: r.Rounds(), RoundsWanted: r.Wanted,
		Best: comparisons(r.tops()), Choice: r.Choice, Recommendation: r.Recommendation, Notes: r.Notes,
	}
	for _, s := range r.Settings {
		all.Settings[s.Name] = s.Value
	}
	for i := range r.Rows {
		all.Strategies = append(all.Strategies, r.jsonRow(&r.Rows[i]))
	}
	e := json.NewEncoder(to)
	e.SetIndent("", "  ")
	return e.Encode(all)
}

func (r *Report) jsonRow(row *Row) jsonRow {
	j := jsonRow{Name: row.Name, Runs: row.Runs, Metrics: make(map[string]jsonMetric)}
	if row.Failed != nil {
		j.Failed = row.Failed.Error()
		return j
	}
	for i := range Metrics {
		m := &Metrics[i]
		if !m.has(row) {
			continue
		}
		s := m.summary(row)
		j.Metrics[m.Key] = jsonMetric{m.Unit, s.Median, s.Low, s.High, m.Samples(row), slices.Contains(m.best(r.measured()), row)}
	}
	j.Against = comparisons(r.against(row))
	return j
}

func comparisons(all []Comparison) (j []jsonComparison) {
	for _, c := range all {
		j = append(j, jsonComparison(c))
	}
	return j
}
