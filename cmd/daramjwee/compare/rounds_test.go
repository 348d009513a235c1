package compare

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/daramjwee/daramjwee/internal/checked"
	"github.com/daramjwee/daramjwee/strategy"
)

// planted strategies, each with a fault that a comparison must see.
func init() {
	plant := func(name string, wrap func(strategy.BufferPool) strategy.BufferPool) {
		strategy.Register(name, func(cfg strategy.BufferPoolConfig) (strategy.BufferPool, error) {
			p, err := strategy.NewPool(cfg, nil)
			return wrap(p), err
		})
	}
	plant("damages", func(p strategy.BufferPool) strategy.BufferPool { return damages{p} })
	plant("panics", func(p strategy.BufferPool) strategy.BufferPool { return panics{p} })
	plant("wastes", func(p strategy.BufferPool) strategy.BufferPool { return wastes{p} })
	strategy.Register("closed", func(strategy.BufferPoolConfig) (strategy.BufferPool, error) {
		return nil, errors.New("out of acorns")
	})
}

type damages struct{ strategy.BufferPool }

func (p damages) CopyBuffer(dst io.Writer, src io.Reader) (int64, error) {
	text, err := io.ReadAll(src)
	if len(text) > 0 {
		text[len(text)/2] ^= 1
	}
	n, e := dst.Write(text)
	return int64(n), errors.Join(err, e)
}

type panics struct{ strategy.BufferPool }

func (panics) CopyBuffer(io.Writer, io.Reader) (int64, error) { panic("fell off the wheel") }

type wastes struct{ strategy.BufferPool }

var waste atomic.Pointer[[]byte] // for the compiler, which leaves out what nobody sees

func (p wastes) TeeReader(r io.Reader, w io.Writer) io.Reader {
	waste.Store(new(make([]byte, 1<<20)))
	return p.BufferPool.TeeReader(r, w)
}

// onDisk makes each request go by way of the pool: the memory tier takes what is
// fetched straight into its blocks.
func onDisk(t *testing.T) Workload {
	if checked.Everywhere {
		t.Skip("a checked pool copies by itself")
	}
	w := small()
	w.Tiers = []Tier{{Disk: true, Dir: t.TempDir(), MaxBytes: 64 << 20}}
	return w
}

func TestEveryRowIsMeasuredInEveryRound(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	dir := t.TempDir()
	w := small()
	w.Tiers = []Tier{{MaxBytes: 1 << 20}, {Disk: true, Dir: dir, MaxBytes: 16 << 20}}
	names := []string{"syncpool", "bytebuffer", "channel", "noop"}
	runs := 0
	rows, err := Run(t.Context(), w, names, func() { runs++ })
	require.NoError(t, err)
	require.Equal(t, 10, runs)
	require.Len(t, rows, 5)
	require.Equal(t, Stdlib, rows[0].Name)
	for i, row := range rows {
		require.NoError(t, row.Failed)
		require.Len(t, row.Runs, w.Rounds)
		if i > 0 {
			require.Equal(t, names[i-1], row.Name)
		}
		for _, f := range row.Runs {
			require.Positive(t, f.Operations)
			require.Positive(t, f.Bytes)
			require.GreaterOrEqual(t, f.Seconds, w.Duration.Seconds())
			require.Positive(t, f.P50)
			require.LessOrEqual(t, f.P50, f.P99)
			require.LessOrEqual(t, f.P99, f.Seconds*1.01)
			require.Positive(t, f.AllocBytes)
			require.Positive(t, f.Allocs)
			require.Positive(t, f.PeakHeap)
			require.Equal(t, f.Operations, f.Gets, "nothing but the requests of the run is counted")
			require.LessOrEqual(t, f.Hits, f.Gets)
			require.LessOrEqual(t, f.PoolHits, f.PoolGets)
			if row.Name == Stdlib || row.Name == "noop" {
				require.Zero(t, f.PoolHits)
			}
		}
	}
	left, err := filepath.Glob(filepath.Join(dir, "*"))
	require.NoError(t, err)
	require.Empty(t, left, "directories of runs are removed")
}

// TestTheHotSetIsThere from the first counted request on.
func TestTheHotSetIsThere(t *testing.T) {
	w := small()
	w.HitRatio = 1
	rows, err := Run(t.Context(), w, nil, nil)
	require.NoError(t, err)
	for _, f := range rows[0].Runs {
		require.Equal(t, f.Gets, f.Hits)
		require.Zero(t, f.PoolGets, "the memory tier hands its blocks out as they are")
	}
}

func TestABrokenStrategyIsReportedAndNotMeasured(t *testing.T) {
	w := onDisk(t)
	rows, err := Run(t.Context(), w, []string{"damages", "syncpool", "panics", "closed"}, nil)
	require.NoError(t, err)
	for i, want := range []string{"", "wrong bytes from", "", "fell off the wheel", "out of acorns"} {
		if want == "" {
			require.NoError(t, rows[i].Failed)
			require.Len(t, rows[i].Runs, w.Rounds)
			continue
		}
		require.ErrorContains(t, rows[i].Failed, want)
		require.Empty(t, rows[i].Runs)
	}
	r := NewReport(rows, nil, w.Rounds)
	require.Equal(t, w.Rounds, r.Rounds())
	require.Len(t, r.measured(), 2)
}

// TestWhatIsAllocatedIsSeen: the planted strategy allocates 1 MiB a miss.
func TestWhatIsAllocatedIsSeen(t *testing.T) {
	w := onDisk(t)
	w.HitRatio, w.Duration = 0, 20*time.Millisecond
	rows, err := Run(t.Context(), w, []string{"wastes", "syncpool"}, nil)
	require.NoError(t, err)
	ranked := bytesPerOp.ranked([]*Row{&rows[1], &rows[0], &rows[2]})
	require.Equal(t, "wastes", ranked[2].Name)
	require.Greater(t, bytesPerOp.summary(ranked[2]).Low, 1e6)
	require.NotEqual(t, "wastes", ranked[0].Name)
}

func TestAnInterruptedComparisonKeepsWholeRounds(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	ctx, cancel := context.WithCancel(t.Context())
	w := small()
	w.Rounds = 100
	runs := 0
	rows, err := Run(ctx, w, []string{"noop"}, func() {
		if runs++; runs == 5 {
			cancel()
		}
	})
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, 5, runs)
	for _, row := range rows {
		require.Len(t, row.Runs, 2)
		require.NoError(t, row.Failed, "an interrupt is no fault of the strategy")
	}
}

func TestATierThatCannotBeOpenedIsAnError(t *testing.T) {
	w := small()
	w.Tiers = append(w.Tiers, Tier{Disk: true, MaxBytes: 1, Dir: filepath.Join(t.TempDir(), "none")})
	_, err := Run(t.Context(), w, nil, nil)
	require.ErrorIs(t, err, os.ErrNotExist)
	require.ErrorContains(t, err, "stdlib: disk tier")
}

func TestAStrategyThatHangsEndsTheComparison(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &clients{each: make([]client, 2)}
		wait := make(chan struct{})
		require.ErrorIs(t, c.all(grace, func(*client) { <-wait }), errHangs)
		close(wait)
	})
}

func TestThePeakIsSeen(t *testing.T) {
	runtime.GC()
	first := watchHeap().end()
	p := watchHeap()
	block := make([]byte, 64<<20)
	most := p.end() // looks once more
	runtime.KeepAlive(block)
	require.GreaterOrEqual(t, most, first+60<<20)
}
