package command

import (
	"io"

	"github.com/vbauerster/cupwriter"
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/daramjwee/daramjwee/cmd/daramjwee/compare"
)

// runBar shows how many runs are done, on a terminal and nowhere else. It draws
// between runs only, since what it allocates would be measured.
type runBar struct {
	progress *mpb.Progress
	bar      *mpb.Bar
	draw     chan any
}

func newRunBar(to io.Writer, w *compare.Workload, rows int) *runBar {
	b := &runBar{draw: make(chan any)}
	if !cupwriter.New(to, false).IsTerminal() {
		return b
	}
	b.progress = mpb.New(mpb.WithOutput(to), mpb.WithWidth(80), mpb.WithManualRefresh(b.draw))
	b.bar = b.progress.AddBar(int64(w.Rounds*rows),
		mpb.BarRemoveOnComplete(),
		mpb.PrependDecorators(decor.CountersNoUnit("run %d of %d ")),
		mpb.AppendDecorators(decor.AverageETA(decor.ET_STYLE_GO), decor.Name(" left")),
	)
	b.draw <- nil
	return b
}

// step counts a run.
func (b *runBar) step() {
	if b.bar == nil {
		return
	}
	b.bar.Increment()
	if !b.bar.Completed() {
		b.draw <- nil
	}
}

// end takes the bar away, also before it is full.
func (b *runBar) end() {
	if b.bar == nil {
		return
	}
	b.bar.Abort(true)
	b.progress.Wait()
}
