package compare

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// small is a workload that takes no time to speak of.
func small() Workload {
	return Workload{
		Sizes: Sizes{{Low: 1, High: 200 << 10, Weight: 1}}, Keys: 32, HitRatio: 0.7,
		Tiers: []Tier{{MaxBytes: 8 << 20}}, Clients: 3,
		Duration: 5 * time.Millisecond, Rounds: 2, Seed: 7,
	}
}

func TestAllRunsAskForTheSame(t *testing.T) {
	w := small()
	a, b := w.requests(), w.requests()
	hot := 0
	fresh := make(map[string]bool)
	const n = 10_000
	for i := range uint64(n) {
		o := a.at(i)
		require.Equal(t, o, b.at(i))
		if a.hot[0].key == o.key {
			require.Equal(t, a.hot[0], o)
		}
		if a.at(i) == o { // the same object
			hot++
			continue
		}
		require.False(t, fresh[o.key], "asked for before")
		fresh[o.key] = true
	}
	require.InDelta(t, 0.7, float64(hot)/n, 0.02)
	for _, o := range a.hot {
		require.False(t, fresh[o.key])
	}

	w.Seed++
	require.NotEqual(t, a.at(0).at, w.requests().at(0).at)
}

func TestHotBytes(t *testing.T) {
	w := small()
	var sum int64
	for _, o := range w.requests().hot {
		sum += o.size
	}
	require.Equal(t, sum, w.HotBytes())
}

// TestWhatAFreshRequestAllocates is what the package comment says, and that a hot
// one has nothing allocated by the workload.
func TestWhatAFreshRequestAllocates(t *testing.T) {
	w := small()
	w.HitRatio = 0
	r := w.requests()
	i := uint64(1000) // the texts of small numbers are not allocated
	fresh := testing.AllocsPerRun(1000, func() {
		i++
		res, err := r.at(i).Fetch(t.Context(), nil)
		if err != nil || res.Metadata.Size < 1 {
			panic(err)
		}
	})
	require.LessOrEqual(t, fresh, 4.0)
	r.HitRatio = 1
	require.Zero(t, testing.AllocsPerRun(1000, func() { i++; r.at(i) }))
}
