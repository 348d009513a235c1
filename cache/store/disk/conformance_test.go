package disk

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/daramjwee/daramjwee/cache/store"
	"github.com/daramjwee/daramjwee/conformance"
)

func TestConformance(t *testing.T) {
	var dir string
	o := Options{MaxBytes: 16 << 20}
	conformance.TestStore(t, func(t testing.TB) store.Store {
		dir = t.TempDir()
		s, err := Open(dir, o)
		require.NoError(t, err)
		return s
	}, conformance.StoreOptions{MaxBytes: o.MaxBytes, Reopen: func() (store.Store, error) { return Open(dir, o) }})
}
