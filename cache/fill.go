package cache

import (
	"errors"
	"io"
	"sync"
	"time"

	"github.com/daramjwee/daramjwee/cache/store"
)

// fill is one fetch or promote of a key, from before its source is asked until
// the last of those who share it has left.
//
//	source ---pull---> staged entry ---ReadAt---> reader, reader, reader …
//	                        |
//	                      Commit ---> tier ---scheduleSetToStore---> colder tiers
//
// Nobody works for a fill but its readers: whoever needs bytes that are not
// staged yet takes the pull, and reads the source once for all (pull.go). What
// is staged each of them reads at its own pace (reader.go), so that a slow one
// keeps nobody waiting and costs no memory. The one whose pull was the last
// publishes the entry; the last to leave an unfinished fill decides what becomes
// of it (abandon.go).
type fill struct {
	cache *DaramjweeCache
	kind  kind
	gated bool   // it has a place at cache.streams
	stale bool   // the origin was asked about an entry that was there
	full  bool   // a tier had no room for it, but may have some later
	began int64  // on the cache's clock; 0: nobody observes
	work         // the key, and the number of this fill
	src   source // read by the one who has the pull
	meta  *store.Metadata
	own   store.Metadata // meta, unless another tier's entry has it
	first reader         // of the one who leads
	resp  stream         // its

	// Of the one who has the pull, who changes tier under mu only.
	tier   int
	writer store.Writer // nil: nothing is stored
	tee    io.Reader    // src, by the pool's TeeReader into tap; nil: writer is a DirectWriter
	failed error        // of the tier; the source is read on without it

	mu       sync.Mutex // guards what follows, and own and asking of each reader
	phase    phase
	answered bool // the origin has answered, or failed to
	headless bool // the context of the one who leads ended before that
	detached bool // the tier failed: whoever had the pull keeps the source
	settled  bool // published or dropped, or about to be
	result   result
	readers  int32              // the one who leads, and those who joined
	waiting  int32              // those who wait to join
	moves    int32              // how often it went on to another tier
	wake     chan struct{}      // closed at the next change; nil: nobody waits for one
	staged   store.StagedReader // nil: nobody can join
	frontier int64              // bytes that are staged
	pulling  *reader            // the one who has the pull
	ended    error              // how the source ended, io.EOF when well
}

type kind uint8

const (
	fetching   kind = iota // for a caller
	refreshing             // for nobody, in the background
	promoting              // out of a lower tier
)

// phase tells what those who come to a fill can do.
type phase uint8

const (
	phaseAsking phase = iota // wait
	phaseOpen                // join
	phaseOver                // neither: see result
)

// result is what a fill brought, for those who waited and could not join.
type result struct {
	outcome outcome
	err     error  // of outcomeFailed
	gen     uint64 // the entry that was stored or called current, 0 if none was
}

// outcome tells those who waited what to do.
type outcome uint8

const (
	outcomeRetry   outcome = iota // look again: an entry was stored, or whoever led left before
	outcomeAbsent                 // the origin has nothing, for those who asked before it said so
	outcomePrivate                // the body could not be shared: fetch for yourself
	outcomeFailed                 // the origin failed: take its error
)

// cacheAndTeeStream answers a miss: the origin's body fills the nearest tier that
// has room for it, on its way to the callers. When none has, it is its own
// caller's alone, and those who wait are told to fetch for themselves; the error
// says why.
func (c *DaramjweeCache) cacheAndTeeStream(f *fill, res *FetchResult, at time.Time) error {
	f.own = fetched(res.Metadata, &f.work, f.src.size, at)
	f.meta = &f.own
	err := errNoStore
	if !res.NoStore {
		var writer store.Writer
		var tier int
		if writer, tier, err = c.create(c.ctx, f.key, *f.meta, 0); err == nil {
			f.stage(writer, tier)
			return nil
		}
	}
	if !errors.Is(err, store.ErrFull) {
		c.memos.unshared(f.key, c.clock())
	}
	f.mu.Lock()
	f.first.own, f.settled = &own{source: &f.src}, true
	f.mu.Unlock()
	f.over(result{outcome: outcomePrivate})
	return err
}

// fetched completes the metadata that an origin or a caller gave at a time.
func fetched(m store.Metadata, w *work, size int64, at time.Time) store.Metadata {
	m.Size, m.Generation, m.Negative = size, w.gen, false
	if m.StoredAt.IsZero() {
		m.StoredAt = at
	}
	return m
}

