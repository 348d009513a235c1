package compare

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/perf/benchfmt"
)

func sampleReport() *Report {
	return NewReport([]Row{
		row(Stdlib, around(500, 0), flat(32000)),
		row("syncpool", around(800, 1), flat(100)),
		row("<mine> & co/2", around(1000, 2), flat(200)),
		{Name: "damages", Failed: errors.New("a body of 9 bytes has wrong bytes from 4 on")},
	}, []Setting{{"sizes", "1KiB-1MiB"}, {"rounds", "8"}}, 8)
}

func TestTable(t *testing.T) {
	var text strings.Builder
	require.NoError(t, sampleReport().WriteTable(&text))
	got := text.String()
	require.Contains(t, got, "--sizes 1KiB-1MiB  --rounds 8")
	require.Regexp(t, `(?m)^ *strategy +throughput +p50 +p99 +B/op +allocs/op +collections +pause +peak heap +pool hits *$`, got)
	require.Regexp(t, `(?m)^ *stdlib +502 ±5%  +50.0 ±0%  .* -  *$`, got)
	require.Regexp(t, `(?m)^ *syncpool +804 ±5%  +50.0 ±0%  .* 100 ±0%\*`, got)
	require.Regexp(t, `(?m)^ *<mine> & co/2 +1005 ±5%\* .* 99.0 ±0% *$`, got)
	require.Regexp(t, `(?m)^ *damages +failed *$`, got)
	require.Regexp(t, `(?m)^ *syncpool +\+60 % +~ +~ +-100 % +~`, got)
	require.Contains(t, got, "\ndamages was not measured to the end: a body of 9 bytes has wrong bytes from 4 on\n")
	require.True(t, strings.HasSuffix(got, "\nUse <mine> & co/2: +25 % throughput against syncpool and +100 % throughput against the standard library.\n"), got)
}

func TestJSON(t *testing.T) {
	var text bytes.Buffer
	require.NoError(t, sampleReport().WriteJSON(&text))
	var all jsonReport
	d := json.NewDecoder(&text)
	d.DisallowUnknownFields()
	require.NoError(t, d.Decode(&all))
	require.Equal(t, map[string]string{"sizes": "1KiB-1MiB", "rounds": "8"}, all.Settings)
	require.Equal(t, 8, all.Rounds)
	require.Equal(t, "<mine> & co/2", all.Choice)
	require.Len(t, all.Strategies, 4)
	require.NotContains(t, all.Strategies[0].Metrics, "pool_hit_rate")
	require.Empty(t, all.Strategies[0].Against)
	mine := all.Strategies[2]
	require.Len(t, mine.Metrics, len(Metrics))
	require.Equal(t, around(1000, 2)[3], mine.Metrics["throughput"].Samples[3]/(1<<20))
	require.True(t, mine.Metrics["throughput"].Best)
	require.False(t, mine.Metrics["bytes_per_op"].Best)
	require.Equal(t, "throughput", mine.Against[0].Metric)
	require.InDelta(t, 1, *mine.Against[0].Change, 0.01)
	require.True(t, mine.Against[0].Better)
	require.Contains(t, all.Strategies[3].Failed, "wrong bytes")
	require.Equal(t, "<mine> & co/2", all.Best[0].A)
	require.Equal(t, "syncpool", all.Best[0].B)
}

func TestBenchfmt(t *testing.T) {
	var text bytes.Buffer
	r := sampleReport()
	require.NoError(t, r.WriteBenchfmt(&text))
	rd := benchfmt.NewReader(&text, "compare")
	samples := make(map[string][]float64)
	for rd.Scan() {
		switch rec := rd.Result().(type) {
		case *benchfmt.SyntaxError:
			t.Error(rec)
		case *benchfmt.Result:
			require.Equal(t, 1000, rec.Iters)
			require.Equal(t, "1KiB-1MiB", rec.GetConfig("sizes"))
			base, parts := rec.Name.Parts()
			require.Equal(t, "Compare", string(base))
			v, ok := rec.Value("B/s")
			require.True(t, ok)
			samples[string(parts[0])] = append(samples[string(parts[0])], v)
			p50, ok := rec.Value("p50-sec")
			require.True(t, ok)
			require.InEpsilon(t, 50e-6, p50, 1e-9)
			perOp, ok := rec.Value("sec/op")
			require.True(t, ok)
			require.InEpsilon(t, 1e-3, perOp, 1e-9)
		}
	}
	require.NoError(t, rd.Err())
	require.Len(t, samples, 3, "what failed has no figures")
	require.InEpsilonSlice(t, throughput.Samples(&r.Rows[2]), samples["/strategy=<mine>_&_co_2"], 1e-9)
	require.Equal(t, +1, rd.Units().GetBetter("B/s"))
	require.Equal(t, -1, rd.Units().GetBetter("p50-sec"))
}

func TestAPageLoadsNothing(t *testing.T) {
	var text strings.Builder
	r := sampleReport()
	require.NoError(t, r.WriteHTML(&text))
	got := text.String()
	require.NotRegexp(t, `(?i)(https?:)?//[a-z0-9]|<(script|link|img|iframe|object)\b|@import|url\(`, got)
	require.Equal(t, len(Metrics)+1, strings.Count(got, "<svg"))
	require.NotContains(t, got, "<mine>", "names are escaped")
	require.Contains(t, got, "&lt;mine&gt; &amp; co/2")
	require.Contains(t, got, "Use &lt;mine&gt;")
	require.Contains(t, got, "wrong bytes from 4 on")
	require.NotContains(t, got, "#000000", "black would be lost on a dark page")
	for _, m := range Metrics {
		require.Contains(t, got, ">"+m.Title+" ("+m.Shown+")</text>", "the axis has its unit")
	}
	for _, svg := range regexp.MustCompile(`(?s)<svg.*?</svg>`).FindAllString(got, -1) {
		d := xml.NewDecoder(strings.NewReader(svg))
		for {
			_, err := d.Token()
			if err == io.EOF {
				break
			}
			require.NoError(t, err)
		}
		require.Contains(t, svg, "syncpool</text>")
	}
}

// TestReportsOfLittle must not fail: one round, no strategy, figures of 0.
func TestReportsOfLittle(t *testing.T) {
	one := row(Stdlib, []float64{5}, []float64{0})
	one.Runs[0].Collections, one.Runs[0].Pause = 0, 0
	r := NewReport([]Row{one}, nil, 1)
	for _, write := range []func(io.Writer) error{r.WriteTable, r.WriteJSON, r.WriteBenchfmt, r.WriteHTML} {
		var text strings.Builder
		require.NoError(t, write(&text))
		require.NotContains(t, text.String(), "NaN")
		require.NotContains(t, text.String(), "Inf")
	}
}
