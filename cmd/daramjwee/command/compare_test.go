package command

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/perf/benchfmt"

	"github.com/daramjwee/daramjwee/cmd/daramjwee/compare"
	"github.com/daramjwee/daramjwee/strategy"
)

// quick is a comparison that takes no time to speak of; flags override it.
func quick(flags ...string) []string {
	return append([]string{"compare", "--duration=2ms", "--rounds=6", "--keys=8", "--sizes=1KiB-64KiB", "--tiers=memory:4MiB", "--clients=2"}, flags...)
}

type comparison struct {
	Settings   map[string]string
	Rounds     int
	Strategies []struct {
		Name    string
		Metrics map[string]struct {
			Unit    string
			Samples []float64
		}
	}
	Recommendation string
}

func TestCompareTellsOfEveryStrategy(t *testing.T) {
	noLeaks(t)
	code, out, errs := runCommand(t, quick("--json")...)
	require.Zero(t, code, errs)
	require.Empty(t, errs, "no progress bar where nobody looks")
	var all comparison
	require.NoError(t, json.Unmarshal([]byte(out), &all))
	var names []string
	for _, s := range all.Strategies {
		names = append(names, s.Name)
		for _, metric := range []string{"throughput", "p50", "p99", "bytes_per_op", "allocs_per_op", "collections", "pause", "peak_heap"} {
			require.Len(t, s.Metrics[metric].Samples, 6, metric)
			require.NotEmpty(t, s.Metrics[metric].Unit, metric)
		}
	}
	require.Equal(t, append([]string{"stdlib"}, strategy.Names()...), names)
	require.NotEmpty(t, all.Recommendation)
	require.Equal(t, 6, all.Rounds)
	require.Equal(t, map[string]string{
		"strategies": strings.Join(strategy.Names(), ","), "sizes": "1KiB-64KiB", "keys": "8", "hit-ratio": "0.8",
		"tiers": "memory:4MiB", "clients": "2", "duration": "2ms", "rounds": "6", "seed": "1",
	}, all.Settings, "what it takes to run the same again")
}

func TestCompareTable(t *testing.T) {
	dir := t.TempDir()
	code, out, errs := runCommand(t, quick("--strategies", "channel,noop", "--tiers", "memory:4MiB,disk:"+dir+":8MiB")...)
	require.Zero(t, code, errs)
	require.Regexp(t, `(?m)^ *stdlib .*\n *channel .*\n *noop `, out)
	require.NotRegexp(t, `(?m)^ *syncpool `, out)
	require.Regexp(t, `\n(Use|Keep|No difference)[^\n]*\.\n$`, out)
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, left)
}

func TestCompareBenchfmt(t *testing.T) {
	code, out, errs := runCommand(t, quick("--strategies=noop", "--benchfmt")...)
	require.Zero(t, code, errs)
	r := benchfmt.NewReader(strings.NewReader(out), "compare")
	results := 0
	for r.Scan() {
		require.IsNotType(t, new(benchfmt.SyntaxError), r.Result())
		if _, ok := r.Result().(*benchfmt.Result); ok {
			results++
		}
	}
	require.NoError(t, r.Err())
	require.Equal(t, 12, results)
}

func TestComparePage(t *testing.T) {
	file := filepath.Join(t.TempDir(), "report.html")
	require.NoError(t, os.WriteFile(file, bytes.Repeat([]byte("an older and longer one "), 1<<20), 0o600))
	code, out, errs := runCommand(t, quick("--strategies=noop", "--html", file)...)
	require.Zero(t, code, errs)
	require.Contains(t, out, "stdlib", "the table is there all the same")
	page, err := os.ReadFile(file)
	require.NoError(t, err)
	require.True(t, bytes.HasPrefix(page, []byte("<!DOCTYPE html>")))
	require.True(t, bytes.HasSuffix(page, []byte("</html>\n")))
	require.Contains(t, string(page), "<svg")
}

