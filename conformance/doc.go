// Package conformance tests the backends that other people write. A backend that
// passes keeps the whole contract of strategy.BufferPool, the parts that only
// show under concurrency, after a panic or after a garbage collection included.
//
// # Test your backend in four lines
//
//	func TestMine(t *testing.T) {
//		conformance.TestBufferPool(t, mine.Open, conformance.Options{})
//	}
//
// mine.Open is the strategy.Factory that you give to strategy.Register. Run it
// with -race once as well. A registered name is tested by TestStrategy, and a
// program without tests calls CheckBufferPool, which returns what it finds as an
// error.
//
// # What happens
//
// Each rule is a subtest with a stable ID, so that go test -run
// 'TestMine/copy/errors' runs one. It opens pools of its own, for
// Options.Config and for variations of it, and closes them. A violation says
// where it was seen, what was got and wanted, and what usually mends it:
//
//	conformance: put/prefix: Put of a prefix, also of length zero, is the Put of the whole buffer.
//		where: puts counted for Put(b[:0]) of 4096 bytes
//		got:   0
//		want:  1
//		mend:  decide by cap(buf), never by len(buf)
//
// A rule that panics, ends its goroutine or hangs is a violation too; a hanging
// one prints the goroutines that descend from it. Rules lists the contract.
//
// # What a backend declares
//
// The zero Options is right for an ordinary backend that reuses buffers. What
// else it promises is declared, and then checked: a bound, that it retains
// nothing, that collections empty it, that it honours Scrub, that it refuses
// repeated Puts. A backend that strategy.NewPool made of two methods may declare
// Zeroes and RefusesRepeats, since NewPool does both.
//
// Everything legal passes, however odd: dirty memory, a pool that drops every
// second buffer, one that is filled in advance, one with more capacity than was
// asked for.
//
// A rule that a backend breaks knowingly is named in Options.Deviations with the
// reason. The rule still runs, and fails when it holds: the list cannot outlive
// what it excuses.
//
// # Misuse
//
// Every pool must survive a Put of a tail, of a foreign slice, of the same
// buffer twice: no panic, no blocking, no short buffer, no negative counter. One
// that declares RefusesRepeats must also refuse the second Put of a buffer that
// is still idle, and must not lend one that was overwritten while idle. It tells
// by a mark in the buffer, which strategy.NewPool puts into the first eight bytes:
// a write that misses the mark goes unnoticed, and no rule asks for more.
//
// Only strategy.Checked finds, and says where, a write behind the mark, a Put of a
// buffer that was lent to somebody else since, of a part of one or of foreign
// memory, Puts of one buffer at the same moment, a leak, and what is out at Close.
// Who reads after Put sees its poison.
//
// # Cache tiers
//
//	func TestTier(t *testing.T) {
//		conformance.TestStore(t, openTier, conformance.StoreOptions{MaxBytes: 16 << 20})
//	}
//
// TestStore does the same for a store.Store: openTier returns an empty tier, which
// the suite closes. What is optional in the contract, from store.Lister to
// io.ReaderAt, is tested where it is, and skipped where it is not; on a
// store.BodyOpener every rule runs once more, with its bodies. A limit, and
// that a tier outlives its Close, are declared in StoreOptions. CheckStore returns
// the violations as an error, and StoreRules lists the rules.
//
// # Measure it, fuzz it
//
//	func BenchmarkMine(b *testing.B) { conformance.BenchmarkBufferPool(b, mine.Open) }
//	func FuzzMine(f *testing.F)      { conformance.FuzzBufferPool(f, mine.Open, conformance.Options{}) }
//
// The benchmark measures a bare sync.Pool, make, io.Copy and io.TeeReader in the
// same run: read its figures as ratios to those. BenchmarkStrategies does it for
// all registered strategies. The fuzz target runs random sequences of operations
// against a model of the contract.
//
// # How far to trust it
//
// The suite is tested as hard as the pools are: for every rule there is a broken
// pool that this rule alone catches, and the odd but legal ones pass. Copies and
// tees are compared with io.Copy and io.TeeReader themselves. Two things are
// seen by luck: a data race, which -race sees more often, and, where they are
// off, allocations, which the race detector hides.
package conformance
