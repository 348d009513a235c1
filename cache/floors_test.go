package cache

import (
	"context"
	"io"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/daramjwee/daramjwee/cache/store"
	"github.com/daramjwee/daramjwee/cache/store/memory"
)

func TestFloors(t *testing.T) {
	c := openedHere(t)
	f := &c.keys.floors
	require.False(t, f.may("a"))
	f.add("a", 1)
	f.add("b", 1)
	require.True(t, f.may("a"))
	require.True(t, f.may("b"))
	f.add("a", -1)
	require.Equal(t, f.of("a") == f.of("b"), f.may("a"))
	f.add("b", -1)
	require.False(t, f.may("b"))
}

// A hit does without the lock of all keys while another key has a floor: this hangs
// where it does not.
func TestHitBesideAFloor(t *testing.T) {
	c := openedHere(t)
	w, err := c.Set(context.Background(), "k", store.Metadata{})
	require.NoError(t, err)
	_, err = io.WriteString(w, "body")
	require.NoError(t, err)
	require.NoError(t, w.Commit(context.Background()))
	other := "other"
	for i := 0; c.keys.floors.of(other) == c.keys.floors.of("k"); i++ {
		other = strconv.Itoa(i)
	}
	set := c.keys.begin(other)
	set.raise()
	c.keys.mu.Lock()
	r, err := c.Lookup(context.Background(), "k")
	c.keys.mu.Unlock()
	require.NoError(t, err)
	got, err := io.ReadAll(r)
	require.NoError(t, err)
	require.Equal(t, "body", string(got))
	require.NoError(t, r.Close())
	set.end()
	require.Zero(t, c.keys.floors.all.Load())
}

func openedHere(t *testing.T) *DaramjweeCache {
	t.Helper()
	s, err := memory.New(memory.Options{})
	require.NoError(t, err)
	c, err := New(WithTiers(s))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	return c
}
