package cache

import (
	"hash/maphash"
	"sync"
	"sync/atomic"
)

// keys holds what is under way for each key. It numbers the values of all keys in
// the order their work began, hands out the fill that callers of one key share,
// and keeps a value out that began before a Delete or a Set of its key.
//
// A key is known here only while work for it runs, or while a tier may hold what
// it failed to delete: what is not running cannot publish anything old.
type keys struct {
	cache   *DaramjweeCache
	ignored []atomic.Uint64 // by tier: values up to this number are passed over, see leftovers.go
	floors  floors

	mu        sync.Mutex // guards the following 4 fields, and all of each keyWork but publish
	last      uint64
	byKey     map[string]*keyWork
	leftovers int // keys that have some
	spare     *keyWork
}

type keyWork struct {
	running   int
	floor     uint64 // values with a smaller number are out of date
	leftovers uint64 // bit n: tier n failed to delete, and may hold such a value

	brought uint64 // the number of the fetch or Set that brought the newest value
	newest  uint64 // that, or the number of the last fetch that called it current; 0: not known, see order.go

	fetch, promote *fill // what others may join
	refreshing     bool  // a refresh is queued or under way

	publish sync.Mutex // held while a value of the key is published or deleted in any tier
}

// work is one fetch, promote, persist, Set or Delete of a key.
type work struct {
	all *keys
	key string
	of  *keyWork
	gen uint64

	byWorker bool // a background task's: what it schedules must not wait for the queue
}

func (k *keys) open(c *DaramjweeCache) {
	k.cache, k.last, k.byKey = c, lastGeneration(c.cfg.Tiers), make(map[string]*keyWork)
	k.ignored, k.floors.seed = make([]atomic.Uint64, len(c.cfg.Tiers)), maphash.MakeSeed()
}

func (k *keys) begin(key string) *work {
	k.mu.Lock()
	defer k.mu.Unlock()
	w := new(work)
	k.enter(w, key)
	return w
}

// enter wants mu.
func (k *keys) enter(w *work, key string) {
	kw := k.know(key)
	kw.running++
	k.last++
	*w = work{all: k, key: key, of: kw, gen: k.last}
}

// know wants mu.
func (k *keys) know(key string) *keyWork {
	kw := k.byKey[key]
	if kw == nil {
		if kw = k.spare; kw == nil {
			kw = &keyWork{}
		}
		k.spare = nil
		k.byKey[key] = kw
	}
	return kw
}

// end forgets the key with its last work. It is called once.
func (w *work) end() {
	w.all.mu.Lock()
	defer w.all.mu.Unlock()
	w.of.running--
	w.all.forget(w.key, w.of)
}

// forget wants mu.
func (k *keys) forget(key string, kw *keyWork) {
	if kw.running > 0 || kw.leftovers != 0 || kw.refreshing {
		return
	}
	delete(k.byKey, key)
	if kw.floor > 0 {
		k.floors.add(key, -1)
		kw.floor = 0
	}
	kw.brought, kw.newest = 0, 0
	k.spare = kw // nobody has it any more
}

// fetch returns the fetch of a key that is under way, or begins one. The one who
// leads it owes it an end. With alone it begins one that nobody finds.
func (k *keys) fetch(key string, alone bool) (f *fill, leads bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if alone {
		return k.lead(key), true
	}
	return k.join(key, func(kw *keyWork) **fill { return &kw.fetch })
}

// promote is fetch for promotes.
func (k *keys) promote(key string) (f *fill, leads bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.join(key, func(kw *keyWork) **fill { return &kw.promote })
}

// join wants mu. A fill that began before a Delete or Set of the key is nobody's
// any more but of those who are in it already.
func (k *keys) join(key string, slot func(*keyWork) **fill) (f *fill, leads bool) {
	kw := k.know(key)
	if f := *slot(kw); f != nil && f.gen >= kw.floor {
		return f, false
	}
	f = k.lead(key)
	*slot(kw) = f
	return f, true
}

// lead wants mu.
func (k *keys) lead(key string) *fill {
	f := &fill{cache: k.cache, began: k.cache.observedSince(), readers: 1}
	f.src.fill, f.first.fill = f, f
	k.enter(&f.work, key)
	return f
}

// retire lets nobody join f any more.
func (k *keys) retire(f *fill) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if f.of.fetch == f {
		f.of.fetch = nil
	}
	if f.of.promote == f {
		f.of.promote = nil
	}
}

// refreshing reports whether this is the only refresh of the key. It owes a
// refreshed then.
func (k *keys) refreshing(key string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	kw := k.know(key)
	if kw.refreshing {
		return false
	}
	kw.refreshing = true
	return true
}

func (k *keys) refreshed(key string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	kw := k.byKey[key]
	kw.refreshing = false
	k.forget(key, kw)
}

// raise puts every value out of date that began before w.
func (w *work) raise() {
	w.all.mu.Lock()
	defer w.all.mu.Unlock()
	if w.of.floor == 0 {
		w.all.floors.add(w.key, 1)
	}
	w.of.floor = max(w.of.floor, w.gen)
}

// outdated reports whether a value came before a Delete or Set of its key.
func (k *keys) outdated(key string, gen uint64) bool {
	if !k.floors.may(key) {
		return false
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	kw := k.byKey[key]
	return kw != nil && gen < kw.floor
}
