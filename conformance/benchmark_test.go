package conformance

import (
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/daramjwee/daramjwee/strategy"
	_ "github.com/daramjwee/daramjwee/strategy/bytebuffer"
	_ "github.com/daramjwee/daramjwee/strategy/channel"
	_ "github.com/daramjwee/daramjwee/strategy/noop"
	_ "github.com/daramjwee/daramjwee/strategy/syncpool"
)

func BenchmarkHonest(b *testing.B) { BenchmarkBufferPool(b, straight) }

func BenchmarkRegistered(b *testing.B) { BenchmarkStrategies(b) }

// TestBenchmarkNoticesWhatItDidNotMeasure: of a pool that does not do, or does
// not count, what is measured, there is no figure.
func TestBenchmarkNoticesWhatItDidNotMeasure(t *testing.T) {
	benchtime := flag.Lookup("test.benchtime").Value.String()
	require.NoError(t, flag.Set("test.benchtime", "20x"))
	defer flag.Set("test.benchtime", benchtime)

	getPut := func(m *measure, b *testing.B) { m.getPut(b, 2, mixedSize) }
	copying := func(m *measure, b *testing.B) { m.copy(b, 256<<10) }
	teeing := func(m *measure, b *testing.B) { m.tee(b, 1<<10) }
	iterations := func(open strategy.Factory, op func(*measure, *testing.B)) int {
		return testing.Benchmark(func(b *testing.B) { op(&measure{open: open, counted: true}, b) }).N
	}
	for name, op := range map[string]func(*measure, *testing.B){"get-put": getPut, "copy": copying, "tee": teeing} {
		require.Equal(t, 20, iterations(straight, op), name)
	}

	for name, lie := range map[string]struct {
		open strategy.Factory
		op   func(*measure, *testing.B)
	}{
		"counts nothing": {openFloor, getPut},
		"counts a Get too many": {bent(func(l *liar) {
			l.get = func(n int) []byte {
				l.DefaultBufferPool.Put(l.DefaultBufferPool.Get(1))
				return l.DefaultBufferPool.Get(n)
			}
		}), getPut},
		"counts every second Put": {bent(func(l *liar) {
			var calls atomic.Int64
			l.put = func(buf []byte) {
				if calls.Add(1)%2 == 0 {
					l.DefaultBufferPool.Put(buf)
				}
			}
		}), getPut},
		"copies a part": {bent(func(l *liar) {
			l.copy = func(dst io.Writer, src io.Reader) (int64, error) {
				return l.DefaultBufferPool.CopyBuffer(dst, io.LimitReader(src, 100))
			}
		}), copying},
		"keeps the buffer of a copy": {bent(func(l *liar) {
			l.copy = func(dst io.Writer, src io.Reader) (int64, error) {
				l.DefaultBufferPool.Get(1)
				return l.DefaultBufferPool.CopyBuffer(dst, src)
			}
		}), copying},
		"draws on the pool for every second copy": {bent(func(l *liar) {
			var calls atomic.Int64
			l.copy = func(dst io.Writer, src io.Reader) (int64, error) {
				if calls.Add(1)%2 == 0 {
					return io.Copy(dst, src)
				}
				return l.DefaultBufferPool.CopyBuffer(dst, src)
			}
		}), copying},
		"tees nothing": {bent(func(l *liar) {
			l.tee = func(io.Reader, io.Writer) io.Reader { return strings.NewReader("") }
		}), teeing},
		"cannot be opened": {func(strategy.BufferPoolConfig) (strategy.BufferPool, error) { return nil, io.EOF }, getPut},
	} {
		require.Zero(t, iterations(lie.open, lie.op), "a pool that %s", name)
	}
}

// TestBenchmarkGrid runs the whole grid once, as benchstat gets it.
func TestBenchmarkGrid(t *testing.T) {
	if raceEnabled {
		t.Skip("what the race detector measures is no figure")
	}
	out, err := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^$", "-test.bench=^BenchmarkRegistered$", "-test.benchtime=1x").CombinedOutput()
	require.NoError(t, err, "%s", out)
	line := regexp.MustCompile(`(?m)^BenchmarkRegistered/(strategy=[a-z]+/op=[a-z-]+/size=[0-9a-zA-Z]+/procs=\d+)(?:-\d+)?\s+1\s(.*)$`)
	units := make(map[string]string)
	for _, m := range line.FindAllStringSubmatch(string(out), -1) {
		require.NotContains(t, units, m[1])
		units[m[1]] = m[2]
	}
	want := 0
	see := func(name string, more ...string) {
		want++
		require.Contains(t, units, name)
		for _, unit := range append(more, "ns/op", "B/op", "allocs/op", "collections/op", "pause-ns/op") {
			require.Contains(t, units[name], " "+unit, name)
		}
	}
	for _, name := range append(strategy.Names(), "floor", "make") {
		var hits []string
		if name != "floor" && name != "make" {
			hits = []string{"hits/get"}
		}
		for _, size := range []string{"512B", "4KiB", "32KiB", "64KiB", "1MiB", "mixed"} {
			see(fmt.Sprintf("strategy=%s/op=get-put/size=%s/procs=1", name, size), hits...)
			if n := runtime.NumCPU(); n > 1 {
				see(fmt.Sprintf("strategy=%s/op=get-put/size=%s/procs=%d", name, size, n), hits...)
			}
		}
		if name == "noop" {
			hits = nil // its copies are io.Copy, without a Get
		}
		for _, size := range []string{"1KiB", "32KiB", "256KiB", "1MiB"} {
			see(fmt.Sprintf("strategy=%s/op=copy/size=%s/procs=1", name, size), append(hits, "MB/s")...)
			see(fmt.Sprintf("strategy=%s/op=tee/size=%s/procs=1", name, size), append(hits, "MB/s")...)
		}
	}
	require.Len(t, units, want, "nothing else is measured")
}
