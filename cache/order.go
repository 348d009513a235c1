package cache

// The values of a key are in the order in which their work began, whichever tiers
// they are in: a slow fill does not bury what a later one brought meanwhile, be it
// in another tier, or evicted since. A keyWork lives as long as any fill of its key,
// and so knows what was published since the oldest of them began.

// superseded reports whether a staged value is out of date: a Delete or Set came
// first, or a newer value. A copy of what a tier has must be one of the newest value,
// where that is known. The answer lasts for as long as publish is held.
func (w *work) superseded(gen uint64, copied bool) bool {
	w.all.mu.Lock()
	defer w.all.mu.Unlock()
	kw := w.of
	if copied && kw.newest > 0 {
		return gen < kw.floor || !kw.hasNewest(gen)
	}
	return gen < kw.floor || gen < kw.newest
}

// hasNewest reports whether the newest value has, or had, a number. It wants mu.
func (kw *keyWork) hasNewest(gen uint64) bool { return kw.brought <= gen && gen <= kw.newest }

// published says that a value is the newest one from now on. A Set gives way to a
// later Set or Delete only, so that its number may be smaller than that of what it
// replaces. It wants publish.
func (w *work) published(gen uint64) {
	w.all.mu.Lock()
	defer w.all.mu.Unlock()
	w.of.brought, w.of.newest = gen, gen
}

// renew says that a fetch called a value current. It reports false, and does nothing,
// when that is not the newest one any more. It wants publish.
func (w *work) renew(old, gen uint64) bool {
	w.all.mu.Lock()
	defer w.all.mu.Unlock()
	kw := w.of
	switch {
	case old < kw.floor:
		return false
	case kw.newest == 0:
		kw.brought, kw.newest = old, gen
	case !kw.hasNewest(old):
		return false
	}
	kw.newest = max(kw.newest, gen)
	return true
}
