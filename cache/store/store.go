// Package store is the contract of a cache tier: what keeps entries by key.
//
// A tier is written to by Create, Write … and Commit, and nothing of an entry is
// visible before its Commit. It is read by Open, Read … and Close. Entries are
// never changed in place: a new one replaces the old one, and whoever has the
// old one open reads it to its end.
//
// Implementations: store/memory keeps entries in pooled blocks, store/disk in
// files. Package conformance tests any other.
package store

import (
	"context"
	"errors"
	"io"
	"iter"
	"net"
	"time"
)

var (
	// ErrNotFound is a miss.
	ErrNotFound = errors.New("store: not found")
	// ErrTooLarge says that an entry cannot fit into the tier, however much is evicted.
	ErrTooLarge = errors.New("store: entry larger than the tier")
	// ErrFull says that a tier has no room now, beside what is staged and what is
	// being read, neither of which it can evict. errors.Is takes it for an
	// ErrTooLarge as well.
	ErrFull error = fullError{}
	// ErrUnreadable says that it is the entry that cannot be read, or only in part. An
	// Entry's WriteTo returns it for what is not its destination's failure: then a cache
	// reads on from the origin. Any error of Read is taken so.
	ErrUnreadable = errors.New("store: entry cannot be read")
	// ErrClosed is returned by calls on a closed store, entry or writer.
	ErrClosed = errors.New("store: closed")
	// ErrIncomplete is returned by Commit when the bytes written are not as many as Metadata.Size declared.
	ErrIncomplete = errors.New("store: size differs from the declared one")
)

type fullError struct{}

func (fullError) Error() string { return "store: no room beside what is being read and written" }

func (fullError) Is(target error) bool { return target == ErrTooLarge }

// Metadata describes an entry. Stores keep all of it, to the nanosecond, and no
// string of the caller's: see Clone. The fields that every hit looks at come first.
type Metadata struct {
	StoredAt time.Time // when the origin said so last: the start of the entry's age

	// TTL is how long after StoredAt the entry is fresh. 0: the cache's own
	// default; negative: never, so that each use asks the origin first.
	TTL time.Duration

	Size       int64  // bytes of the body; -1: unknown. An open entry always knows
	Negative   bool   // the origin said that there is nothing under this key
	Generation uint64 // orders the values of a key; the cache numbers them

	// StaleWhileRevalidate and StaleIfError are the windows of RFC 5861, from the
	// end of freshness on. 0: the cache's own default; negative: none.
	StaleWhileRevalidate, StaleIfError time.Duration

	ETag         string    // the validator as the origin gave it, quotes and W/ included; "" is none
	LastModified time.Time // zero: unknown
	Header       Header    // whatever else belongs to the entry
}

// Store keeps entries by key. Any key is valid, the empty one and one of 5,000
// arbitrary bytes included. What a store keeps of a key is a copy: its bytes may
// be those of a buffer that its caller uses again.
//
// All methods are safe for concurrent use, and none waits for a reader or a writer
// of another caller.
type Store interface {
	// Open returns the committed entry of a key. ErrNotFound is a miss; any
	// other error is this tier's failure, and a cache asks the next tier.
	Open(ctx context.Context, key string) (Entry, error)
	// Create stages an entry. When m.Size says that it can never fit, the error is
	// ErrTooLarge, at once, and nothing is evicted; when it cannot fit now, ErrFull.
	// Several writers of one key do not disturb each other; the last Commit wins.
	Create(ctx context.Context, key string, m Metadata) (Writer, error)
	// Delete removes the entry of a key; to remove nothing is not an error. It
	// waits for no reader and no writer: open entries read on, and a writer may
	// still commit.
	Delete(ctx context.Context, key string) error
	// Stat returns the metadata of the committed entry of a key, or ErrNotFound.
	// It does not count as a use.
	Stat(ctx context.Context, key string) (*Metadata, error)
	// Close releases the store. Entries that are open can be read to their end.
	Close() error
}

// Entry is an open entry. Its caller reads it from one goroutine and closes it;
// Close may be called from another one at any time, more than once, and never
// waits: after it, a Read that has not begun returns ErrClosed and no bytes.
//
// An Entry may have io.ReaderAt, and io.WriterTo, which a copy prefers: what fails
// there, other than its destination, is an ErrUnreadable.
type Entry interface {
	io.ReadCloser
	// Metadata is shared by all who opened the entry: it is not to be changed.
	Metadata() *Metadata
	// Size is the number of bytes of the whole body.
	Size() int64
}

