package strategy_test

import (
	"bytes"
	"io"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/daramjwee/daramjwee/strategy"
)

// offered notes what its Reads are offered.
type offered struct {
	r     io.Reader
	sizes []int
	slack bool // a slice with more capacity than length
}

func (o *offered) Read(p []byte) (int, error) {
	o.sizes = append(o.sizes, len(p))
	o.slack = o.slack || len(p) != cap(p)
	return o.r.Read(p)
}

type sized struct {
	*offered
	n int
}

func (s sized) Len() int { return s.n }

func TestCopyBufferAsksForWhatIsKnownToCome(t *testing.T) {
	abc := func() *offered { return &offered{r: strings.NewReader("abc")} }
	for name, tc := range map[string]struct {
		src           func(*offered) io.Reader
		asked, offers int
	}{
		"unknown":       {func(o *offered) io.Reader { return o }, 0, 32 << 10},
		"limited":       {func(o *offered) io.Reader { return io.LimitReader(o, 100) }, 100, 100},
		"limited large": {func(o *offered) io.Reader { return io.LimitReader(o, 1<<40) }, 64 << 10, 64 << 10},
		"limited Len":   {func(o *offered) io.Reader { return io.LimitReader(sized{o, 5000}, 1<<40) }, 5000, 32 << 10},
		"Len":           {func(o *offered) io.Reader { return sized{o, 3} }, 3, 4 << 10},
		"Len large":     {func(o *offered) io.Reader { return sized{o, math.MaxInt} }, 64 << 10, 64 << 10},
		"Len of none":   {func(o *offered) io.Reader { return sized{o, 0} }, 1, 4 << 10},
		"Len negative":  {func(o *offered) io.Reader { return sized{o, -1} }, 0, 32 << 10},
	} {
		p, o := new(poisonPool), abc()
		n, err := p.CopyBuffer(plainWriter{io.Discard}, tc.src(o))
		require.NoError(t, err)
		require.EqualValues(t, 3, n)
		require.Equal(t, []int{tc.asked}, p.gets, name)
		require.Equal(t, tc.offers, o.sizes[0], "%s: the whole class is to be read with", name)
		require.False(t, o.slack && !strings.HasPrefix(name, "limited"), "%s: a Read could see beyond its slice", name)
	}
	p := new(poisonPool)
	n, err := p.CopyBuffer(plainWriter{io.Discard}, io.LimitReader(abc(), 0))
	require.NoError(t, err)
	require.Zero(t, n)
	require.Equal(t, []int{1}, p.gets)
}

// TestCopyBufferAsksNoMoreThanThePoolKeeps: a larger buffer would be allocated
// for every copy.
func TestCopyBufferAsksNoMoreThanThePoolKeeps(t *testing.T) {
	c := config{Enabled: true, DefaultBufferSize: 8 << 10, MaxBufferSize: 16 << 10}
	p, _ := opened(t, c)
	for range 3 {
		_, err := p.CopyBuffer(plainWriter{io.Discard}, io.LimitReader(plainReader{bytes.NewReader(pattern(100_000))}, 1<<20))
		require.NoError(t, err)
	}
	require.Equal(t, int64(1), p.Stats().PoolMisses)
	require.Equal(t, int64(2), p.Stats().PoolHits)
}

// stingy breaks the contract: its buffers are empty.
type stingy struct{ *poisonPool }

func (stingy) Get(int) []byte { return nil }
func (stingy) Put([]byte)     {}

func TestCopyEndsWithAPoolThatLendsNothing(t *testing.T) {
	var dst bytes.Buffer
	n, err := strategy.OptimizedCopyBuffer(stingy{new(poisonPool)}, plainWriter{&dst}, plainReader{strings.NewReader("all of it")})
	require.NoError(t, err)
	require.EqualValues(t, 9, n)
	require.Equal(t, "all of it", dst.String())
	require.NotEmpty(t, strategy.ReverseProxyBuffers(stingy{new(poisonPool)}).Get())
}

// overriding replaces one method of a pool, as a user would.
type overriding struct {
	strategy.BufferPool
	gets int
}

func (o *overriding) Get(size int) []byte {
	o.gets++
	return o.BufferPool.Get(size)
}

func TestStreamFunctionsUseAnOverriddenGet(t *testing.T) {
	inner, _ := opened(t, config{Enabled: true})
	p := &overriding{BufferPool: inner}
	_, err := strategy.OptimizedCopyBuffer(p, plainWriter{io.Discard}, plainReader{strings.NewReader("x")})
	require.NoError(t, err)
	require.Equal(t, 1, p.gets)
	_, err = io.Copy(plainWriter{io.Discard}, strategy.OptimizedTeeReader(p, strings.NewReader("x"), io.Discard))
	require.NoError(t, err)
	require.Equal(t, 2, p.gets)
	require.Zero(t, inner.Stats().ActiveBuffers)
}

// nested copies from another stream in the middle of a Read, on the same pool.
type nested struct {
	p    *poisonPool
	once bool
}

func (n *nested) Read(b []byte) (int, error) {
	if n.once {
		return 0, io.EOF
	}
	n.once = true
	var inner bytes.Buffer
	if _, err := n.p.CopyBuffer(plainWriter{&inner}, plainReader{strings.NewReader("inner")}); err != nil {
		return 0, err
	}
	return copy(b, "outer "+inner.String()), nil
}

func TestCopyBufferIsReentrant(t *testing.T) {
	p := new(poisonPool)
	var dst bytes.Buffer
	_, err := p.CopyBuffer(plainWriter{&dst}, &nested{p: p})
	require.NoError(t, err)
	require.Equal(t, "outer inner", dst.String())
	p.settled(t, "nested")
}
