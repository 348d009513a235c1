package memory_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/daramjwee/daramjwee/cache/store"
	"github.com/daramjwee/daramjwee/cache/store/memory"
	"github.com/daramjwee/daramjwee/strategy"
)

// TestReplacedKeyIsAlwaysFound fails for an index that takes the old entry out
// before it has the new one.
func TestReplacedKeyIsAlwaysFound(t *testing.T) {
	ctx := context.Background()
	s, err := memory.New(memory.Options{MaxBytes: 1 << 20, BufferPool: strategy.DefaultConfig()})
	require.NoError(t, err)
	defer s.Close()
	set := func() {
		w, err := s.Create(ctx, "key", store.Metadata{Size: 3})
		require.NoError(t, err)
		_, err = strings.NewReader("abc").WriteTo(w)
		require.NoError(t, err)
		require.NoError(t, w.Commit(ctx))
	}
	set()
	var done atomic.Bool
	missed := make(chan error)
	go func() {
		defer close(missed)
		for !done.Load() {
			e, err := s.Open(ctx, "key")
			if err == nil {
				err = e.Close()
			}
			if err != nil {
				missed <- err
				return
			}
		}
	}()
	for range 20_000 {
		set()
		select {
		case err := <-missed:
			require.NoError(t, err)
		default:
		}
	}
	done.Store(true)
	require.NoError(t, <-missed)
}
