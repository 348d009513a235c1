// Package cache is a read-through, multi-tier streaming cache. Bodies are never
// held whole on the way to a caller; the buffers of every stream come from a
// strategy.BufferPool that the configuration selects by name.
//
// The life of one Get:
//
//  1. The tiers are walked, the nearest first. A fresh entry in tier 0 is
//     returned as it lies there: no copy, no goroutine.
//  2. A stale entry inside its stale-while-revalidate window is returned at once,
//     and ScheduleRefresh asks the origin behind it, once per key.
//  3. An entry in a lower tier is streamed to the caller while it fills tier 0
//     (promoteAndTeeStream). It keeps its age. PromoteWithin may leave it where
//     it is until its second hit.
//  4. Otherwise the caller's Fetcher asks the origin, and the body fills the
//     nearest tier that has room for it on its way to the caller
//     (cacheAndTeeStream). Others who want the key meanwhile read along, each at
//     its own pace: whoever needs bytes that are not there yet reads the source
//     for all. Where the tier does not let them, they wait until it is stored; an
//     origin's error is shared with them, and what cannot be shared they fetch
//     for themselves.
//  5. An entry is published only when it is whole: the body ended, or reached its
//     declared size. A fill that all callers have left is finished in the
//     background when little is missing, else aborted, and a tier that fails
//     never fails a caller: what is missing of a body then comes from the origin,
//     if that still has the same (a strong validator says so).
//  6. Once published, it is copied to the colder tiers in the background
//     (scheduleSetToStore): the newest entry of a key, by one worker at a time,
//     and again after a pause where the tier failed. Overflow says what becomes
//     of it when the queue is full.
//  7. An origin that answers "not modified" moves a timestamp, not a body. One
//     that answers "not found" is remembered as a negative entry. One that fails
//     is stood in for by a stale entry, inside its stale-if-error window.
//
// Each value carries the number of the fetch or Set that it began with. One that
// began before a Delete or Set of its key is neither published after it nor found,
// also when a tier failed to delete it. Nor does a slow fetch, or a slow copy, take
// the place of what a later fetch has published.
package cache
