package memory_test

import (
	"context"
	"encoding/binary"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/daramjwee/daramjwee/cache/store"
	"github.com/daramjwee/daramjwee/cache/store/memory"
	"github.com/daramjwee/daramjwee/strategy"
	_ "github.com/daramjwee/daramjwee/strategy/bytebuffer"
	_ "github.com/daramjwee/daramjwee/strategy/channel"
	_ "github.com/daramjwee/daramjwee/strategy/noop"
	_ "github.com/daramjwee/daramjwee/strategy/syncpool"
)

var ctx = context.Background()

// The pools of these tests have two classes, so that bodies of a few KiB show
// every case.
const (
	block = 4 << 10
	small = 1 << 10
)

// each runs a test once per strategy and once without pooling. Blocks are zeroed
// when they come back and no pattern has a zero, so that a block that was put too
// early shows. In the end everything must be back, exactly once.
func each(t *testing.T, max int64, test func(t *testing.T, s *memory.Store)) {
	for _, name := range append(strategy.Names(), "disabled") {
		t.Run("strategy="+name, func(t *testing.T) {
			config := strategy.BufferPoolConfig{DefaultBufferSize: block, MinBufferSize: small, MaxBufferSize: block, Scrub: true}
			if name != "disabled" {
				config.Enabled, config.Strategy = true, name
			}
			s, err := memory.New(memory.Options{MaxBytes: max, BufferPool: config})
			require.NoError(t, err)
			test(t, s)
			require.NoError(t, s.Close())
			require.NoError(t, s.Close(), "twice is once")
			requireSettled(t, s)
			got := s.Stats()
			require.Zero(t, got.Entries+got.Bytes, "%+v", got)
		})
	}
}

// requireSettled wants no buffer to be out but those of committed entries, and
// no buffer ever to have come back twice or dirty.
func requireSettled(t *testing.T, s *memory.Store) {
	t.Helper()
	got := s.Stats()
	require.Zero(t, got.StagedBytes, "%+v", got)
	require.Zero(t, got.PinnedBytes, "%+v", got)
	require.Zero(t, got.BufferPool.DoublePuts, "%+v", got)
	require.Zero(t, got.BufferPool.Damaged, "%+v", got)
	if got.Entries == 0 {
		require.Zero(t, got.BufferPool.ActiveBuffers, "%+v", got)
		require.Equal(t, got.BufferPool.TotalGets, got.BufferPool.TotalPuts, "%+v", got)
	}
}

// pattern is a body that no other seed has in any 16 bytes. It has no zeros.
func pattern(seed uint64, n int) []byte {
	b := make([]byte, 0, n+16)
	for i := uint64(0); len(b) < n; i++ {
		b = binary.BigEndian.AppendUint64(b, (seed+1)*0x9e3779b97f4a7c15|0x0101010101010101)
		b = binary.BigEndian.AppendUint64(b, (i+1)*0xbf58476d1ce4e5b9|0x0101010101010101)
	}
	return b[:n:n]
}

func create(t *testing.T, s *memory.Store, key string, size int64) store.Writer {
	t.Helper()
	w, err := s.Create(ctx, key, store.Metadata{Size: size})
	require.NoError(t, err)
	return w
}

// put stores an entry of a declared size, or of an unknown one when size is -1.
func put(t *testing.T, s *memory.Store, key string, size int64, data []byte) {
	t.Helper()
	w := create(t, s, key, size)
	defer w.Abort()
	n, err := w.Write(data)
	require.NoError(t, err)
	require.Equal(t, len(data), n)
	require.NoError(t, w.Commit(ctx))
}

func open(t *testing.T, s *memory.Store, key string) store.Entry {
	t.Helper()
	e, err := s.Open(ctx, key)
	require.NoError(t, err)
	return e
}

func get(t *testing.T, s *memory.Store, key string) []byte {
	t.Helper()
	e := open(t, s, key)
	defer e.Close()
	data, err := io.ReadAll(e)
	require.NoError(t, err)
	return data
}

func has(t *testing.T, s *memory.Store, key string) bool {
	t.Helper()
	_, err := s.Stat(ctx, key)
	if err != nil {
		require.ErrorIs(t, err, store.ErrNotFound)
	}
	return err == nil
}

// onlyReader and onlyWriter hide what io.Copy prefers.
type (
	onlyReader struct{ io.Reader }
	onlyWriter struct{ io.Writer }
)

type writerFunc func(p []byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

type readerFunc func(p []byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
