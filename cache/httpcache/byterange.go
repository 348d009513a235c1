package httpcache

import (
	"fmt"
	"strconv"
	"strings"
)

// byteRange is a part of a body that is there: length is at least 1.
type byteRange struct{ start, length int64 }

// contentRange is the field's value, for a body of size bytes (RFC 9110 section
// 14.4).
func (r byteRange) contentRange(size int64) string {
	return fmt.Sprintf("bytes %d-%d/%d", r.start, r.start+r.length-1, size)
}

// maxRanges bounds what one request makes of a body: each part has a header of its
// own, which may be longer than the part.
const maxRanges = 100

// parseRange reads a Range field (RFC 9110 sections 14.1 and 14.2) for a body of
// size bytes. No ranges and ok stands for "ignore the field": it is not there, has
// another unit or cannot be read, or asks for more bytes, or more parts, than is
// sensible. Not ok: nothing that it asks for is there.
func parseRange(lines []string, size int64) (ranges []byteRange, ok bool) {
	if len(lines) != 1 || size == 0 { // of an empty body no Content-Range could speak
		return nil, true
	}
	unit, list, _ := strings.Cut(lines[0], "=")
	if !strings.EqualFold(strings.Trim(unit, " \t"), "bytes") {
		return nil, true
	}
	specs, total := 0, int64(0)
	for spec := range strings.SplitSeq(list, ",") {
		if spec = strings.Trim(spec, " \t"); spec == "" {
			continue
		}
		r, valid := parseRangeSpec(spec, size)
		if !valid {
			return nil, true
		}
		specs++
		if r.length == 0 {
			continue
		}
		ranges = append(ranges, r)
		total += r.length
		if total > size || len(ranges) > maxRanges {
			return nil, true
		}
	}
	return ranges, len(ranges) > 0 || specs == 0
}

// parseRangeSpec reads "first-last", "first-" or "-suffix". A range that begins
// past the end has a length of 0.
func parseRangeSpec(spec string, size int64) (r byteRange, valid bool) {
	from, to, found := strings.Cut(spec, "-")
	if !found || from == "" && to == "" {
		return r, false
	}
	last, valid := position(to, size-1)
	if from == "" {
		return byteRange{start: size - min(last, size), length: min(last, size)}, valid
	}
	first, firstValid := position(from, 0)
	if !valid || !firstValid || last < first && to != "" {
		return r, false
	}
	if first >= size {
		return r, true
	}
	return byteRange{start: first, length: min(last, size-1) - first + 1}, true
}

// position reads an unsigned number of any length: one that is too large for an
// int64 is past every end.
func position(s string, otherwise int64) (n int64, valid bool) {
	if s == "" {
		return otherwise, true
	}
	if strings.Trim(s, "0123456789") != "" {
		return 0, false
	}
	n, _ = strconv.ParseInt(s, 10, 64) // the largest int64 when it is out of range
	return n, true
}