func TestFaultsOfCompareAreReportedTogether(t *testing.T) {
	none := filepath.Join(t.TempDir(), "none")
	code, out, errs := runCommand(t, "compare", "--strategies=syncpol", "--sizes=1MiB-1KiB", "--keys=0", "--hit-ratio=80",
		"--tiers=disk:"+none+":1GiB", "--clients=many", "--duration=0", "--rounds=-1", "--seed=x")
	require.Equal(t, exitFailed, code)
	require.Empty(t, out)
	require.Equal(t, `--strategies: "syncpol", allowed: names out of `+strings.Join(strategy.Names(), ", ")+`, each once, with commas
--sizes: "1MiB-1KiB", allowed: 64KiB, 1KiB-1MiB or 4KiB:8,256KiB-1MiB:1 with weights; sizes from 1 byte to 1GiB, weights above 0 and up to 1e6
--keys: "0", allowed: a whole number from 1 to 1048576
--hit-ratio: "80", allowed: a number from 0 to 1, such as 0.8
--tiers: "disk:`+none+`:1GiB", allowed: a directory that exists in place of `+none+`
--clients: "many", allowed: a whole number from 1 to 4096
--duration: "0", allowed: a time above 0, such as 90s, 5m or 1h30m
--rounds: "-1", allowed: a whole number from 1 to 1000
--seed: "x", allowed: a whole number from 0 to 18446744073709551615
`, errs)
	for _, flag := range []string{
		"--sizes=", "--sizes=0", "--sizes=4KiB:0", "--sizes=4KiB:NaN", "--sizes=2GiB", "--sizes=4KiB,", "--sizes=4KiB:1:2",
		"--tiers=", "--tiers=memory", "--tiers=memory:0", "--tiers=tape:1GiB", "--tiers=memory:x:1MiB",
		"--hit-ratio=NaN", "--strategies=noop,noop", "--strategies=noop,", "--duration=2h",
	} {
		code, _, errs := runCommand(t, "compare", flag)
		require.Equal(t, exitFailed, code, flag)
		name, value, _ := strings.Cut(flag, "=")
		require.Contains(t, errs, name+`: "`+value+`", allowed: `)
	}
	code, _, errs = runCommand(t, "compare", "--json", "--benchfmt")
	require.Equal(t, exitUsage, code)
	require.Contains(t, errs, "--json and --benchfmt can't be used together")
}

func TestAPageThatCannotBeWrittenIsAFaultAtOnce(t *testing.T) {
	code, _, errs := runCommand(t, "compare", "--duration=1h", "--html", filepath.Join(t.TempDir(), "no", "page.html"))
	require.Equal(t, exitFailed, code)
	require.Contains(t, errs, "--html: ")
	require.Contains(t, errs, "allowed: a file that can be written")
}

func TestAHotSetThatDoesNotFitIsSaid(t *testing.T) {
	code, _, errs := runCommand(t, quick("--strategies=noop", "--sizes=1MiB", "--keys=8", "--rounds=1")...)
	require.Zero(t, code, errs)
	require.Contains(t, errs, "The hot keys take 8 MiB and the tiers 4 MiB")
}

// TestAnInterruptedComparison is one that ends before its first round.
func TestAnInterruptedComparison(t *testing.T) {
	noLeaks(t)
	file := filepath.Join(t.TempDir(), "report.html")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out, errs strings.Builder
	require.Equal(t, exitFailed, run(ctx, quick("--html", file), &out, &errs))
	require.Empty(t, out.String())
	require.Contains(t, errs.String(), "interrupted before the first round was complete")
	require.NoFileExists(t, file)
}

func TestSizesAndTiersAreUnderstood(t *testing.T) {
	var sizes compare.Sizes
	require.NoError(t, sizesValue{&sizes}.Set("4KiB:8,256KiB-1MiB:0.5,7"))
	require.Equal(t, compare.Sizes{{Low: 4 << 10, High: 4 << 10, Weight: 8}, {Low: 256 << 10, High: 1 << 20, Weight: 0.5}, {Low: 7, High: 7, Weight: 1}}, sizes)
	var tiers []compare.Tier
	dir := t.TempDir()
	require.NoError(t, tiersValue{&tiers}.Set("memory:64MiB,disk:1GiB,disk:"+dir+":2GiB"))
	require.Equal(t, []compare.Tier{{MaxBytes: 64 << 20}, {Disk: true, MaxBytes: 1 << 30}, {Disk: true, Dir: dir, MaxBytes: 2 << 30}}, tiers)
}
