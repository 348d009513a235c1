package fence

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestEverySequence walks through every sequence of calls up to a length and
// compares it with what the words say: a count of calls inside, and two bits.
func TestEverySequence(t *testing.T) {
	walk(t, "", "EC", 9)
	walk(t, "", "ECHU", 7)
}

// walk tries all sequences of ops that begin with path. A call that has entered
// may also leave.
func walk(t *testing.T, path, ops string, length int) {
	inside := replay(t, path)
	if len(path) == length {
		return
	}
	if inside > 0 {
		walk(t, path+"L", ops, length)
	}
	for _, op := range ops {
		walk(t, path+string(op), ops, length)
	}
}

// replay runs E(nter), C(lose), L(eave), H(old) and U(nhold), and returns how many
// calls are inside.
func replay(t *testing.T, path string) (inside int) {
	var (
		f            Fence
		closed, held bool
		releases     int
	)
	for i, op := range path {
		release, wantRelease := false, false
		switch op {
		case 'E':
			entered := f.Enter()
			require.Equal(t, !closed || held, entered, "%s at %d", path, i)
			if entered {
				inside++
			}
		case 'L':
			inside--
			wantRelease = closed && !held && inside == 0
			release = f.Leave()
		case 'C':
			var first bool
			wantRelease = !closed && !held && inside == 0
			first, release = f.Close()
			require.Equal(t, !closed, first, "%s at %d", path, i)
			closed = true
		case 'H':
			held = held || !closed
			f.Hold()
		case 'U':
			wantRelease = held && closed && inside == 0
			release = f.Unhold()
			held = false
		}
		require.Equal(t, wantRelease, release, "%s at %d", path, i)
		require.Equal(t, closed, f.Closed(), "%s at %d", path, i)
		if release {
			releases++
		}
	}
	if closed && !held && inside == 0 {
		require.Equal(t, 1, releases, path)
	} else {
		require.Zero(t, releases, path)
	}
	return inside
}

// TestOneRelease hammers many fences from many goroutines. What a fence guards
// is a plain variable: a release that comes before the last call is out is a
// data race, a wrong value, or both.
func TestOneRelease(t *testing.T) {
	for _, closers := range []int{1, 2, 5} {
		for _, held := range []bool{false, true} {
			t.Run(fmt.Sprintf("closers=%d/held=%v", closers, held), func(t *testing.T) {
				for range 300 {
					hammer(t, 4, closers, held)
				}
			})
		}
	}
}

func hammer(t *testing.T, callers, closers int, held bool) {
	var (
		f        Fence
		guarded  = new(int) // nil once released
		inside   atomic.Int64
		firsts   atomic.Int64
		releases atomic.Int64
		start    = make(chan struct{})
		wg       sync.WaitGroup
		faults   = make(chan string, callers+closers+1)
	)
	release := func() {
		releases.Add(1)
		if inside.Load() != 0 {
			faults <- "released while a call was inside"
		}
		guarded = nil
	}
	for range callers {
		wg.Go(func() {
			<-start
			for f.Enter() {
				inside.Add(1)
				if guarded == nil {
					faults <- "inside after the release"
					return
				}
				runtime.Gosched() // let Close happen here
				inside.Add(-1)
				if f.Leave() {
					release()
				}
			}
		})
	}
	for range closers {
		wg.Go(func() {
			<-start
			runtime.Gosched()
			first, last := f.Close()
			if first {
				firsts.Add(1)
			}
			if last {
				release()
			}
		})
	}
	if held {
		f.Hold()
		wg.Go(func() {
			<-start
			runtime.Gosched()
			if f.Unhold() {
				release()
			}
		})
	}
	close(start)
	wg.Wait()
	close(faults)
	for fault := range faults {
		t.Error(fault)
	}
	require.Equal(t, int64(1), firsts.Load(), "first Closes")
	require.Equal(t, int64(1), releases.Load(), "releases")
	require.Nil(t, guarded)
	require.False(t, f.Enter())
}

func BenchmarkEnterLeave(b *testing.B) {
	var f Fence
	for b.Loop() {
		f.Enter()
		f.Leave()
	}
}
