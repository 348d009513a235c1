package conformance

import (
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/daramjwee/daramjwee/strategy"
)

// racing is a pool whose fault is a data race, and the rule whose calls have it.
// Without -race, all or most of these pass.
type racing struct {
	name string
	rule string
	open strategy.Factory
}

// unlocked is a backend without a lock.
type unlocked struct{ buf [][]byte }

func (u *unlocked) Take() []byte {
	last := len(u.buf) - 1
	if last < 0 {
		return nil
	}
	b := u.buf[last]
	u.buf = u.buf[:last]
	return b
}

func (u *unlocked) Keep(b []byte) bool {
	u.buf = append(u.buf, b)
	return true
}

func racingPools() []racing {
	return []racing{
		{"has no lock", "get/synchronised", func(cfg strategy.BufferPoolConfig) (strategy.BufferPool, error) {
			return strategy.NewPool(cfg, func(int) strategy.Backend { return &unlocked{} })
		}},
		{"counts Gets in a plain integer", "get/exclusive", bent(func(l *liar) {
			var gets int
			l.get = func(n int) []byte {
				gets++
				return l.DefaultBufferPool.Get(n)
			}
		})},
		{"writes to a buffer that it has kept", "get/synchronised", bent(func(l *liar) {
			l.put = func(buf []byte) {
				l.DefaultBufferPool.Put(buf)
				if cap(buf) > 0 {
					whole(buf)[cap(buf)-1] = 0
				}
			}
		})},
		{"reads unguarded what Get writes, for its Stats", "stats/load", bent(func(l *liar) {
			largest := make([]int, 1)
			l.get = func(n int) []byte {
				if n > largest[0] {
					largest[0] = n
				}
				return l.DefaultBufferPool.Get(n)
			}
			l.stats = func() strategy.BufferPoolStats {
				s := l.DefaultBufferPool.Stats()
				if largest[0] < 0 {
					s.TotalGets = 0
				}
				return s
			}
		})},
		{"sets a plain flag in Close", "close/held", bent(func(l *liar) {
			closed := false
			l.close = func() error {
				closed = true
				return l.DefaultBufferPool.Close()
			}
			l.put = func(buf []byte) {
				if closed {
					buf = buf[:len(buf):len(buf)]
				}
				l.DefaultBufferPool.Put(buf)
			}
		})},
		{"notes the last copy", "copy/concurrent", bent(func(l *liar) {
			var last int64
			l.copy = func(dst io.Writer, src io.Reader) (int64, error) {
				n, err := l.DefaultBufferPool.CopyBuffer(dst, src)
				last = n
				return n + last - n, err
			}
		})},
		// Not a liar: the suite itself must not race.
		{"is honest", "", straight},
	}
}

const racingName = "CONFORMANCE_RACING"

// TestRacingPools has each run in a process of its own, which the race detector
// ends with its exit code.
func TestRacingPools(t *testing.T) {
	if !raceEnabled {
		t.Skip("needs -race")
	}
	for _, r := range racingPools() {
		t.Run(r.name, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestRacingPoolAlone$", "-test.timeout=2m")
			cmd.Env = append(os.Environ(), racingName+"="+r.name, "GORACE=halt_on_error=1 exitcode=66")
			out, err := cmd.CombinedOutput()
			if r.rule == "" {
				require.NoError(t, err, "%s", out)
				require.NotContains(t, string(out), "DATA RACE")
				return
			}
			require.Equal(t, 66, cmd.ProcessState.ExitCode(), "%s", out)
			require.Contains(t, string(out), "DATA RACE")
			report, _, _ := strings.Cut(string(out), "Goroutine ")
			require.Regexp(t, `conformance\.(racingPools|\(\*unlocked\))`, report, "the race is the pool's, not the suite's")
		})
	}
}

// TestRacingPoolAlone is the child process. A race needs two accesses with nothing
// in between that orders them, which the suite's own locks may happen to do: so
// the rule is run a few times.
func TestRacingPoolAlone(t *testing.T) {
	name := os.Getenv(racingName)
	if name == "" {
		t.Skip("it is what TestRacingPools runs in processes of their own")
	}
	all := racingPools()
	liar := all[slices.IndexFunc(all, func(r racing) bool { return r.name == name })]
	times := 10
	if liar.rule == "" {
		times = 1
	}
	for range times {
		for _, r := range rulesFor(honest) {
			if concurrent := slices.ContainsFunc(all, func(o racing) bool { return o.rule == r.ID }); r.ID == liar.rule || liar.rule == "" && concurrent {
				r.check(liar.open, honest)
			}
		}
	}
}
