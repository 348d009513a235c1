package strategy

import (
	"runtime"
	"sync"
	"sync/atomic"
	"unsafe"
	"weak"
)

// loans are all the buffers of a CheckedPool that something may still hold. It
// holds none of them: an address identifies a buffer until its finalizer ran, and
// the finalizer forgets the loan. Finalizers reach loans, so loans must not reach
// the pool, or a pool that nobody closed would never be collected.
type loans struct {
	onMisuse func(*Misuse)
	written  atomic.Int64 // buffers found written to

	mu    sync.Mutex        // guards following 3 fields, and every loan in them
	lent  map[uintptr]*loan // by the address that the caller knows
	own   map[uintptr]*loan // the last loan by the address of the inner pool's buffer
	count int
}

// loan is one Get, and what became of it.
type loan struct {
	number   int     // in order of the Gets
	at       uintptr // where the caller sees it
	cap      int     // bytes
	buf      weak.Pointer[byte]
	own      []byte // the inner pool's buffer, while the loan lasts
	ownAt    uintptr
	state    state
	again    bool // the inner pool has lent its buffer to another loan since
	told     bool // it was reported in the state that it is in
	got, put Stack
}

type state int

const (
	held    state = iota
	ending        // being filled with Poison
	idle          // put: all of it is Poison
	dropped       // given up: no longer our business
)

func newLoans(onMisuse func(*Misuse)) *loans {
	return &loans{onMisuse: onMisuse, lent: make(map[uintptr]*loan), own: make(map[uintptr]*loan)}
}

func addressOf(buf []byte) uintptr { return uintptr(unsafe.Pointer(unsafe.SliceData(buf))) }

// open lends a fresh buffer in the place of own.
func (t *loans) open(own []byte) []byte {
	// Below 16 bytes several allocations share a block, which is collected as one.
	buf := make([]byte, max(16, cap(own)))[:len(own):cap(own)]
	first := unsafe.SliceData(buf)
	l := &loan{at: addressOf(buf), cap: cap(buf), buf: weak.Make(first), own: own, ownAt: addressOf(own), got: callers()}
	t.mu.Lock()
	t.count++
	l.number = t.count
	t.lent[l.at] = l
	t.own[l.ownAt] = l
	t.mu.Unlock()
	runtime.SetFinalizer(first, func(first *byte) { t.collected(l, first) })
	return buf
}

// lentAgain is called when the inner pool lends own: the buffer that was lent in
// its place the time before would now be somebody else's.
func (t *loans) lentAgain(own []byte) {
	t.mu.Lock()
	l := t.own[addressOf(own)]
	if l == nil {
		t.mu.Unlock()
		return
	}
	delete(t.own, l.ownAt)
	l.again = true
	state := l.state
	t.mu.Unlock()
	switch state {
	case held:
		t.onMisuse(&Misuse{Kind: LentTwice, Cap: cap(own), Got: l.got, Found: callers()})
	case idle:
		t.verify(l, l.buf.Value(), callers())
	}
}

// end ends the loan of buf. What it returns of the inner pool is to be given back:
// nil where no loan was ended.
func (t *loans) end(buf []byte, as state) (own []byte, misuse *Misuse) {
	t.mu.Lock()
	l := t.lent[addressOf(buf)]
	if l != nil && l.cap == cap(buf) && l.state == held {
		own, l.own = l.own, nil
		l.put, l.told = callers(), false // held at Close, it may still be written to later
		if l.state = as; as == idle {
			l.state = ending
		}
		t.mu.Unlock()
		if as == idle {
			flood(buf[:l.cap], poisonPage)
			t.mu.Lock()
			l.state = idle
			t.mu.Unlock()
			runtime.KeepAlive(buf) // until then a collection would not look at it
		}
		return own, nil
	}
	defer t.mu.Unlock()
	m := &Misuse{Kind: ForeignPut, Cap: cap(buf), Found: callers()}
	if l == nil {
		l = t.around(addressOf(buf))
	}
	if l == nil {
		return nil, m
	}
	m.Got, m.Put = l.got, l.put
	switch {
	case l.cap != cap(buf):
		m.Kind = SubslicePut
		m.Offset = int(addressOf(buf) - l.at)
		if l.state == held { // it was meant as the end of the loan
			own, l.own = l.own, nil
			l.state, l.put = dropped, m.Found
		}
	case l.again:
		m.Kind = StalePut
	default:
		m.Kind = DoublePut
	}
	return own, m
}

// around finds the loan that an address is inside of. It looks at all of them:
// only misuse comes here.
func (t *loans) around(address uintptr) *loan {
	for _, l := range t.lent {
		if l.at < address && address < l.at+uintptr(l.cap) {
			return l
		}
	}
	return nil
}
