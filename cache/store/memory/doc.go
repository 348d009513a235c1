// Package memory is a tier that keeps entries in blocks from a buffer pool.
//
//	source ---Next, Advance---> blocks ---Commit---> index ---Open, WriteTo---> destination
//
// A write. Create copies the key and the strings of the metadata, so that they
// alias nobody's buffer. Next lends the free rest of the last block, or a new
// block from the pool, and Advance counts what a source put there: the bytes of
// a body are written once and never moved. Commit makes room, puts the entry
// into the index and takes the key's former one out. The last block is replaced
// by an exact copy, outside of the pool, when less than half of it is used.
//
// A hit. Open looks the key up in the index, without a lock, takes a reference, and
// marks the entry as used, which is setting a bit: one allocation. WriteTo hands the
// blocks themselves to the destination, one Write each, or all at once where it takes
// that (store.VectorWriter, a TCP or Unix connection). Close gives the reference back.
//
// Blocks are counted by reference: the index holds one to an entry, each open
// Entry one, a Writer one until it has ended and nothing holds it. The last one out
// puts the blocks back into the pool, so what is replaced or deleted is still read
// to its end, and so is what was aborted while it was held. Close never waits for a
// WriteTo that is stalled: a fence counts the calls inside, and the last of them
// gives the reference back. An Entry that nobody closes costs an allocation later,
// since the pool does not see its blocks again, and never a wrong byte.
//
// # The limit
//
// MaxBytes counts the capacity of blocks, not the length of bodies, and for each
// entry an estimate of what the store keeps besides: a fixed 512 bytes, the key, the
// validator and the header. The table of the index comes on top, 1.6 percent at most.
// Eviction is SIEVE's, and happens at these moments only:
//
//   - A declared size is promised its room by Create, which returns ErrTooLarge
//     for what can never fit, at once and having evicted nothing, and ErrFull for
//     what cannot now. Others are evicted block by block, as bytes arrive: what is
//     aborted displaced no more than it staged.
//   - An unknown size may outgrow the tier, and nothing is evicted for what may
//     never be kept: its bytes are staged where there is room, and else in a
//     quarter of MaxBytes (1 MiB in a small tier) beside the limit. Commit evicts.
//     Past that, Write returns an error and Next is empty. Declare sizes where they
//     are known.
//   - UpdateMetadata evicts when the header grew.
//
// What is read or held keeps its room until its readers are done, so that a tier whose
// readers fill it takes nothing new; but it stays within MaxBytes however many they are
// and however slow: committed entries, what is staged with a declared size, and
// Stats.PinnedBytes, the blocks of entries that were replaced, deleted or aborted while
// they were read. (It is more for a while where entries that room was promised from came
// to be read.) Measured: 512 clients of a tier of 512 MiB made 1.3 GiB live when what
// they read was evicted. Eviction passes by what is read, with one exception: each time
// that an ErrFull is due to readers, one of the entries that are read and that nobody
// asked for since the last time is not found any more. Were its readers forgotten, the
// collector then gives its room back.
//
// No call waits for anything; one whose context has ended fails and does nothing.
package memory