// stage opens the fill to those who wait, where its tier lets them read along.
func (f *fill) stage(writer store.Writer, tier int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fillTier(writer, tier)
	f.staged, _ = writer.(store.StagedReader)
	if f.staged != nil && f.phase == phaseAsking {
		f.phase = phaseOpen
		f.broadcast()
	}
}

// fillTier makes writer what the fill writes to. It wants mu.
func (f *fill) fillTier(writer store.Writer, tier int) {
	f.writer, f.tier = writer, tier
	_, direct := writer.(store.DirectWriter)
	_, staged := writer.(store.StagedReader) // what is taken beyond a reader's need can be read back
	if !direct || !staged {
		f.tee = f.newTee()
	} else {
		f.tee = nil
	}
	hold(writer)
}

// broadcast wakes all who wait. It wants mu.
func (f *fill) broadcast() {
	if f.wake != nil {
		close(f.wake)
		f.wake = nil
	}
}

// changed is closed at the next broadcast. It wants mu.
func (f *fill) changed() <-chan struct{} {
	if f.wake == nil {
		f.wake = make(chan struct{})
	}
	return f.wake
}

// over lets nobody join any more. Only the first result counts.
func (f *fill) over(r result) {
	f.all.retire(f)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.phase == phaseAsking {
		f.phase, f.result = phaseOver, r
		f.broadcast()
	}
}

// settle publishes a whole entry and drops any other. It is called once, by the
// one who set settled, when nobody has the pull.
func (f *fill) settle() {
	c := f.cache
	var end result
	switch {
	case f.failed != nil:
		f.writer.Abort()
		end = result{outcome: outcomePrivate, err: f.failed}
		f.unstored(f.failed)
		if troubled(f.failed) {
			c.tierFailed(f.tier, "write", f.key, f.failed)
		}
	case f.src.whole:
		end = f.publish()
	default:
		f.writer.Abort()
		c.counts.aborts.Add(1)
		c.counts.tiers[f.tier].aborts.Add(1)
		switch f.src.err {
		case io.EOF:
			end = result{outcome: outcomePrivate, err: errOverlong}
		case nil, ErrResponseClosed:
			end.err = errAbandoned
		default:
			end = result{outcome: outcomeFailed, err: f.src.err}
		}
	}
	switch {
	case f.kind == refreshing:
		c.refreshEnded(f.key, end.err)
	case f.kind == fetching && end.outcome == outcomeFailed:
		c.memos.failed(f.key, c.clock(), c.cfg.Backoff)
	}
	f.over(end)
	f.observe(end.err)
	if end.gen != 0 { // after that, or an Observer could hear of the copy first
		c.schedulePersists(f.key, f.tier, end.gen, f.byWorker)
	}
	if f.failed == nil {
		f.done()
	}
}

var (
	errNoStore   = errors.New("cache: the Fetcher forbids it")
	errOverlong  = errors.New("cache: the body is longer than declared")
	errAbandoned = errors.New("cache: abandoned by all its callers")
)

// unstored counts a body that its callers have whole, and no tier.
func (f *fill) unstored(why error) {
	c := f.cache
	c.counts.detached.Add(1)
	c.counts.tiers[f.tier].detached.Add(1)
	if errors.Is(why, store.ErrTooLarge) && !f.full && f.kind != promoting {
		c.memos.unshared(f.key, c.clock())
	}
}

func (f *fill) publish() result {
	c := f.cache
	err := f.commit()
	for errors.Is(err, store.ErrTooLarge) && f.spill(err) { // its size was unknown, and so no room promised
		err = f.commit()
	}
	if errors.Is(err, store.ErrTooLarge) {
		f.unstored(err)
	}
	if err != nil {
		return result{outcome: outcomePrivate, err: err}
	}
	if f.kind == promoting {
		c.counts.promotes.Add(1)
		c.counts.tiers[f.tier].promotes.Add(1)
		return result{}
	}
	c.counts.fills.Add(1)
	c.counts.tiers[f.tier].fills.Add(1)
	c.memos.forget(f.key)
	return result{gen: f.meta.Generation}
}

func (f *fill) commit() error {
	return f.cache.commit(&f.work, f.tier, f.writer, f.meta.Generation, f.kind == promoting)
}

// done ends the source, and the work with it.
func (f *fill) done() error {
	err := f.src.Close()
	f.quit()
	return err
}

// quit ends a fill whose source is closed.
func (f *fill) quit() {
	f.end()
	if f.gated {
		f.cache.streams.leave()
	}
}
