package compare

import (
	"math/bits"
	"time"
)

// latencies counts durations in buckets that are 1/128 of their value wide. All
// memory is there from the start: counting allocates nothing.
type latencies struct {
	counts [buckets]uint32
	total  int64
}

const (
	perDoubling = 128
	buckets     = (64 - 7 + 1) * perDoubling
)

func bucket(d time.Duration) int {
	n := uint64(max(d, 0))
	if n < perDoubling {
		return int(n)
	}
	shift := bits.Len64(n) - 8 // n>>shift is 128 to 255
	return shift*perDoubling + int(n>>shift)
}

// bounds of a bucket in nanoseconds: low is in it, high is the next one's.
func bounds(bucket int) (low, high float64) {
	if bucket < 2*perDoubling {
		return float64(bucket), float64(bucket + 1)
	}
	shift := bucket/perDoubling - 1
	low = float64(uint64(bucket-shift*perDoubling) << shift)
	return low, low + float64(uint64(1)<<shift)
}

func (l *latencies) add(d time.Duration) {
	l.counts[bucket(d)]++
	l.total++
}

func (l *latencies) merge(more *latencies) {
	for i, n := range more.counts {
		l.counts[i] += n
	}
	l.total += more.total
}

// quantile returns the nanoseconds that a part q of all durations stay below, 0
// when there are none. Within a bucket they are taken to lie evenly.
func (l *latencies) quantile(q float64) float64 {
	rank := q * float64(l.total)
	for i, n := range l.counts {
		if n > 0 && rank <= float64(n) {
			low, high := bounds(i)
			return low + (high-low)*rank/float64(n)
		}
		rank -= float64(n)
	}
	return 0
}
