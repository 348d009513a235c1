package cache

import (
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"
)

// admission keeps a lower tier's entries out of tier 0 until their second hit
// within a window, so that what is asked for once displaces nothing. It remembers
// admissionSize keys, by hash, in sets of a few: where more are hit within the
// window, the one whose hit is longest ago is forgotten. Two keys of one hash are
// taken for one, and promoted a hit too early.
type admission struct {
	within   time.Duration
	seed     maphash.Seed
	began    time.Time
	deferred atomic.Int64 // hits that were not admitted

	mu   sync.Mutex // guards sets
	sets [][admissionWays]seen
}

const (
	admissionSize = 4096
	admissionWays = 8
)

// seen is the last hit of a key; at is from the beginning on, 0 is never.
type seen struct {
	hash uint64
	at   time.Duration
}

// newAdmission returns nil, which admits all, for a window of 0.
func newAdmission(within time.Duration) *admission {
	if within == 0 {
		return nil
	}
	return &admission{
		within: within, seed: maphash.MakeSeed(), began: now(),
		sets: make([][admissionWays]seen, admissionSize/admissionWays),
	}
}

// admit notes a hit, and reports whether it is to be promoted.
func (a *admission) admit(key string) bool {
	if a == nil {
		return true
	}
	hash := maphash.String(a.seed, key)
	admitted := a.note(hash, max(now().Sub(a.began), 1))
	if !admitted {
		a.deferred.Add(1)
	}
	return admitted
}

func (a *admission) note(hash uint64, at time.Duration) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	set := &a.sets[hash%uint64(len(a.sets))]
	again, i := false, 0
	for ; i < len(set)-1 && set[i].hash != hash; i++ {
	}
	if last := set[i]; last.hash == hash && last.at > 0 {
		again = at-last.at <= a.within
	}
	copy(set[1:i+1], set[:i]) // the latest is first, and the last one makes room
	set[0] = seen{hash, at}
	return again
}

func (a *admission) count() int64 {
	if a == nil {
		return 0
	}
	return a.deferred.Load()
}
