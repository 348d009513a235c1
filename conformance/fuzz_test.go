package conformance

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/daramjwee/daramjwee/strategy"
)

func FuzzHonest(f *testing.F) { FuzzBufferPool(f, straight, honest) }

// TestModelReplays: the bytes that a failure prints fail again, alone.
func TestModelReplays(t *testing.T) {
	short := bent(func(l *liar) {
		l.get = func(n int) []byte {
			if buf := l.DefaultBufferPool.Get(n); n != 513 {
				return buf
			}
			return make([]byte, 512)
		}
	})
	replay := func(open strategy.Factory, ops []byte) []*Violation {
		r := poolRule{Rule: Rule{ID: "model"}, run: func(c *poolCheck) { newModel(c).replay(ops) }}
		return r.check(open, honest)
	}
	ops := sequence(0)
	require.Empty(t, replay(straight, ops))
	found := replay(short, ops)
	require.Len(t, found, 1)
	require.Contains(t, found[0].Where, "Get(513), the last operation of")
	n := 2
	for ; len(replay(short, ops[:n])) == 0; n += 2 {
	}
	require.Contains(t, found[0].Where, fmt.Sprintf("[]byte(%q)", ops[:n]), "what is printed is the shortest that fails")
	require.Equal(t, found[0].Where, replay(short, ops[:n])[0].Where)
}

const plantedFault = "CONFORMANCE_PLANTED_FAULT"

// FuzzPlanted has a pool that is wrong for a Get of 0 after two copies in a row, which no seed
// has. Only TestFuzzFindsAPlantedFault runs it.
func FuzzPlanted(f *testing.F) {
	if os.Getenv(plantedFault) == "" {
		f.Skip("it has a fault on purpose")
	}
	FuzzBufferPool(f, bent(func(l *liar) {
		copies := 0
		l.copy = func(dst io.Writer, src io.Reader) (int64, error) {
			copies++
			return l.DefaultBufferPool.CopyBuffer(dst, src)
		}
		l.put = func(buf []byte) {
			copies = 0
			l.DefaultBufferPool.Put(buf)
		}
		l.get = func(n int) []byte {
			buf := l.DefaultBufferPool.Get(n)
			if copies >= 2 && n == 0 {
				buf = buf[1:]
			}
			copies = 0
			return buf
		}
	}), honest)
}

// TestFuzzFindsAPlantedFault runs the fuzzer itself, in a process and a directory
// of its own. Coverage does not guide it there, which go test -fuzz would add.
func TestFuzzFindsAPlantedFault(t *testing.T) {
	if raceEnabled {
		t.Skip("the time that it may take is that without -race")
	}
	dir := t.TempDir()
	run := func(args ...string) (string, error) {
		cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), plantedFault+"=1")
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	out, err := run("-test.run=^FuzzPlanted$")
	require.NoError(t, err, "the seeds do not find it: %s", out)

	out, err = run("-test.run=^$", "-test.fuzz=^FuzzPlanted$", "-test.fuzztime=10s", "-test.fuzzminimizetime=10x", "-test.fuzzcachedir="+dir)
	require.Error(t, err, out)
	require.Contains(t, out, "conformance: model: ")
	require.Contains(t, out, "len(Get(0)) = 255, want 256")

	kept, err := filepath.Glob(filepath.Join(dir, "testdata/fuzz/FuzzPlanted/*"))
	require.NoError(t, err)
	require.Len(t, kept, 1)
	out, err = run("-test.run=^FuzzPlanted$/^" + filepath.Base(kept[0]) + "$")
	require.Error(t, err, "what was kept fails again")
	require.Contains(t, out, "len(Get(0)) = 255, want 256")
}
