package conformance

// poolRule is a rule for buffer pools, and how to see whether it holds.
type poolRule struct {
	Rule
	mend string             // what usually mends it
	when func(Options) bool // nil: for every backend
	run  func(*poolCheck)
}

func reuses(o Options) bool           { return !o.RetainsNothing }
func retainsNothing(o Options) bool   { return o.RetainsNothing }
func bounded(o Options) bool          { return o.Bounded != Bounded{} }
func collected(o Options) bool        { return o.ReleasesOnCollection }
func surplus(o Options) bool          { return o.ReleasesSurplus }
func zeroes(o Options) bool           { return o.Zeroes }
func refusesRepeats(o Options) bool   { return o.RefusesRepeats }
func validates(o Options) bool        { return o.Validates }
func level1(id, text string) (_ Rule) { return Rule{ID: id, Text: text, Level: 1} }

// poolRules is the contract of a strategy.BufferPool.
var poolRules = []poolRule{
	{level1("get/length", "Get(n) returns a slice of length n, fresh or reused, at every edge of every size class and beyond the largest."),
		"reslice to the size asked for; where the idle buffer is too short, allocate", nil, getLength},
	{level1("get/unknown", "Get of zero or less returns a slice of the default length."),
		"treat size <= 0 as Config.DefaultBufferSize", nil, getUnknown},
	{level1("get/impossible", "Get of a size that cannot be had panics with make's runtime error, and counts nothing."),
		"allocate before counting, and do not recover", nil, getImpossible},
	{level1("get/disjoint", "The capacities of held buffers do not overlap."),
		"clip the capacity of buffers cut from one array: a[i:j:j]", nil, getDisjoint},
	{level1("get/held", "The pool does not write to a buffer that is held."),
		"touch a buffer only between Put and Get", nil, getHeld},
	{level1("get/exclusive", "10,000 goroutines that hold a buffer each hold 10,000 different ones."),
		"take a buffer out of the pool under the lock, or atomically, before returning it", nil, getExclusive},
	{level1("get/synchronised", "What a holder wrote to its buffer is what it reads there, whoever else gets and puts meanwhile."),
		"guard every access to the idle buffers; run with -race", nil, getSynchronised},

	{level1("put/nothing", "Put of nil, or of a slice without capacity, is ignored and counted nowhere."),
		"return at once when cap(buf) == 0", nil, putNothing},
	{level1("put/prefix", "Put of a prefix, also of length zero, is the Put of the whole buffer."),
		"decide by cap(buf), never by len(buf)", nil, putPrefix},
	{level1("put/foreign", "Put of a tail, of both halves, of a grown or foreign slice does not panic, and no later Get is short or shared for it."),
		"keep only what has exactly the capacity of a size class", nil, putForeign},
	{level1("put/repeated", "Put of one buffer many times does not panic, block or pass the bound."),
		"a misuse of one caller must not take the process down", nil, putRepeated},
	{level1("put/refused", "A buffer that was put several times while idle is lent once."),
		"mark idle buffers, and refuse a Put that finds the mark", refusesRepeats, putRefused},
	{level1("put/many", "500 buffers can be out at once, and come back, without waiting."),
		"allocate when nothing is idle, discard when there is no room", nil, putMany},
	{level1("put/allocations", "Get and Put of a buffer that is reused allocate nothing."),
		"a []byte put into an interface boxes its header: keep the pointer to its first byte", reuses, putAllocations},

	{level1("keep/oversize", "A buffer larger than MaxBufferSize is not kept: it does not come back and is free after one collection."),
		"discard when cap(buf) > Config.MaxBufferSize", nil, keepOversize},
	{level1("keep/prefix", "An oversize buffer is not kept for being put as a short slice."),
		"decide by cap(buf), never by len(buf)", nil, keepPrefix},
	{level1("keep/sizes", "Many distinct oversize sizes leave nothing behind."),
		"keep no table entry for a size that is not kept", nil, keepSizes},
	{level1("keep/bound", "What is kept stays within the declared bound of buffers and bytes."),
		"take a place before keeping, discard when there is none", bounded, keepBound},
	{level1("keep/idle", "IdleBuffers and IdleBytes are what is really kept, or both are -1."),
		"count where a buffer is kept and taken, or report -1", nil, keepIdle},
	{level1("keep/nothing", "A pool that retains nothing hands no buffer out twice, and counts every Put as a discard."),
		"declare RetainsNothing only if it is so", retainsNothing, keepNothing},
	{level1("keep/reuse", "A pool that reuses buffers hands one out again at least once in 200 pairs of Get and Put."),
		"declare RetainsNothing, or see why Put discards", reuses, keepReuse},
	{level1("keep/collected", "All that is idle is free after three collections."),
		"hold idle buffers in sync.Pool or by weak pointers, or do not declare ReleasesOnCollection", collected, keepCollected},
	{level1("keep/surplus", "Buffers that stay idle for longer than the cleanup interval are released."),
		"release the lowest number that stayed idle all through an interval", surplus, keepSurplus},
	{level1("keep/used", "Buffers that are used within every cleanup interval stay."),
		"release what stayed idle all through an interval, not what is idle at its end", surplus, keepUsed},
	{level1("keep/dropped", "A pool that is dropped without Close is collected, idle buffers and all."),
		"hold the pool weakly from timers, goroutines and globals", nil, keepDropped},
	{level1("keep/zeroed", "With Scrub a buffer is zero from its first byte to its capacity when it is lent."),
		"clear(buf[:cap(buf)]) on Put", zeroes, keepZeroed},

	{level1("copy/equal", "CopyBuffer gives io.Copy's bytes, count and error for well-behaved readers and writers."),
		"follow io.Copy's loop, or call strategy.OptimizedCopyBuffer", nil, copyEqual},
	{level1("copy/errors", "CopyBuffer gives io.Copy's bytes, count and the very same error when a side fails."),
		"return the writer's error before the reader's, io.ErrShortWrite for a short write, and wrap nothing", nil, copyErrors},
	{level1("copy/position", "CopyBuffer takes from its source what io.Copy takes, and nothing further."),
		"write what was read before reading again; stop at the first error", nil, copyPosition},
	{level1("copy/lying", "CopyBuffer ends as io.Copy ends when a reader or a writer reports an impossible count."),
		"check counts as io.Copy does: a Write below 0 or above len(p) is invalid, a Read below 0 is no data", nil, copyLying},
	{level1("copy/private", "No byte of a former holder reaches the destination, also when a reader reports more than it read."),
		"write buf[:n:n] of a buffer whose capacity is its length, so that a count too large panics", nil, copyPrivate},
	{level1("copy/buffer", "CopyBuffer reads into a buffer that is not empty and whose capacity is its length."),
		"read into the whole buffer: buf[:cap(buf)]", nil, copyBuffer},
	{level1("copy/counts", "CopyBuffer gives its buffer back once, however it ends: success, error, panic or Goexit."),
		"defer the Put", nil, copyCounts},
	{level1("copy/panics", "A panic of the reader or the writer leaves CopyBuffer with the same value."),
		"do not recover", nil, copyPanics},
	{level1("copy/reentrant", "The pool can be used from inside a Read or a Write of its own CopyBuffer, and the buffer in use is not lent meanwhile."),
		"hold no lock while calling out; take the buffer out of the pool", nil, copyReentrant},
	{level1("copy/concurrent", "Many CopyBuffers at once do not mix their bytes."),
		"one buffer for each call", nil, copyConcurrent},
	{level1("copy/allocations", "CopyBuffer allocates no buffer of its own once buffers are idle."),
		"take the buffer from Get", reuses, copyAllocations},

	{level1("tee/equal", "Every Read of a TeeReader gives io.TeeReader's count, error and bytes, teed bytes and source position."),
		"follow io.TeeReader, or call strategy.OptimizedTeeReader", nil, teeEqual},
	{level1("tee/copy", "io.Copy out of a TeeReader gives what io.Copy out of io.TeeReader gives."),
		"WriteTo hands bytes that were teed to the destination before it returns the error", nil, teeCopy},
	{level1("tee/held", "A TeeReader holds no buffer between calls, nor after a panic."),
		"get the buffer in WriteTo and defer its Put", nil, teeHeld},
	{level1("tee/private", "No byte of a former holder leaves a TeeReader, also when its source reports more than it read."),
		"hand on buf[:n:n] of a buffer whose capacity is its length, so that a count too large panics", nil, teePrivate},
	{level1("tee/allocations", "io.Copy out of a TeeReader allocates no buffer once buffers are idle."),
		"give it a WriteTo that takes the buffer from Get, or call strategy.OptimizedTeeReader", reuses, teeAllocations},

	{level1("stats/calls", "Every Get is a hit or a miss, every Put is counted, and ActiveBuffers are the held ones."),
		"count each call once, when its outcome is known", nil, statsCalls},
	{level1("stats/hits", "A hit is a Get of a buffer that was lent before, a miss is any other."),
		"count when the outcome is known, not when it is guessed", nil, statsHits},
	{level1("stats/collections", "Hits and misses are also true after the collector has emptied the pool."),
		"a non-empty shelf a moment ago is not a hit", nil, statsCollections},
	{level1("stats/discards", "A Put that is not kept is a discard, and no discard is not a Put."),
		"count a discard wherever Put lets go of a buffer", nil, statsDiscards},
	{level1("stats/load", "In every snapshot, also under load, the counters add up, and none ever falls."),
		"count a Put before its buffer can be taken, and read puts before gets", nil, statsLoad},
	{level1("stats/misuse", "No counter is negative, whatever callers put."),
		"clamp ActiveBuffers at zero", nil, statsMisuse},
	{level1("stats/repeats", "A refused Put is in DoublePuts and not in TotalPuts."),
		"count it in one place", refusesRepeats, statsRepeats},
	{level1("stats/damaged", "A buffer that was overwritten while idle, its mark included, is never lent again, and is counted in Damaged."),
		"look for the mark on the way out, and drop a buffer without it", refusesRepeats, statsDamaged},
	{level1("stats/cheap", "Stats allocates nothing."),
		"return counters, build no maps", nil, statsCheap},

	{level1("pools/buffers", "Two pools share no buffers."),
		"keep idle buffers in the pool, not in a global", nil, poolsBuffers},
	{level1("pools/counters", "Two pools share no counters."),
		"keep counters in the pool, not in a global", nil, poolsCounters},

	{level1("close/goroutines", "No goroutine of a pool is left after Close."),
		"stop what was started, and wait for it", nil, closeGoroutines},
	{level1("close/twice", "The second Close does nothing, and is no error."),
		"sync.Once", nil, closeTwice},
	{level1("close/usable", "A closed pool still serves Get, CopyBuffer and TeeReader."),
		"allocate when there is nothing idle, also when there never will be", nil, closeUsable},
	{level1("close/held", "Buffers that are out during Close can be used and put, from running calls too."),
		"Put discards once the pool is closed", nil, closeHeld},
	{level1("close/idle", "What was idle is free after Close, and after a late Put."),
		"drop the references in Close", nil, closeIdle},

	{level1("config/faults", "A negative size, Min below 64 bytes, Min above Default or Default above Max is refused."),
		"strategy.NewPool and strategy.New validate", validates, configFaults},
	{level1("disabled/fresh", "A disabled pool lends fresh zeroed memory, keeps nothing and counts no hit."),
		"strategy.NewPool does this when Enabled is false", validates, disabledFresh},
	{level1("disabled/standard", "The CopyBuffer of a disabled pool is io.Copy, its TeeReader io.TeeReader."),
		"strategy.NewPool does this when Enabled is false", validates, disabledStandard},

	{level1("model", "Random sequences of operations agree with a model of the contract."),
		"replay the printed bytes with FuzzBufferPool", nil, modelRule},
}
