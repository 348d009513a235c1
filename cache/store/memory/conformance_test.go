package memory_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/daramjwee/daramjwee/cache/store"
	"github.com/daramjwee/daramjwee/cache/store/memory"
	"github.com/daramjwee/daramjwee/conformance"
	"github.com/daramjwee/daramjwee/strategy"
)

func TestConformance(t *testing.T) {
	for _, pool := range append(strategy.Names(), "disabled") {
		t.Run("strategy="+pool, func(t *testing.T) {
			o := memory.Options{MaxBytes: 16 << 20, BufferPool: strategy.BufferPoolConfig{Enabled: pool != "disabled", Scrub: true}}
			if pool != "disabled" {
				o.BufferPool.Strategy = pool
			}
			conformance.TestStore(t, func(t testing.TB) store.Store {
				s, err := memory.New(o)
				require.NoError(t, err)
				return s
			}, conformance.StoreOptions{MaxBytes: o.MaxBytes})
		})
	}
}
