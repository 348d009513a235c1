// Package memory is the tier that keeps entries in blocks of a buffer pool.
//
// One write: Create reserves room for a declared size, Write (or Next and
// Advance, or ReadFrom) fills blocks borrowed from the pool, Commit replaces a
// last block that is less than half full by an exact copy and publishes the list
// of blocks. One hit: Open finds the entry and takes a reference, WriteTo writes
// straight out of the blocks, one Write each, and Close gives the reference back.
//
// An entry is counted by reference: the index holds one, and each open Entry one.
// The blocks of an entry that was evicted, replaced or deleted return to the pool
// with the last of them, so a reader is never pulled the ground from under. An
// Entry that nobody closes costs its blocks to the garbage collector, later, and
// never a wrong byte.
//
// The limit counts the capacity of all blocks and a fixed overhead per entry,
// staged entries included. Room for a declared size is made on Create. An entry
// of unknown size evicts nothing before its Commit: until then it may grow to an
// eighth of the limit, and all of them together may exceed the limit by that
// much; what grows further is refused with store.ErrTooLarge, and its bytes can
// still be read back, to continue in a larger tier.
package memory
