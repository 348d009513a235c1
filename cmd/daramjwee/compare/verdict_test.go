package compare

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// row makes figures of which throughput and allocated bytes are given, in MiB/s and
// bytes per operation, one of each round.
func row(name string, rates, bytes []float64) Row {
	r := Row{Name: name}
	for i := range rates {
		r.Runs = append(r.Runs, Figures{
			Operations: 1000, Bytes: int64(rates[i] * (1 << 20)), Seconds: 1,
			P50: 50e-6, P99: 900e-6, AllocBytes: uint64(bytes[i] * 1000), Allocs: 9000,
			Collections: 3, Pause: 1e-3, PeakHeap: 64 << 20,
			PoolGets: 1000, PoolHits: 990, Gets: 1000, Hits: 800,
		})
	}
	return r
}

// around is eight rounds of a noisy figure; phase shifts the noise to other rounds.
func around(v float64, phase int) []float64 {
	noise := []float64{0.97, 1.03, 0.99, 1.01, 0.95, 1.05, 1.00, 1.02}
	all := make([]float64, len(noise))
	for i := range all {
		all[i] = v * noise[(i+phase)%len(noise)]
	}
	return all
}

func flat(v float64) []float64 {
	all := make([]float64, 8)
	for i := range all {
		all[i] = v
	}
	return all
}

func TestTheRecommendationFollowsFromTheFigures(t *testing.T) {
	for name, tc := range map[string]struct {
		rows   []Row
		choice string
		text   string
	}{
		"throughput tells": {
			[]Row{row(Stdlib, around(500, 0), flat(32000)), row("syncpool", around(800, 1), flat(100)), row("mine", around(1000, 2), flat(200))},
			"mine", "Use mine: +25 % throughput against syncpool and +100 % throughput against the standard library.",
		},
		"nothing tells": {
			[]Row{row(Stdlib, around(1000, 0), flat(100)), row("channel", around(1005, 3), flat(100)), row("syncpool", around(1000, 1), flat(100))},
			"syncpool", "No difference: throughput and allocated bytes of all are within noise. Keep syncpool.",
		},
		"nothing tells, and the default is not there": {
			[]Row{row(Stdlib, around(1000, 0), flat(100)), row("channel", around(1005, 3), flat(100))},
			"", "No difference: throughput and allocated bytes of all are within noise. Keep what you have.",
		},
		"bytes tell": {
			[]Row{row(Stdlib, around(1000, 0), flat(32000)), row("syncpool", around(1004, 1), flat(1000)), row("mine", around(1000, 2), flat(500))},
			"mine", "Use mine: -50 % allocated bytes against syncpool and -98 % allocated bytes against the standard library, at a throughput within noise of syncpool and the standard library.",
		},
		"bytes differ by nothing that matters": {
			[]Row{row(Stdlib, around(1000, 0), flat(32000)), row("channel", around(1004, 1), flat(1000)), row("syncpool", around(1000, 2), flat(1010))},
			"syncpool", "Keep syncpool: throughput and allocated bytes are within noise or 2 % of channel; -97 % allocated bytes against the standard library.",
		},
		"the default is the worse one": {
			[]Row{row(Stdlib, around(500, 0), flat(32000)), row("channel", around(1000, 1), flat(100)), row("mine", around(1003, 2), flat(100)), row("syncpool", around(700, 3), flat(100))},
			"mine", "Use mine: throughput and allocated bytes are within noise of channel; +43 % throughput against syncpool.",
		},
		"pooling is the worse one": {
			[]Row{row(Stdlib, around(1000, 0), flat(100)), row("syncpool", around(500, 1), flat(100))},
			Stdlib, "Use the standard library: +100 % throughput against syncpool.",
		},
		"nothing is left": {
			[]Row{row(Stdlib, around(1000, 0), flat(100))},
			"", "Nothing to compare: no strategy was measured in any round.",
		},
		"too few rounds": {
			[]Row{row(Stdlib, around(10, 0)[:3], flat(100)), row("syncpool", around(1000, 0)[:3], flat(100))},
			"", "3 rounds cannot tell anything from noise: run 6 or more.",
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := NewReport(tc.rows, nil, len(tc.rows[0].Runs))
			require.Equal(t, tc.text, r.Recommendation)
			require.Equal(t, tc.choice, r.Choice)
		})
	}
}

