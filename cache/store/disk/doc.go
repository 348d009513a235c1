// Package disk is a tier that keeps each entry in one file of a directory.
//
//	Create ---> tmp/…stage ---Commit: rename---> <SHA-256 of the key>.entry ---> Open
//
// A write. Create encodes the metadata and opens a file in the tmp folder. Each
// Write first makes room, evicting as much as it is about to add, then appends
// to the file, computing a CRC-32C per block of 64 KiB as the bytes pass.
// Commit appends the table of checksums, the metadata and a footer, renames the
// file to its name and swaps the entry of the index. Nothing is visible before
// the rename; the former file lives on for those who have it open.
//
// A read. Open looks the key up in the index, which is in memory, and opens the
// file. A block is read and checked against the table before any of its bytes
// leave, once for as long as the file is indexed and its modification time stays
// the same; from then on it is handed from the file to the destination as it
// is, by sendfile where the destination is a socket. The first block is checked
// by Open, so that damage there is a miss and not an error in mid-stream.
//
// Damage. Any truncated or altered file gives a miss, an error from Read, or
// the right bytes: never others. It is counted, logged and removed.
//
// # Format
//
// The body comes first, at offset 0, so that it can go out as it lies. Behind it
// come the checksums of its blocks, a metadata record and a footer. A "not
// modified" answer appends another record and footer and leaves the body alone:
// the last whole footer counts. See format.go for the bytes.
//
// # Capacity
//
// MaxBytes limits the bytes of all files: bodies, checksums, metadata, footers,
// and what is being staged. What the file system adds (directories, the unused
// rest of a file's last block) is not counted. Eviction is SIEVE's.
//
//   - Create with a declared size is refused with ErrTooLarge, evicting nothing,
//     when it cannot fit beside what other writers have been promised.
//   - Eviction happens as the bytes arrive, never ahead of them: a write that is
//     aborted has displaced no more than it wrote.
//   - An entry of unknown size evicts nothing before its Commit, since nobody can
//     tell whether it will fit. Until then all of them together hold an eighth of
//     MaxBytes at most, beside the limit; what grows further is refused with
//     ErrTooLarge. Declare sizes where they are known.
//   - Two versions of a key count side by side until the new one is committed.
//   - Files that were replaced, evicted, deleted or aborted while somebody read or
//     held them occupy the disk beside the limit until the last one is done:
//     Stats.PinnedBytes.
//
// # What is durable
//
// Without Durable nothing is flushed: after a crash of the process everything
// committed is there; after a crash of the machine the checksums turn what did
// not reach the disk into misses. With Durable, Commit, Delete and
// UpdateMetadata return once the file and the directory are flushed. Evictions
// are never flushed: after a crash of the machine an evicted entry may be back.
//
// The order of eviction is saved on Close; after a crash it is that of the
// files' modification times.
//
// # The directory
//
// It belongs to one Store at a time, of any process, which holds a lock on
// daramjwee.lock. Entries lie flat in it: through os.Root each folder level
// costs an open and a close per call, and one folder is one flush for Durable.
// Files whose names are not the store's own are left alone.
//
// On Windows, os.Root opens files so that they can be renamed and removed while
// they are open, as on Unix. Where a file system cannot do that, a replacement
// fails and the old entry stays, and a file that cannot be removed is logged.
package disk
