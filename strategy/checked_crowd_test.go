package strategy_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"runtime"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/daramjwee/daramjwee/internal/race"
	"github.com/daramjwee/daramjwee/strategy"
)

// TestCheckedRaisesNoFalseAlarm: 10,000 goroutines keep the rules.
func TestCheckedRaisesNoFalseAlarm(t *testing.T) {
	const goroutines = 10_000
	atOnce := goroutines
	if race.Enabled {
		atOnce = 2000 // the race detector ends at 8,128
	}
	everyStrategy(t, func(t *testing.T, p *inspector) {
		for range goroutines / atOnce {
			var wg sync.WaitGroup
			for i := range atOnce {
				wg.Go(func() { crowd(t, p, i) })
			}
			wg.Wait()
		}
		p.Check()
		collect()
		require.NoError(t, strategy.Close(p))
		require.Empty(t, p.kinds())
		s := p.Stats()
		require.Zero(t, s.ActiveBuffers)
		require.Zero(t, s.Damaged)
		require.Zero(t, s.DoublePuts)
		require.GreaterOrEqual(t, s.TotalGets, int64(goroutines))
	})
}

// crowd is what one of many does with a pool, in keeping with the rules.
func crowd(t *testing.T, p strategy.BufferPool, i int) {
	buf := p.Get(sizeOf(i)) // Get, fill, verify, Put
	for at := 0; at+8 <= len(buf); at += 8 {
		binary.NativeEndian.PutUint64(buf[at:], uint64(i))
	}
	runtime.Gosched()
	for at := 0; at+8 <= len(buf); at += 8 {
		if got := binary.NativeEndian.Uint64(buf[at:]); got != uint64(i) {
			t.Errorf("goroutine %d read %d at byte %d", i, got, at)
		}
	}
	switch i % 8 {
	default:
		p.Put(buf)
	case 1:
		p.Put(buf[:0])
	case 2:
		strategy.Drop(p, buf)
		buf[0] = 1
	case 3:
		p.Put(buf)
		data := bytes.Repeat([]byte{byte(i)}, 3000)
		var copied, teed bytes.Buffer
		src := struct{ io.Reader }{bytes.NewReader(data)}
		_, err := p.CopyBuffer(struct{ io.Writer }{&copied}, p.TeeReader(src, &teed))
		if err != nil || !bytes.Equal(copied.Bytes(), data) || !bytes.Equal(teed.Bytes(), data) {
			t.Errorf("goroutine %d copied %d bytes and teed %d: %v", i, copied.Len(), teed.Len(), err)
		}
	}
}
