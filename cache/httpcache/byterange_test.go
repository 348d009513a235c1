package httpcache

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParseRange(t *testing.T) {
	r := func(pairs ...int64) (ranges []byteRange) {
		for i := 0; i < len(pairs); i += 2 {
			ranges = append(ranges, byteRange{pairs[i], pairs[i+1]})
		}
		return ranges
	}
	const huge = "99999999999999999999999"
	for _, c := range []struct {
		field  string
		ranges []byteRange
		ok     bool
	}{
		{"bytes=0-0", r(0, 1), true},
		{"bytes=0-9", r(0, 10), true},
		{"bytes=3-", r(3, 7), true},
		{"bytes=3-20", r(3, 7), true},
		{"bytes=9-" + huge, r(9, 1), true},
		{"bytes=-3", r(7, 3), true},
		{"bytes=-10", r(0, 10), true},
		{"bytes=-" + huge, r(0, 10), true},
		{"BYTES = , 1-2 ,, 4-4 ,", r(1, 2, 4, 1), true},
		{"bytes=8-9,0-1,-1", r(8, 2, 0, 2, 9, 1), true},
		{"bytes=1-2,10-12,-0", r(1, 2), true}, // what is there

		{"bytes=10-", nil, false},
		{"bytes=10-11,-0", nil, false},
		{"bytes=-0", nil, false},
		{"bytes=" + huge + "-", nil, false},

		// What cannot be read, or is too much, is no range.
		{"", nil, true}, {"bytes", nil, true}, {"bytes=", nil, true}, {"bytes=,", nil, true}, {"items=0-1", nil, true},
		{"bytes=-", nil, true}, {"bytes=3", nil, true}, {"bytes=3-1", nil, true}, {"bytes=1-2,x", nil, true}, {"bytes=20-,3-1", nil, true},
		{"bytes=1-2-3", nil, true}, {"bytes=--1", nil, true}, {"bytes=+1-2", nil, true}, {"bytes=1 -2", nil, true}, {"bytes=0x1-2", nil, true},
		{"bytes=0-5,3-7,6-9", nil, true},
	} {
		ranges, ok := parseRange([]string{c.field}, 10)
		require.Equal(t, c.ok, ok, c.field)
		require.Equal(t, c.ranges, ranges, c.field)
	}
	for _, lines := range [][]string{nil, {"bytes=0-1", "bytes=0-1"}} {
		ranges, ok := parseRange(lines, 10)
		require.True(t, ok)
		require.Empty(t, ranges)
	}
	for _, field := range []string{"bytes=0-", "bytes=-1", "bytes=5-6"} { // all of an empty body is no part of it
		ranges, ok := parseRange([]string{field}, 0)
		require.True(t, ok)
		require.Empty(t, ranges)
	}
	most := "bytes=" + strings.Repeat("7-7,", maxRanges)
	ranges, _ := parseRange([]string{most}, 1000)
	require.Len(t, ranges, maxRanges)
	ranges, ok := parseRange([]string{most + "7-7"}, 1000)
	require.True(t, ok)
	require.Empty(t, ranges)
}

// Whatever a client sends, no range reaches outside the body, and all together are
// no more than it.
func FuzzRange(f *testing.F) {
	for _, seed := range []string{"bytes=0-1", "bytes=-5,3-", "bytes=18446744073709551616-1", "bytes=9223372036854775807-9223372036854775807"} {
		f.Add(seed, int64(10))
	}
	f.Fuzz(func(t *testing.T, field string, size int64) {
		if size < 0 {
			return
		}
		ranges, ok := parseRange([]string{field}, size)
		require.True(t, ok || len(ranges) == 0)
		left := size
		for _, r := range ranges {
			require.GreaterOrEqual(t, r.start, int64(0))
			require.Greater(t, r.length, int64(0))
			require.LessOrEqual(t, r.length, size-r.start)
			left -= r.length
			require.GreaterOrEqual(t, left, int64(0))
		}
	})
}
