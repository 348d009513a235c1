package httpcache

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/daramjwee/daramjwee/cache"
)

// fieldWriter is what the http.ResponseWriter of cmd/daramjwee is too: the fields of a
// hit go out past http.Header. net/http copies that map, looks all over it and sorts it,
// which was a sixth of the time of a hit of 1 KiB.
type fieldWriter interface {
	// AvailableBuffer returns an empty slice to append lines to, and to pass to
	// WriteFields. It is nil where WriteFields cannot be called.
	AvailableBuffer() []byte
	// WriteFields has lines go out right behind the status line of an answer, before
	// what is in Header. Each ends with CRLF, and none is of a field that the server
	// writes itself. It is called once, before WriteHeader.
	WriteFields(lines []byte)
}

// serveHit answers with the whole of an entry by way of a fieldWriter. It reports
// false, and has done nothing, where it takes more than that.
func (x *exchange) serveHit(resp *cache.Response) bool {
	w, ok := x.w.(fieldWriter)
	h := x.w.Header()
	if !ok || len(h) > 0 || x.r.Method != http.MethodGet || has(x.r.Header, "Range", "If-None-Match", "If-Modified-Since") {
		return false
	}
	lines := w.AvailableBuffer()
	if lines == nil {
		return false
	}
	m := resp.Metadata()
	_, seeks := resp.ReadSeeker()
	dated := false
	for name, value := range m.Header.All() {
		switch name = http.CanonicalHeaderKey(name); {
		case name == "Age", name == "Content-Length", seeks && name == "Accept-Ranges":
			continue
		case !sendable(name, value):
			return false
		}
		dated = dated || name == "Date"
		lines = appendField(lines, name, value)
	}
	lines = appendField(lines, "Age", ageField(m))
	lines = appendField(lines, "Cache-Status", cacheStatus(x.name, resp.Status()))
	if seeks {
		lines = appendField(lines, "Accept-Ranges", "bytes")
	}
	w.WriteFields(lines)
	if dated {
		h["Date"] = nil // the server adds none then
	}
	h["Content-Type"] = nil // and guesses none
	h["Content-Length"] = []string{strconv.FormatInt(resp.Size(), 10)}
	x.w.WriteHeader(http.StatusOK)
	_, err := resp.WriteTo(x.w)
	x.cutShort(err)
	return true
}

func appendField(lines []byte, name, value string) []byte {
	lines = append(append(lines, name...), ": "...)
	return append(append(lines, value...), "\r\n"...)
}

// sendable reports whether a field may go out as it is. What is for one connection, or
// is no field at all, is net/http's to judge; so is what was stored by others.
func sendable(name, value string) bool {
	if slices.Contains(hopByHop, name) || value != strings.Trim(value, " \t") {
		return false
	}
	for i := range len(value) {
		if b := value[i]; b < ' ' && b != '\t' || b == 0x7f {
			return false
		}
	}
	return isToken(name)
}
