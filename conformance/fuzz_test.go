package conformance

import (
	"fmt"
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
