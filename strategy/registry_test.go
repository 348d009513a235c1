package strategy_test

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/daramjwee/daramjwee/strategy"
)

var names atomic.Int64

// uniqueName keeps the tests of one process, repeated ones too, out of each
// other's way: a registration is for good.
func uniqueName(t *testing.T) string { return fmt.Sprintf("%s-%d", t.Name(), names.Add(1)) }

func open(c config) (strategy.BufferPool, error) { return strategy.NewPool(c, nil) }

func TestRegisterPanics(t *testing.T) {
	require.PanicsWithValue(t, "strategy: Register with an empty name", func() { strategy.Register("", open) })
	name := uniqueName(t)
	require.Panics(t, func() { strategy.Register(name, nil) })
	strategy.Register(name, open)
	require.PanicsWithValue(t, "strategy: Register called twice for "+name, func() { strategy.Register(name, open) })
}

func TestFactoryGetsTheConfigurationInEffect(t *testing.T) {
	name := uniqueName(t)
	var got config
	strategy.Register(name, func(c config) (strategy.BufferPool, error) { got = c; return open(c) })
	_, err := strategy.New(config{Enabled: true, Strategy: name, DefaultBufferSize: 8 << 10})
	require.NoError(t, err)
	require.Equal(t, config{Enabled: true, Strategy: name, DefaultBufferSize: 8 << 10}.WithDefaults(), got)
}

func TestNamesAreSortedAndTheCallersOwn(t *testing.T) {
	got := strategy.Names()
	require.True(t, slices.IsSorted(got))
	require.Subset(t, got, []string{"bytebuffer", "channel", "noop", "syncpool"})
	got[0] = "overwritten"
	require.NotContains(t, strategy.Names(), "overwritten")
}

func TestRegistryUnderConcurrency(t *testing.T) {
	var wg sync.WaitGroup
	for range 16 {
		name := uniqueName(t)
		wg.Go(func() {
			strategy.Register(name, open)
			p, err := strategy.New(config{Enabled: true, Strategy: name})
			if err != nil || p == nil || !slices.Contains(strategy.Names(), name) {
				t.Errorf("%s: %v, %v", name, p, err)
			}
		})
	}
	wg.Wait()
}
