package cache_test

import (
	"io"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/daramjwee/daramjwee/cache"
)

// TestClientsThatLeaveNoDescriptors behind, wherever they leave a fill on disk.
func TestClientsThatLeaveNoDescriptors(t *testing.T) {
	descriptors := func() int {
		all, err := os.ReadDir("/proc/self/fd")
		require.NoError(t, err)
		return len(all)
	}
	each(t, func(t *testing.T, s cache.Option) {
		c := opened(t, s, cache.WithTiers(tiers["disk"](t)), cache.WithFinish(-1, 100))
		o := &origin{body: string(pattern(3000))}
		before := descriptors()
		for k := range 3000 {
			var both [2]*cache.Response // one who leads, and one who reads along
			for i := range both {
				r, err := c.Get(ctx, "k", o)
				require.NoError(t, err)
				_, err = io.ReadFull(r, make([]byte, k/(2-i)))
				require.NoError(t, err)
				both[i] = r
			}
			require.True(t, both[1].Status().Collapsed)
			require.Greater(t, descriptors(), before)
			require.NoError(t, both[k%2].Close())
			require.NoError(t, both[1-k%2].Close())
		}
		require.Equal(t, before, descriptors())
		require.EqualValues(t, 3000, c.Stats().Aborts)
	})
}