func TestOneRowOfRoundsThatDriftIsNoDifference(t *testing.T) {
	slow := []float64{1000, 900, 800, 700, 600, 500, 400, 300}
	rows := []Row{row(Stdlib, slow, flat(9)), row("syncpool", slow, flat(9))}
	for i := range slow {
		rows[1].Runs[i].Bytes += int64(i) << 10
	}
	c := throughput.compare(&rows[1], &rows[0])
	require.True(t, c.Noise)
	require.False(t, c.Better)
	require.Contains(t, NewReport(rows, nil, 8).Recommendation, "within noise")
}

func TestAComparison(t *testing.T) {
	a, b := row("a", around(600, 0), flat(0)), row("b", around(500, 1), flat(7))
	c := throughput.compare(&a, &b)
	require.InDelta(t, 0.2, *c.Change, 1e-6)
	require.Less(t, c.P, 0.05)
	require.True(t, c.Better)
	require.False(t, throughput.compare(&b, &a).Better)
	require.False(t, throughput.compare(&b, &a).Noise)

	require.Nil(t, bytesPerOp.compare(&b, &a).Change, "there is no percentage of 0")
	require.False(t, bytesPerOp.compare(&b, &a).Better)
	require.True(t, bytesPerOp.compare(&a, &b).Better, "fewer is better")
	require.EqualValues(t, -1, *bytesPerOp.compare(&a, &b).Change)
	require.Zero(t, *bytesPerOp.compare(&a, &a).Change)
	require.True(t, bytesPerOp.compare(&a, &a).Noise)
}

func TestTheBestAreMarkedAndASlowOneIsLast(t *testing.T) {
	rows := []Row{
		row(Stdlib, around(800, 0), flat(32000)), row("syncpool", around(1000, 1), flat(100)),
		row("mine", around(1001, 2), flat(100)), row("slow", around(100, 3), flat(90000)),
	}
	r := NewReport(rows, nil, 8)
	for _, m := range []*Metric{throughput, bytesPerOp} {
		ranked := m.ranked(r.measured())
		require.Equal(t, "slow", ranked[3].Name)
		var best []string
		for _, row := range m.best(r.measured()) {
			best = append(best, row.Name)
		}
		require.ElementsMatch(t, []string{"syncpool", "mine"}, best)
	}
	require.Nil(t, Metrics[1].best(r.measured()), "p50 is the same everywhere")
	require.Contains(t, r.Notes, "All differences are within noise in: p50, p99, allocs/op, collections, pause, peak heap, pool hits.")
}

func TestSpreads(t *testing.T) {
	values := []float64{9, 1, 8, 2, 7, 3, 6, 4, 5}
	r := row("a", values, flat9(0))
	require.Equal(t, Summary{5 << 20, 2 << 20, 8 << 20}, throughput.summary(&r), "the interval of nine is from the second to the eighth")
	few := row("a", values[:3], flat9(0))
	require.Equal(t, Summary{8 << 20, 1 << 20, 9 << 20}, throughput.summary(&few), "of three there is only the range")
	report := NewReport([]Row{few}, nil, 6)
	require.Contains(t, report.Notes, "Interrupted: 3 of 6 rounds were complete.")
	require.Contains(t, report.Notes, "With fewer than 6 rounds there is no 95 % interval: spreads are from the least to the largest of 3 figures.")
	for s, want := range map[Summary]string{
		{100, 90, 130}:   "100 ±30%",
		{1.5, 1.5, 1.5}:  "1.50 ±0%",
		{0, 0, 2}:        "0 to 2.00",
		{12345, 0, 1e4}:  "12345 ±100%",
		{0, 0, 0}:        "0 ±0%",
		{99.97, 99, 100}: "100 ±1%",
	} {
		require.Equal(t, want, fmt.Sprint(s))
	}
}

func flat9(v float64) []float64 { return append(flat(v), v) }

func TestPercent(t *testing.T) {
	for change, want := range map[float64]string{0.5: "+50 %", -0.123: "-12 %", -0.0123: "-1.2 %", 0.0999: "+10 %", -1: "-100 %", 11: "x12.0", 9: "+900 %"} {
		require.Equal(t, want, percent(change))
	}
}
