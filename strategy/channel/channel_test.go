package channel_test

import (
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"weak"

	"github.com/stretchr/testify/require"

	"github.com/daramjwee/daramjwee/strategy"
	"github.com/daramjwee/daramjwee/strategy/channel"
)

func open(t *testing.T, c strategy.BufferPoolConfig) strategy.BufferPool {
	t.Helper()
	c.Enabled, c.Strategy = true, channel.Name
	p, err := strategy.New(c)
	require.NoError(t, err)
	return p
}

// churn has n buffers out at once and puts them back.
func churn(p strategy.BufferPool, n int) {
	bufs := make([][]byte, n)
	for i := range bufs {
		bufs[i] = p.Get(0)
	}
	for _, b := range bufs {
		p.Put(b)
	}
}

func TestKeepsAtMostMaxIdle(t *testing.T) {
	p := open(t, strategy.BufferPoolConfig{MaxIdle: 3, CleanupInterval: -1})
	churn(p, 10)
	s := p.Stats()
	require.EqualValues(t, 3, s.IdleBuffers)
	require.EqualValues(t, 3*32<<10, s.IdleBytes)
	require.EqualValues(t, 7, s.Discards)
	churn(p, 10)
	require.EqualValues(t, 3, p.Stats().PoolHits)
}

func TestBoundHoldsAndDiscardsAreExactUnderConcurrency(t *testing.T) {
	p := open(t, strategy.BufferPoolConfig{MaxIdle: 4, CleanupInterval: -1})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 500 {
				churn(p, 2)
				if idle := p.Stats().IdleBuffers; idle > 4+8 { // places taken by puts under way included
					t.Errorf("%d idle buffers", idle)
				}
			}
		})
	}
	wg.Wait()
	s := p.Stats()
	require.LessOrEqual(t, s.IdleBuffers, int64(4))
	require.Zero(t, s.ActiveBuffers)
	require.Equal(t, s.TotalPuts, s.Discards+s.PoolHits+s.IdleBuffers, "each put was discarded, lent again, or is idle")
}

func TestReleasesWhatStayedIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := open(t, strategy.BufferPoolConfig{CleanupInterval: time.Minute})
		idle := func() int64 { synctest.Wait(); return p.Stats().IdleBuffers }
		churn(p, 10)
		time.Sleep(time.Minute) // the burst ended within this interval: only the first one counts as idle throughout
		require.EqualValues(t, 9, idle())

		for range 6 { // three of them are needed every ten seconds
			churn(p, 3)
			time.Sleep(10 * time.Second)
		}
		require.EqualValues(t, 3, idle(), "what is in use stays")
		for range 60 {
			churn(p, 3)
			time.Sleep(10 * time.Second)
		}
		require.EqualValues(t, 3, idle(), "and goes on staying")

		time.Sleep(2 * time.Minute)
		require.Zero(t, idle())
		churn(p, 2) // the timer is set anew after a rest
		time.Sleep(2 * time.Minute)
		require.Zero(t, idle())
	})
}

func TestNeverReleasesWhenToldSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := open(t, strategy.BufferPoolConfig{CleanupInterval: -1})
		churn(p, 5)
		time.Sleep(24 * time.Hour)
		synctest.Wait()
		require.EqualValues(t, 5, p.Stats().IdleBuffers)
	})
}

func TestPoolDroppedWithoutCloseIsCollected(t *testing.T) {
	p := open(t, strategy.BufferPoolConfig{CleanupInterval: time.Hour})
	buf := p.Get(0)
	kept := weak.Make(&buf[0])
	p.Put(buf)
	buf = nil
	runtime.GC()
	require.NotNil(t, kept.Value(), "channel keeps over collections")
	runtime.KeepAlive(p)
	p = nil
	for range 3 {
		runtime.GC()
	}
	require.Nil(t, kept.Value(), "the armed timer must not hold the pool")
}
