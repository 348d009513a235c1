package command

import (
	"fmt"
	"math"
	"os"
	"runtime/debug"
)

// memoryLimit is what serve may take in all. A full memory tier is mostly live
// heap, and the collector lets a heap grow to twice what is live: without a limit
// a tier of 10 GiB would take 20. A quarter on top of the tier is for what is
// staged, pinned and garbage; the index of the disk tier comes to a sixty-fourth
// of it with entries of 16 KiB and more; the rest is for everything else.
func (s *settings) memoryLimit() int64 {
	limit := float64(s.memoryMax)*1.25 + float64(s.diskMax)/64 + 256<<20
	if limit > 1<<60 { // none
		return math.MaxInt64
	}
	return int64(limit) >> 20 << 20
}

// limitMemory sets that limit, unless GOMEMLIMIT is given, and says what there is.
func limitMemory(s *settings) (says string, undo func()) {
	if given := os.Getenv("GOMEMLIMIT"); given != "" {
		return "Memory limit: " + given + ", by GOMEMLIMIT", func() {}
	}
	limit := s.memoryLimit()
	before := debug.SetMemoryLimit(limit)
	return fmt.Sprintf("Memory limit: %v, from the tiers (GOMEMLIMIT changes it)", sizeValue[int64]{&limit}),
		func() { debug.SetMemoryLimit(before) }
}
