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
// A hit. Open takes the lock for reading, looks the key up, marks the entry as
// used, which is setting a bit, and takes a reference: one allocation.
// WriteTo hands the blocks themselves to the destination, one Write each. Close
// gives the reference back.
//
// Blocks are counted by reference: the index holds one to an entry, each open
// Entry one, a Writer one until it has ended and nothing holds it. The last one out
// puts the blocks back into the pool, so what is evicted, replaced or deleted is
// still read to its end, and so is what was aborted while it was held. Close never
// waits for a WriteTo that is stalled: a fence counts the calls inside, and the
// last of them gives the reference back. An Entry that nobody closes costs an
// allocation later, since the pool does not see its blocks again, and never a
// wrong byte.
//
// # The limit
//
// MaxBytes counts the capacity of blocks, not the length of bodies, and for each
// entry an estimate of what the store keeps besides: a fixed 512 bytes, the key, the
// validator and the header. Eviction is SIEVE's, and happens at these moments only:
//
//   - A declared size is promised its room by Create, which returns ErrTooLarge
//     at once, having evicted nothing, when it cannot fit beside what other
//     writers were promised. Others are evicted block by block, as bytes arrive:
//     what is aborted displaced no more than it staged. Committed entries and
//     the staged bytes of declared sizes together never exceed MaxBytes.
//   - An unknown size may outgrow the tier, and nothing is evicted for what may
//     never be kept: its bytes are staged beside the limit, and Commit evicts.
//     All bytes staged so are at most MaxBytes more; past it, Write returns
//     ErrTooLarge and Next is empty. Declare sizes where they are known.
//   - UpdateMetadata evicts when the header grew.
//
// Blocks of entries that were evicted, replaced, deleted or aborted while somebody
// read or held them are beyond the limit until the last one is done:
// Stats.PinnedBytes. So is a last block that Commit replaced in a held writer.
//
// No call waits for anything; one whose context has ended fails and does nothing.
package memory
