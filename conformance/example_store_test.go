package conformance_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/daramjwee/daramjwee/cache/store"
	"github.com/daramjwee/daramjwee/cache/store/memory"
	"github.com/daramjwee/daramjwee/conformance"
	"github.com/daramjwee/daramjwee/strategy"
)

// The whole test of a cache tier. One that keeps its entries past Close says how
// to open it again in StoreOptions.Reopen.
func ExampleTestStore() {
	o := memory.Options{MaxBytes: 16 << 20, BufferPool: strategy.DefaultConfig()}
	var TestTier = func(t *testing.T) {
		conformance.TestStore(t, func(t testing.TB) store.Store {
			tier, err := memory.New(o)
			require.NoError(t, err)
			return tier
		}, conformance.StoreOptions{MaxBytes: o.MaxBytes})
	}
	_ = TestTier
}
