package noop_test

import (
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/daramjwee/daramjwee/strategy"
	"github.com/daramjwee/daramjwee/strategy/noop"
)

func TestIsTheStandardLibraryAndStillCounts(t *testing.T) {
	p, err := strategy.New(strategy.BufferPoolConfig{Enabled: true, Strategy: noop.Name})
	require.NoError(t, err)
	a := p.Get(0)
	p.Put(a)
	b := p.Get(0)
	require.NotSame(t, &a[0], &b[0])
	require.IsType(t, io.TeeReader(nil, nil), p.TeeReader(nil, nil))
	_, err = p.CopyBuffer(io.Discard, strings.NewReader("bytes"))
	require.NoError(t, err)
	require.Equal(t, strategy.BufferPoolStats{TotalGets: 2, TotalPuts: 1, PoolMisses: 2, ActiveBuffers: 1, Discards: 1}, p.Stats())
}
