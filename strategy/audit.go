package strategy

import (
	"cmp"
	"maps"
	"slices"
	"unsafe"
)

// verify reports a buffer that was put and is not all Poison any more. first is
// nil when it is collected: then its finalizer looks.
func (t *loans) verify(l *loan, first *byte, found Stack) {
	if first == nil {
		return
	}
	at := unpoisoned(unsafe.Slice(first, l.cap))
	if at < 0 {
		return
	}
	t.mu.Lock()
	told := l.told
	l.told = true
	t.mu.Unlock()
	if !told {
		t.written.Add(1)
		t.onMisuse(&Misuse{Kind: WriteToIdle, Cap: l.cap, Offset: at, Got: l.got, Put: l.put, Found: found})
	}
}

// collected is the finalizer of a buffer.
func (t *loans) collected(l *loan, first *byte) {
	t.mu.Lock()
	t.forget(l)
	state, told := l.state, l.told
	l.told = l.told || state == held
	t.mu.Unlock()
	switch {
	case state == idle:
		t.verify(l, first, nil)
	case state == held && !told:
		t.onMisuse(&Misuse{Kind: Leak, Cap: l.cap, Got: l.got})
	}
}

func (t *loans) forget(l *loan) {
	delete(t.lent, l.at)
	if t.own[l.ownAt] == l {
		delete(t.own, l.ownAt)
	}
}

// check looks at what nobody else looks at now.
func (t *loans) check() {
	t.mu.Lock()
	var all []*loan
	var leaks []*Misuse
	for _, l := range t.inOrder() {
		switch {
		case l.state == idle:
			all = append(all, l)
		case l.state == held && !l.told && l.buf.Value() == nil: // before its finalizer runs
			l.told = true
			leaks = append(leaks, &Misuse{Kind: Leak, Cap: l.cap, Got: l.got})
		}
	}
	t.mu.Unlock()
	for _, m := range leaks {
		t.onMisuse(m)
	}
	found := callers()
	for _, l := range all {
		t.verify(l, l.buf.Value(), found)
	}
}

// held lists the loans that last. With tell they count as reported, and those
// that were are left out.
func (t *loans) held(tell bool) (out []*Misuse) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, l := range t.inOrder() {
		if l.state != held || tell && l.told || l.buf.Value() == nil {
			continue
		}
		l.told = l.told || tell
		out = append(out, &Misuse{Kind: HeldAtClose, Cap: l.cap, Got: l.got})
	}
	return out
}

func (t *loans) inOrder() []*loan {
	return slices.SortedFunc(maps.Values(t.lent), func(a, b *loan) int { return cmp.Compare(a.number, b.number) })
}
