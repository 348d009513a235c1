package strategy

import "io"

// BufferPool lends byte buffers and copies streams through them.
//
// Ownership. A buffer that Get returned belongs to the caller until Put. Put it
// back once, from one place, when nothing can read or write it any more; after
// Put its bytes belong to the next holder. A buffer that something might still
// touch (a cancelled goroutine, a Read that a deadline abandoned) goes to Drop
// instead: a lost buffer costs an allocation, a shared one another user's data.
//
// Contents. A buffer is dirty: its bytes are unspecified, unless the pool was
// configured with Scrub.
//
// Concurrency. All methods are safe for concurrent use. No method waits for a
// buffer: where none is idle, Get allocates.
type BufferPool interface {
	// Get returns a buffer with len == size. A size of zero or less means
	// "unknown": the buffer has the pool's default length, so that it can be
	// read into. Sizes that cannot be allocated panic as make does.
	Get(size int) []byte

	// Put gives a buffer back. A prefix b[:k] of a buffer stands for the whole
	// of it; nil and slices without capacity are ignored. Buffers that did not
	// come from Get, and those that a pool does not keep, are discarded: left
	// to the garbage collector.
	Put(buf []byte)

	// CopyBuffer copies src to dst until EOF with the results of io.Copy: the
	// same bytes, count and error. It allocates no buffer of its own.
	CopyBuffer(dst io.Writer, src io.Reader) (int64, error)

	// TeeReader returns what io.TeeReader returns, with io.WriterTo added so
	// that io.Copy out of it draws on the pool. It holds no buffer between
	// calls, so there is nothing to close.
	TeeReader(r io.Reader, w io.Writer) io.Reader

	// Stats returns a snapshot. It may be called at any time.
	Stats() BufferPoolStats
}

// BufferPoolStats is a snapshot of a pool's counters, all of them since the
// pool was opened except ActiveBuffers, IdleBuffers and IdleBytes.
//
// For callers who keep the ownership rules, TotalGets == PoolHits + PoolMisses
// and ActiveBuffers == TotalGets - TotalPuts in every snapshot, also under
// load. No value is ever negative, except for the -1 of an unknown idle count.
type BufferPoolStats struct {
	TotalGets     int64 // calls of Get, CopyBuffer's and TeeReader's own included
	TotalPuts     int64 // buffers given back, kept or not; refused repeats are not among them
	PoolHits      int64 // gets served by a buffer that was used before
	PoolMisses    int64 // gets that allocated
	ActiveBuffers int64 // buffers that callers hold now

	Discards   int64 // puts whose buffer was not kept
	DoublePuts int64 // puts of a buffer that was still idle: refused, and counted here only
	Damaged    int64 // idle buffers found written to, and dropped, when they were to be lent again

	IdleBuffers int64 // buffers kept now; -1 where the backend cannot know (sync.Pool)
	IdleBytes   int64 // their bytes; -1 likewise
}

// Drop gives up a buffer that something may still read or write: the pool
// counts it as put and discarded, and the garbage collector frees it when the
// last reference is gone. A pool may implement Drop(buf []byte) itself; for any
// other one an unrelated byte is put in its place, which settles the count.
func Drop(p BufferPool, buf []byte) {
	if cap(buf) == 0 {
		return
	}
	if d, ok := p.(interface{ Drop(buf []byte) }); ok {
		d.Drop(buf)
		return
	}
	p.Put(make([]byte, 1))
}

// Close releases what a pool keeps. It closes pools that are io.Closers and
// looks through wrappers that have Unwrap() BufferPool; for all others it is a
// no-op. A closed pool stays usable: it allocates on Get and discards on Put.
func Close(p BufferPool) error {
	for p != nil {
		if c, ok := p.(io.Closer); ok {
			return c.Close()
		}
		w, ok := p.(interface{ Unwrap() BufferPool })
		if !ok {
			return nil
		}
		p = w.Unwrap()
	}
	return nil
}
