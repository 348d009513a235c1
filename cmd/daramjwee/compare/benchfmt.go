package compare

import (
	"fmt"
	"io"
	"runtime"
	"strings"
	"unicode"

	"golang.org/x/perf/benchfmt"
)

// units are the metrics as benchstat knows them, with the factor from Metric.Unit.
var units = map[string]struct {
	name   string
	factor float64
}{
	"throughput":    {"MB/s", 1e-6},
	"p50":           {"p50-ns", 1e9},
	"p99":           {"p99-ns", 1e9},
	"bytes_per_op":  {"B/op", 1},
	"allocs_per_op": {"allocs/op", 1},
	"collections":   {"collections/run", 1},
	"pause":         {"pause-ns/run", 1e9},
	"peak_heap":     {"peak-heap-B", 1},
	"pool_hit_rate": {"pool-hits/get", 1},
}

// WriteBenchfmt writes each run as a line of the format of Go benchmarks, for
// benchstat -col /strategy. ns/op is the time of the run by its requests: with more
// clients than one it is not what a request took.
func (r *Report) WriteBenchfmt(to io.Writer) error {
	w := benchfmt.NewWriter(to)
	config := []benchfmt.Config{
		{Key: "goos", Value: []byte(runtime.GOOS), File: true},
		{Key: "goarch", Value: []byte(runtime.GOARCH), File: true},
		{Key: "goversion", Value: []byte(runtime.Version()), File: true},
	}
	for _, s := range r.Settings {
		config = append(config, benchfmt.Config{Key: s.Name, Value: []byte(s.Value), File: true})
	}
	for _, m := range Metrics {
		better := "lower"
		if m.Higher {
			better = "higher"
		}
		unit := units[m.Key].name
		meta := &benchfmt.UnitMetadata{UnitMetadataKey: benchfmt.UnitMetadataKey{Unit: unit, Key: "better"}, OrigUnit: unit, Value: better}
		if err := w.Write(meta); err != nil {
			return err
		}
	}
	for round := range r.Rounds() {
		for _, row := range r.measured() {
			if err := w.Write(result(row, round, config)); err != nil {
				return err
			}
		}
	}
	return nil
}

func result(row *Row, round int, config []benchfmt.Config) *benchfmt.Result {
	f := &row.Runs[round]
	res := &benchfmt.Result{
		Config: config,
		Name:   benchfmt.Name(fmt.Sprintf("Compare/strategy=%s-%d", plain(row.Name), runtime.GOMAXPROCS(0))),
		Iters:  int(f.Operations),
		Values: []benchfmt.Value{{Value: f.Seconds / float64(f.Operations) * 1e9, Unit: "ns/op"}},
	}
	for i := range Metrics {
		if m := &Metrics[i]; m.has(row) {
			u := units[m.Key]
			res.Values = append(res.Values, benchfmt.Value{Value: m.of(f) * u.factor, Unit: u.name})
		}
	}
	return res
}

// plain is a name without what would end it in a benchmark's.
func plain(name string) string {
	return strings.Map(func(c rune) rune {
		if unicode.IsSpace(c) || c == '/' {
			return '_'
		}
		return c
	}, name)
}
