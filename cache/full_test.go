package cache_test

import (
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/daramjwee/daramjwee/cache"
	"github.com/daramjwee/daramjwee/cache/store"
	"github.com/daramjwee/daramjwee/cache/store/disk"
	"github.com/daramjwee/daramjwee/cache/store/memory"
)

// TestTierFullOfReaders: what finds no room beside them goes to the next tier, or
// past the cache; and that is not held against the key.
func TestTierFullOfReaders(t *testing.T) {
	each(t, func(t *testing.T, s cache.Option) {
		const size = 700_000
		small, err := memory.New(memory.Options{MaxBytes: 1 << 20})
		require.NoError(t, err)
		below, err := disk.Open(t.TempDir(), disk.Options{MaxBytes: 256 << 20})
		require.NoError(t, err)
		for detail, tiers := range map[string][]store.Store{"": {small}, "disk": {small, below}} {
			c := opened(t, s, cache.WithTiers(tiers...))
			o := &origin{body: string(pattern(size)), meta: store.Metadata{Size: size}}
			read(t, c, "read", o)
			slow, err := c.Get(ctx, "read", o)
			require.NoError(t, err)
			require.True(t, slow.Status().Hit)

			body, st := read(t, c, "k", o)
			require.Equal(t, o.body, body)
			require.Equal(t, detail == "disk", st.Stored)
			_, st = read(t, c, "k", o)
			require.Equal(t, detail == "disk", st.Hit)

			rest, err := io.ReadAll(slow)
			require.NoError(t, err)
			require.Equal(t, o.body, string(rest))
			require.NoError(t, slow.Close())
			first, err := c.Get(ctx, "k", o)
			require.NoError(t, err)
			_, st = read(t, c, "k", o)
			require.True(t, st.Collapsed || st.Hit, "there is room now, and so it is shared")
			require.NoError(t, first.Close())
			_, st = read(t, c, "k", o)
			require.True(t, st.Hit)
			require.NoError(t, small.Delete(ctx, "k"))
			require.NoError(t, small.Delete(ctx, "read"))
		}
	})
}
