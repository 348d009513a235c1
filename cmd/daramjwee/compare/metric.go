package compare

import (
	"math"
	"slices"

	"golang.org/x/perf/benchmath"
)

// Metric is one thing that runs are compared by.
type Metric struct {
	Key    string // in JSON
	Title  string
	Unit   string  // of samples
	Shown  string  // the unit that people read it in
	Scale  float64 // of samples, to that unit
	Higher bool    // is better
	of     func(*Figures) float64
}

// Metrics are in the order of a report. NaN stands for a figure that a run does
// not have.
var Metrics = []Metric{
	{"throughput", "throughput", "B/s", "MiB/s", 1.0 / (1 << 20), true, func(f *Figures) float64 { return float64(f.Bytes) / f.Seconds }},
	{"p50", "p50", "s", "µs", 1e6, false, func(f *Figures) float64 { return f.P50 }},
	{"p99", "p99", "s", "µs", 1e6, false, func(f *Figures) float64 { return f.P99 }},
	{"bytes_per_op", "B/op", "B/op", "B", 1, false, func(f *Figures) float64 { return float64(f.AllocBytes) / float64(f.Operations) }},
	{"allocs_per_op", "allocs/op", "allocs/op", "objects", 1, false, func(f *Figures) float64 { return float64(f.Allocs) / float64(f.Operations) }},
	{"collections", "collections", "collections/run", "per run", 1, false, func(f *Figures) float64 { return float64(f.Collections) }},
	{"pause", "pause", "s/run", "ms per run", 1e3, false, func(f *Figures) float64 { return f.Pause }},
	{"peak_heap", "peak heap", "B", "MiB", 1.0 / (1 << 20), false, func(f *Figures) float64 { return float64(f.PeakHeap) }},
	{"pool_hit_rate", "pool hits", "ratio", "%", 100, true, func(f *Figures) float64 { return float64(f.PoolHits) / float64(f.PoolGets) }},
}

// The metrics that a recommendation is made from.
var (
	throughput = &Metrics[0]
	bytesPerOp = &Metrics[3]
)

// has says whether a row has a metric: the standard library has no pool to hit.
func (m *Metric) has(r *Row) bool {
	if r.Failed != nil || len(r.Runs) == 0 || m.Key == "pool_hit_rate" && r.Name == Stdlib {
		return false
	}
	return !slices.ContainsFunc(r.Runs, func(f Figures) bool {
		v := m.of(&f)
		return math.IsNaN(v) || math.IsInf(v, 0)
	})
}

// Samples are the figures of all rounds, in their order.
func (m *Metric) Samples(r *Row) []float64 {
	if !m.has(r) {
		return nil
	}
	all := make([]float64, len(r.Runs))
	for i := range r.Runs {
		all[i] = m.of(&r.Runs[i])
	}
	return all
}

func (m *Metric) sample(r *Row) *benchmath.Sample {
	return benchmath.NewSample(m.Samples(r), &benchmath.DefaultThresholds)
}

// Summary is the median of a row's samples, and the bounds of its 95 % confidence
// interval; with fewer than FewRounds rounds, the least and the largest sample.
type Summary struct{ Median, Low, High float64 }

// FewRounds is how many rounds a 95 % confidence interval takes.
const FewRounds = 6

func (m *Metric) summary(r *Row) Summary {
	samples := m.Samples(r)
	s := benchmath.AssumeNothing.Summary(m.sample(r), 0.95)
	if len(samples) < FewRounds {
		return Summary{s.Center, slices.Min(samples), slices.Max(samples)}
	}
	return Summary{s.Center, s.Lo, s.Hi}
}

// better says which of two medians is the better one.
func (m *Metric) better(a, b float64) bool { return a != b && a > b == m.Higher }
