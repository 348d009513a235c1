package cache

import (
	"sync"
	"sync/atomic"
)

// generations numbers the values of all keys in the order their work began, and
// keeps a value out that began before a Delete or a Set of its key.
//
// A key is known here only while work for it runs: what is not running cannot
// publish anything old.
type generations struct {
	floors atomic.Int64 // keys that have a floor now, so that a hit looks no further when there are none

	mu   sync.Mutex // guards the following 2 fields, and running and floor of each keyWork
	last uint64
	keys map[string]*keyWork
}

type keyWork struct {
	running int
	floor   uint64 // values with a smaller number are out of date

	publish sync.Mutex // held while a value of the key is published or deleted in any tier
}

// work is one fetch, promote, persist, Set or Delete of a key.
type work struct {
	all *generations
	key string
	of  *keyWork
	gen uint64
}

func (g *generations) begin(key string) *work {
	g.mu.Lock()
	defer g.mu.Unlock()
	kw := g.keys[key]
	if kw == nil {
		kw = &keyWork{}
		g.keys[key] = kw
	}
	kw.running++
	g.last++
	return &work{all: g, key: key, of: kw, gen: g.last}
}

// end forgets the key with its last work. It is called once.
func (w *work) end() {
	w.all.mu.Lock()
	defer w.all.mu.Unlock()
	w.of.running--
	if w.of.running > 0 {
		return
	}
	delete(w.all.keys, w.key)
	if w.of.floor > 0 {
		w.all.floors.Add(-1)
	}
}

// raise puts every value out of date that began before w.
func (w *work) raise() {
	w.all.mu.Lock()
	defer w.all.mu.Unlock()
	if w.of.floor == 0 {
		w.all.floors.Add(1)
	}
	w.of.floor = max(w.of.floor, w.gen)
}

// outdated reports whether a value came before a Delete or Set of its key.
func (g *generations) outdated(key string, gen uint64) bool {
	if g.floors.Load() == 0 {
		return false
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	kw := g.keys[key]
	return kw != nil && gen < kw.floor
}