// BodyOpener is optional on a Store: an entry is opened without an allocation, for a
// caller who keeps the offset, and fences Release against what is under way. A cache
// then calls OpenBody where it would call Open: who embeds a Store, to have an Open of his
// own, needs an OpenBody too. It is for tiers whose bodies do not fail: what one does not
// give, a cache looks for nowhere else.
type BodyOpener interface {
	// OpenBody is Open, for a Body in place of an Entry. The metadata is shared, and not
	// to be changed; its Size is the length of the body.
	OpenBody(ctx context.Context, key string) (Body, *Metadata, error)
}

// Body is the body of a committed entry, shared by all who have opened it.
type Body interface {
	// ReadAt may be called from several goroutines, as WriteFrom may.
	io.ReaderAt
	// WriteFrom writes what follows the first off bytes, with the result of
	// io.WriterTo.
	WriteFrom(w io.Writer, off int64) (int64, error)
	// Release ends one OpenBody, once, and never waits. The caller has no other call
	// under way, and makes none after it.
	Release()
}

// Writer stages an entry. It is used by one goroutine.
type Writer interface {
	// Write appends. ErrTooLarge says that the entry has outgrown the tier, ErrFull
	// that it has outgrown the room there is now.
	io.Writer
	// Commit publishes the entry, replacing the key's former one. It fails
	// with ErrIncomplete when m.Size was declared and is not what was written.
	// After an error the entry is not published and the writer is aborted.
	Commit(ctx context.Context) error
	// Abort drops what was staged. After Commit it is a no-op, so that a
	// deferred Abort is always right.
	Abort() error
}

// StagedReader is optional on a Writer: its bytes can be read back, from any
// goroutine, beside the writer's own.
type StagedReader interface {
	// ReadAt reads what was written so far, with the errors of io.ReaderAt: io.EOF
	// at the frontier. It ends with Commit or Abort, unless the writer is held;
	// then it returns ErrClosed and no bytes.
	ReadAt(p []byte, off int64) (int, error)
}

// StagedHolder is optional on a StagedReader: those who follow a writer read on
// after it has committed or aborted. A StagedReader without it is held from the
// start, for as long as it is referenced.
type StagedHolder interface {
	// Hold keeps the bytes readable past Commit and Abort, and past the eviction
	// of the entry, until Release. It is called before either, at most once.
	Hold()
	// Release gives the bytes up. It never waits: a ReadAt that is under way ends
	// well, a later one returns ErrClosed as soon as the writer has ended too.
	Release()
}

// VectorWriter is implemented by destinations that take many blocks at a time, as
// net.TCPConn and net.UnixConn do: the WriteTo of an Entry in memory uses it. The
// list is the callee's to change, its bytes are not, and not to be looked at when it
// has returned. The result is that of io.Writer.
type VectorWriter interface {
	WriteVector(list net.Buffers) (n int64, err error)
}

// DirectWriter is optional on a Writer: a source is read straight into the
// staged entry, without a buffer in between.
type DirectWriter interface {
	// Next returns room for at least one byte, valid until the next call of a
	// Writer's or DirectWriter's method. It is empty when the entry has outgrown
	// the tier, or no room can be had.
	Next() []byte
	// Advance appends the first n bytes of what Next returned. Their memory is
	// theirs from then on: it can be read through that slice, without a ReadAt,
	// for as long as ReadAt may be called.
	Advance(n int) error
}

// MetadataUpdater is optional on a Store: metadata is replaced without touching
// the body, as a "not modified" answer asks for.
type MetadataUpdater interface {
	// UpdateMetadata replaces the metadata of a key's committed entry if its
	// generation is ifGeneration, else it returns ErrNotFound. The entry keeps
	// its Size whatever m says. Those who have it open keep what they saw.
	UpdateMetadata(ctx context.Context, key string, ifGeneration uint64, m Metadata) error
}

// Measurer is optional on a Store.
type Measurer interface {
	// Usage returns a snapshot. It may be called at any time, after Close too.
	Usage() Usage
}

// Usage is what a tier holds now. What counts as a byte is the tier's own: blocks
// or files, overhead included.
type Usage struct {
	Entries     int64 // committed
	Bytes       int64 // of committed entries
	StagedBytes int64 // of writers that have neither committed nor aborted
	PinnedBytes int64 // of entries that are gone, and that somebody still reads
	MaxBytes    int64 // the limit; 0: none
	Evictions   int64 // entries removed to make room, since the store was opened
}

// Lister is optional on a Store.
type Lister interface {
	// List yields every committed entry in no particular order. The metadata is
	// shared and not to be changed. Entries that come or go meanwhile may be
	// missed.
	List() iter.Seq2[string, *Metadata]
}
