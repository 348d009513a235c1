package memory

import (
	"runtime"
	"slices"
	"sync/atomic"

	"github.com/daramjwee/daramjwee/cache/store"
	"github.com/daramjwee/daramjwee/internal/sieve"
	"github.com/daramjwee/daramjwee/strategy"
)

// entry is one value of a key, staged or committed. Once committed its body is
// not written to any more. What a hit touches comes first, in four cache lines.
type entry struct {
	hash  uint64
	key   string
	next  atomic.Pointer[entry]          // in the index
	refs  atomic.Int64                   // its readers' and its writer's, and indexed while it is in the index
	meta  atomic.Pointer[store.Metadata] // nil before Commit, then first, then those of UpdateMetadata
	store *Store
	node  sieve.Node[*entry] // in Store.queue while committed
	body
	read  int64          // what room.busy has of it while it is read: its weight at Commit
	one   [1][]byte      // holds the list of blocks while that has one block
	first store.Metadata // what the writer brought, Size as declared until Commit

	plain    bool // the last block is not the pool's
	lent     bool // something may still write to the last block
	declared bool // its size was
	pin      *pin // set with the end of the index's reference, while there are readers

	// Store.mu guards the following 2 fields until the last of index and writer
	// is done with the entry; from then on they do not change.
	weight   int64 // what the tier counts of it
	promised int64 // what it may come to weigh; staged entries of a declared size only
}

// indexed is the index's reference. It is larger than all others together, so that
// one atomic count tells who is left.
const indexed = 1 << 32

// isRead reports whether an entry of the index is read or held.
func (e *entry) isRead() bool { return e.refs.Load() > indexed }

// ref takes a reference to an entry, if the index has not given up its own.
func (e *entry) ref() bool {
	n := e.refs.Load()
	for n >= indexed && !e.refs.CompareAndSwap(n, n+1) {
		n = e.refs.Load()
	}
	if n == indexed {
		e.store.room.busy.Add(e.read)
	}
	return n >= indexed
}

// unref gives a reference back. The last one out puts the blocks.
func (e *entry) unref() {
	switch e.refs.Add(-1) {
	case indexed:
		e.store.room.busy.Add(-e.read)
	case 0: // the tier forgot the entry before
		e.putBlocks()
		if e.pin != nil {
			e.pin.settle()
		} else {
			e.store.room.pinned.Add(-e.weight)
		}
	}
}

// Release implements store.Body.
func (e *entry) Release() { e.unref() }

func (e *entry) putBlocks() {
	e.warm()
	pool, last := e.store.pool, len(e.blocks)-1
	for i, b := range slices.Backward(e.blocks) { // a pool that gives the last one first then lends them in their order
		switch {
		case i == last && e.plain:
		case i == last && e.lent:
			strategy.Drop(pool, b)
		default:
			pool.Put(b)
		}
	}
}

// warm has the processor fetch the first line of every block, all at once. Put
// marks each block there and then takes a lock, so that it would wait for one line
// after the other: 0.2 microseconds a block of an entry that was not read lately.
func (e *entry) warm() {
	var sum byte
	for _, b := range e.blocks[:max(0, len(e.blocks)-1)] { // the last one may be lent
		sum += b[0]
	}
	runtime.KeepAlive(sum)
}
