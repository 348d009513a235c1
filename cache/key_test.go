package cache_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/daramjwee/daramjwee/cache"
	"github.com/daramjwee/daramjwee/cache/store/disk"
)

// FuzzKey: any key at all is stored, found, persisted and deleted as itself.
func FuzzKey(f *testing.F) {
	for _, key := range []string{"", "k", ".", "..", "../../etc/passwd", "a/b", "a\x00b", "\xff\xfe", "CON", "k ", strings.Repeat("x", 5000)} {
		f.Add(key)
	}
	f.Fuzz(func(t *testing.T, key string) {
		far, err := disk.Open(t.TempDir(), disk.Options{MaxBytes: 1 << 20})
		require.NoError(t, err)
		near := memoryTier(t)
		c := opened(t, cache.WithTiers(near, far))
		o, other := &origin{body: "of this key"}, &origin{body: "of another"}
		for range 2 {
			got, _ := read(t, c, key, o)
			require.Equal(t, o.body, got)
			got, _ = read(t, c, key+"\x00", other)
			require.Equal(t, other.body, got)
		}
		require.EqualValues(t, 1, o.fetches.Load())
		require.NoError(t, c.Delete(ctx, key))
		_, err = c.Lookup(ctx, key)
		require.ErrorIs(t, err, cache.ErrNotFound)
		got, st := read(t, c, key+"\x00", other)
		require.Equal(t, other.body, got)
		require.True(t, st.Hit)
	})
}
