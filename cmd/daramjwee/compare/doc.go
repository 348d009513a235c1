// Package compare measures what a strategy does to a cache: one workload, through
// a real cache, once per strategy and once with pooling off, in rounds.
//
// What is measured. A run opens a fresh cache with fresh tiers and has clients ask
// it, in this process, for as long as the workload says. An in-process origin makes
// the bodies, so that neither a network nor an HTTP server hides what the buffers
// cost; clients read every body to its end and compare every byte of it. The
// strategy is that of all buffers of a run: of the streams of the cache (what a
// miss is teed through, what is promoted and persisted), of the memory tier's
// blocks, and of the disk tier's verification. The row of the standard library is
// the same cache with pooling off everywhere: io.Copy, io.TeeReader and make.
//
// What is fair. All runs ask for the same keys in the same sequence, drawn from a
// seed. A round runs every strategy once, in an order shuffled anew, so that a
// machine that slows down or is shared slows all of them. Before a run the garbage
// collector empties what the one before left; then the hot keys are fetched once,
// and the workload runs for a quarter of its time before anything is counted.
//
// What a figure is. Each is taken once per run; shown is the median of all rounds
// with the bounds of its 95 % confidence interval. Two rows differ when the
// Mann-Whitney U test says so at p < 0.05, and else the difference is noise.
// Allocations are those of the whole process between the first counted request and
// the last, the workload's own included: 200 bytes in 4 objects or so for each
// request that is not for a hot key, the same in all rows.
package compare
