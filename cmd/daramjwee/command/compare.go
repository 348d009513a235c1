package command

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"github.com/daramjwee/daramjwee/cmd/daramjwee/compare"
	"github.com/daramjwee/daramjwee/strategy"
)

// compareCommand has texts, as serveCommand does: their faults are reported
// together.
type compareCommand struct {
	Strategies string `placeholder:"NAMES" default:"" help:"Which to compare with the standard library, of: ${strategies} (all)."`
	Sizes      string `default:"1KiB-1MiB" help:"Sizes of bodies: one (64KiB), a range (1KiB-1MiB, each doubling as likely as any other), or several with weights (4KiB:8,256KiB-1MiB:1)."`
	Keys       string `default:"256" help:"Hot keys. They should fit into the tiers."`
	HitRatio   string `default:"0.8" help:"Part of the requests that is for hot keys; the others are for keys never asked for before."`
	Tiers      string `default:"memory:64MiB" help:"memory:SIZE, disk:SIZE or disk:DIR:SIZE, the nearest first, with commas. Directories are made in DIR, or among temporary files, and removed."`
	Clients    string `default:"8" help:"Clients that ask at the same time."`
	Duration   string `default:"1s" help:"Of a run; a quarter of it comes before, to warm up."`
	Rounds     string `default:"8" help:"Runs of each strategy; 6 or more for a 95 % interval."`
	Seed       string `default:"1" help:"Of sizes, keys and the order of runs."`

	JSON     bool   `name:"json" xor:"form" help:"Write JSON, with the figures of every run."`
	Benchfmt bool   `xor:"form" help:"Write each run as a Go benchmark's line, for benchstat -col /strategy."`
	HTML     string `name:"html" placeholder:"FILE" help:"Also write a page with plots, which needs no network."`
}

// Help is what compare --help says before the flags.
func (*compareCommand) Help() string {
	return `Runs one workload through a real cache in this process, once per strategy and once with pooling off (stdlib: io.Copy, io.TeeReader, make), in rounds of shuffled order.

A strategy lends all buffers of its run: those of the cache's streams, of the memory tier's blocks and of the disk tier. Every run has a fresh cache and asks for the same keys in the same order; an in-process origin makes the bodies and clients check every byte, so a strategy that damages one is reported and not measured. No network takes part.

Columns: bytes served a second; time from Get to Close; bytes and objects allocated per request by the whole process; collections, and the time for which they stopped it; the largest heap; gets that a pool served with a used buffer. Each is the median of all rounds ± the farther bound of its 95 % interval. Two strategies differ when the Mann-Whitney U test says so at p < 0.05; else it is noise.

Ctrl-C ends it with the rounds that are complete.`
}

// Run compares until all rounds are done, or a signal or ctx ends it. A second
// signal ends the process at once.
func (c *compareCommand) Run(ctx context.Context, line *kong.Context, to streams) error {
	w, names, err := c.read()
	if err != nil {
		return err
	}
	page, err := c.createPage()
	if err != nil {
		return err
	}
	ctx, standDown := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer standDown()
	context.AfterFunc(ctx, standDown)

	if size, room := w.HotBytes(), room(w.Tiers); size > room {
		fmt.Fprintf(to.err, "The hot keys take %d MiB and the tiers %d MiB: hits will be fewer than asked for.\n", size>>20, room>>20)
	}
	bar := newRunBar(to.err, w, len(names)+1)
	rows, err := compare.Run(ctx, *w, names, bar.step)
	bar.end()
	interrupted := ctx.Err() != nil
	if err != nil && !interrupted {
		page.discard()
		return fmt.Errorf("daramjwee: compare: %w", err)
	}
	report := compare.NewReport(rows, c.settings(line), w.Rounds)
	if report.Rounds() == 0 {
		page.discard()
		return errors.New("daramjwee: compare: interrupted before the first round was complete: nothing was measured")
	}
	return errors.Join(c.write(to, report), page.write(report))
}

func (c *compareCommand) write(to streams, r *compare.Report) error {
	switch {
	case c.JSON:
		return r.WriteJSON(to.out)
	case c.Benchfmt:
		return r.WriteBenchfmt(to.out)
	default:
		return r.WriteTable(to.out)
	}
}

// read understands the flags. The error lists every fault.
func (c *compareCommand) read() (*compare.Workload, []string, error) {
	w := new(compare.Workload)
	var names []string
	var faults []error
	for _, f := range []struct {
		flag, text string
		set        func(string) error
	}{
		{"strategies", c.Strategies, namesValue{&names}.Set},
		{"sizes", c.Sizes, sizesValue{&w.Sizes}.Set},
		{"keys", c.Keys, numberValue{&w.Keys, 1, 1 << 20}.Set},
		{"hit-ratio", c.HitRatio, ratioValue{&w.HitRatio}.Set},
		{"tiers", c.Tiers, tiersValue{&w.Tiers}.Set},
		{"clients", c.Clients, numberValue{&w.Clients, 1, 1 << 12}.Set},
		{"duration", c.Duration, durationValue{&w.Duration, false}.Set},
		{"rounds", c.Rounds, numberValue{&w.Rounds, 1, 1000}.Set},
		{"seed", c.Seed, seedValue{&w.Seed}.Set},
	} {
		if err := f.set(f.text); err != nil {
			faults = append(faults, fault{place: place{name: "--" + f.flag}, what: fmt.Sprintf("%q, allowed: %v", f.text, err)})
		}
	}
	if w.Duration > time.Hour {
		faults = append(faults, fault{place: place{name: "--duration"}, what: fmt.Sprintf("%q, allowed: 1h at most", c.Duration)})
	}
	return w, names, errors.Join(faults...)
}

// settings are the flags that make the workload, for the report.
func (c *compareCommand) settings(line *kong.Context) (all []compare.Setting) {
	for _, f := range line.Selected().Flags {
		if text, ok := f.Target.Interface().(string); ok && f.Name != "html" {
			if f.Name == "strategies" && text == "" {
				text = strings.Join(strategy.Names(), ",")
			}
			all = append(all, compare.Setting{Name: f.Name, Value: text})
		}
	}
	return all
}

// room is what all tiers hold.
func room(tiers []compare.Tier) (sum int64) {
	for _, t := range tiers {
		sum += t.MaxBytes
	}
	return sum
}
