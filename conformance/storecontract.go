package conformance

// storeRule is a rule for cache tiers, and how to see whether it holds.
type storeRule struct {
	Rule
	mend string                  // what usually mends it
	when func(StoreOptions) bool // nil: for every tier
	run  func(*storeCheck)
}

func limited(o StoreOptions) bool    { return o.MaxBytes > 0 }
func persistent(o StoreOptions) bool { return o.Reopen != nil }

// storeRules is the contract of a store.Store.
var storeRules = []storeRule{
	{level1("create/hidden", "Nothing of an entry is visible before its Commit, and the former entry of the key stays."),
		"stage apart from what Open and Stat look at, and move in Commit", nil, createHidden},
	{level1("create/oversize", "Create refuses a declared size that cannot fit with ErrTooLarge, and nothing is evicted for it."),
		"compare Metadata.Size with the limit before anything else, and allocate as bytes arrive", nil, createOversize},
	{level1("create/writers", "Several writers of one key do not disturb each other, and the last Commit wins."),
		"give each writer a staging place of its own, not one named after the key", nil, createWriters},
	{level1("context/ended", "A call whose context has ended returns the context's error and does nothing."),
		"look at ctx.Err() first, in Commit too", nil, contextEnded},

	{level1("keys/any", "Any string is a key of its own: the empty one, 5,000 arbitrary bytes, a path, one that differs in case only."),
		"name files by a hash of the key, and store the key beside the body", nil, keysAny},
	{level1("keys/owned", "Keys and the strings of Metadata are copied: their bytes may be another buffer's after the call."),
		"strings.Clone what outlives the call", nil, keysOwned},

	{level1("write/borrows", "Write neither keeps nor changes the bytes that it is given."),
		"copy what is to stay", nil, writeBorrows},
	{level1("write/counts", "Write returns the length of what it was given, or an error."),
		"return len(p), nil", nil, writeCounts},

	{level1("commit/kept", "What was committed can be opened: of 200 entries at least one, just after its Commit."),
		"publish in Commit before it returns", nil, commitKept},
	{level1("commit/whole", "A committed body is what was written, byte by byte, whatever its length and the lengths of the Writes."),
		"look at the edges of blocks, and at bodies of no bytes", nil, commitWhole},
	{level1("commit/incomplete", "Commit of more or fewer bytes than were declared is ErrIncomplete, and publishes nothing."),
		"compare what was written with Metadata.Size, unless that is negative", nil, commitIncomplete},
	{level1("commit/ended", "A writer that has committed, aborted or failed refuses Write and Commit with ErrClosed, and changes nothing."),
		"note the end of a writer, whatever it was", nil, commitEnded},
	{level1("abort/drops", "Abort drops what was staged, and the former entry stays."),
		"publish in Commit alone", nil, abortDrops},
	{level1("abort/again", "Abort after Commit, and a second Abort, do nothing and are no error."),
		"defer w.Abort() has to be right always", nil, abortAgain},

	{level1("metadata/kept", "Every field of Metadata is kept: times to the nanosecond, Header in its order, bytes that are no UTF-8."),
		"store all fields; JSON replaces bytes that are no UTF-8", nil, metadataKept},
	{level1("metadata/size", "An open entry knows its size, declared or not: Size() and Metadata().Size are the length of the body."),
		"set Size in Commit", nil, metadataSize},

	{level1("open/missing", "Open and Stat of a key that has no entry return ErrNotFound."),
		"translate the errors of what is below, fs.ErrNotExist for one", nil, openMissing},
	{level1("read/equal", "An entry reads as io.Reader and io.ReaderAt say, with any length of buffer."),
		"see testing/iotest.TestReader", nil, readEqual},
	{level1("read/apart", "Each open entry has a position of its own, and many can be read at the same time."),
		"keep the offset in what Open returns, not in what the tier keeps", nil, readApart},
	{level1("read/at", "ReadAt reads anywhere, from several goroutines at once, and moves no position."),
		"do not make it of Seek and Read", nil, readAt},
	{level1("writeto/equal", "WriteTo writes what Read would have read from the same position on, once."),
		"start at the position of Read and move it", nil, writeToEqual},
	{level1("writeto/faults", "A destination that fails, falls short or panics harms neither the entry nor the tier, and its error comes out."),
		"defer what ends a call, and believe no count above len(p)", nil, writeToFaults},

	{level1("entry/outlives", "An open entry is read to its end after a replacement, Delete, eviction, and after Close of the tier."),
		"count references, or keep the file open", nil, entryOutlives},
	{level1("entry/closed", "After Close of an entry every read returns ErrClosed and no bytes."),
		"ErrClosed, not io.EOF: a copy takes EOF for the end", nil, entryClosed},
	{level1("entry/again", "The second Close of an entry does nothing and is no error."),
		"give a reference back once", nil, entryAgain},
	{level1("entry/closing", "Close of an entry beside a Read gives the right bytes or ErrClosed, never others."),
		"pin what is read for the length of a call", nil, entryClosing},

	{level1("stat/agrees", "Stat returns the metadata that Open returns."),
		"ask the same index", nil, statAgrees},
	{level1("stat/use", "Stat does not count as a use: what is evicted is the same with it and without."),
		"do not touch the order of eviction", limited, statUse},

	{level1("delete/nothing", "Delete of a key that has no entry is no error."),
		"return nil when there is nothing to remove", nil, deleteNothing},
	{level1("delete/gone", "A deleted entry is gone, no older one comes back, other keys stay, and a writer may still commit."),
		"remove the entry itself, and leave writers alone", nil, deleteGone},

	{level1("stalled/delete", "Delete waits for no reader and no writer."),
		"take the entry out of the index, and let its last reader free it", nil, stalledDelete},
	{level1("stalled/calls", "No method of the tier waits for a reader or a writer."),
		"hold no lock across a Write to somebody's destination, nor from Create to Commit", nil, stalledCalls},
	{level1("stalled/close", "Close of an entry does not wait for a WriteTo that stands still, which ends well."),
		"Close marks, and the last call out frees", nil, stalledClose},

	{level1("staged/frontier", "ReadAt of a writer reads what was written so far, with io.EOF at the frontier."),
		"follow io.ReaderAt, with what was written as the end", nil, stagedFrontier},
	{level1("staged/followers", "Followers that read beside Write, Commit and Abort read the right bytes."),
		"publish the frontier after the bytes", nil, stagedFollowers},
	{level1("staged/held", "What is held stays readable past Commit and Abort, a replacement, Delete and eviction of the entry."),
		"let the writer count as a reader of its entry until Release", nil, stagedHeld},
	{level1("staged/released", "Without Hold, or after Release, ReadAt of a writer that has ended returns ErrClosed and no bytes, and not before."),
		"it ends when the writer has and nobody holds", nil, stagedReleased},

	{level1("direct/appends", "What Next and Advance append, between Writes and among them, is part of the body in its order."),
		"Next lends what Write would fill next", nil, directAppends},
	{level1("direct/beyond", "Advance of a negative number, or beyond what Next returned last, is an error and appends nothing."),
		"remember the length of what was lent, and forget it at the next call", nil, directBeyond},
	{level1("direct/memory", "What was advanced over stays as it is, in the memory that Next returned, while ReadAt may be called."),
		"lend memory that stays where it is", nil, directMemory},

	{level1("update/applies", "UpdateMetadata replaces every field but Size, and leaves the body alone."),
		"keep the Size of the body whatever is given", nil, updateApplies},
	{level1("update/condition", "UpdateMetadata of another generation, or of nothing, returns ErrNotFound and changes nothing."),
		"compare generations under the lock", nil, updateCondition},
	{level1("update/open", "Who has an entry open keeps the metadata and the body that were there."),
		"replace the metadata, do not write to it", nil, updateOpen},
	{level1("list/all", "List yields each committed entry once with its metadata, none that is staged, aborted or deleted, and its loop may call the tier."),
		"list what Open looks at, and hold no lock across yield", nil, listAll},

	{level1("bound/bytes", "Bodies that can be opened, and those staged with a declared size, stay within MaxBytes in all."),
		"evict before bytes arrive, and count what is staged", limited, boundBytes},
	{level1("bound/outgrown", "A body of unknown size that outgrows the tier is refused with ErrTooLarge, is not published, and evicts nothing."),
		"evict for it when it is whole, or not at all", limited, boundOutgrown},

	{level1("race/values", "Under load every value is one that was written, whole, and none from before the last Commit or Delete."),
		"change the index in one step; run with -race", nil, raceValues},
	{level1("race/close", "Close of the tier under load: a call succeeds or returns ErrClosed, and no bytes are wrong."),
		"let calls finish, or turn them away", nil, raceClose},

	{level1("closed/refuses", "A closed tier refuses every call with ErrClosed, lists nothing and publishes nothing."),
		"look at it first, in Commit too", nil, closedRefuses},
	{level1("closed/again", "The second Close of the tier does nothing and is no error."),
		"sync.Once", nil, closedAgain},
	{level1("closed/goroutines", "No goroutine of a tier is left after Close."),
		"stop what was started, and wait for it", nil, closedGoroutines},
	{level1("reopen/same", "After Close and Reopen every entry is the same or absent, never different, and what was not committed is absent."),
		"check lengths and checksums, sweep what was staged", persistent, reopenSame},
}
