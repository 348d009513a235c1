package compare

import (
	"context"
	"strconv"
	"time"

	"github.com/daramjwee/daramjwee/cache"
	"github.com/daramjwee/daramjwee/cache/store"
)

// Workload is what every run does.
type Workload struct {
	Sizes    Sizes         // of bodies
	Keys     int           // in the hot set, at least 1
	HitRatio float64       // 0 to 1: how many requests are for hot keys; all others are for keys never asked for before
	Tiers    []Tier        // the nearest first, at least one
	Clients  int           // goroutines that ask, each for one key after the other; at least 1
	Duration time.Duration // of a run, without its warm-up; above 0
	Rounds   int           // how often each strategy is run; 6 give a 95 % interval
	Seed     uint64        // of sizes, keys and the order of runs
}

// HotBytes is the sum of the sizes of the hot set.
func (w *Workload) HotBytes() (sum int64) {
	for id := range w.Keys {
		sum += w.size(uint64(id))
	}
	return sum
}

// object is one key, and the origin of it.
type object struct {
	key  string
	at   int // in the pattern
	size int64
}

// Fetch implements cache.Fetcher.
func (o *object) Fetch(context.Context, *store.Metadata) (*cache.FetchResult, error) {
	return &cache.FetchResult{
		Body:     &body{at: o.at, left: o.size},
		Metadata: store.Metadata{Size: o.size},
	}, nil
}

// requests is the sequence that all runs share. Request i is the same in each of
// them, whoever asks for it and however far a run comes.
type requests struct {
	*Workload
	hot []*object
}

func (w *Workload) requests() *requests {
	r := &requests{Workload: w, hot: make([]*object, w.Keys)}
	for i := range r.hot {
		r.hot[i] = w.object(uint64(i))
	}
	return r
}

// at returns the object that request i is for.
func (r *requests) at(i uint64) *object {
	if unit(r.random(i, 1)) < r.HitRatio {
		return r.hot[r.random(i, 2)%uint64(len(r.hot))]
	}
	return r.object(uint64(len(r.hot)) + i)
}

func (w *Workload) object(id uint64) *object {
	return &object{
		key:  strconv.FormatUint(id, 10),
		at:   int(w.random(id, 3) % period),
		size: w.size(id),
	}
}

func (w *Workload) size(id uint64) int64 { return w.Sizes.draw(unit(w.random(id, 4))) }

// random returns the number that belongs to n and a purpose (SplitMix64's mixing):
// no generator to share, and no order in which clients must draw.
func (w *Workload) random(n, purpose uint64) uint64 {
	x := w.Seed ^ n*0x9e3779b97f4a7c15 + purpose*0xd1b54a32d192ed03
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// unit makes a number of [0, 1) of it.
func unit(x uint64) float64 { return float64(x>>11) / (1 << 53) }
