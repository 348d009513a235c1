package httpcache

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/daramjwee/daramjwee/cache/store"
)

// statusField keeps the status code among an entry's fields, where it is not
// 200. No HTTP field can have this name.
const statusField = ":status"

// hopByHop fields are meant for one connection (RFC 9110 section 7.6.1), as are
// all that Connection names. Proxy-Authentication-Info is not to be stored
// either (RFC 9111 section 3.1).
var hopByHop = []string{
	"Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authentication-Info", "Proxy-Authorization",
	"Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade",
}

func removeHopByHop(h http.Header) {
	for _, line := range h["Connection"] {
		for name := range strings.SplitSeq(line, ",") {
			h.Del(strings.Trim(name, " \t"))
		}
	}
	for _, name := range hopByHop {
		delete(h, name)
	}
}

// toEntry returns the fields that are stored with an entry: h, which it changes,
// without what is for one connection or is computed for each answer, in order of
// names.
func toEntry(status int, h http.Header) store.Header {
	removeHopByHop(h)
	h.Del("Age")
	h.Del("Content-Length") // the length of the entry is known better
	var pairs []string
	if status != http.StatusOK {
		pairs = append(pairs, statusField, strconv.Itoa(status))
	}
	for _, name := range slices.Sorted(maps.Keys(h)) {
		for _, value := range h[name] {
			pairs = append(pairs, name, value)
		}
	}
	return store.NewHeader(pairs...)
}

// adder adds fields to a header. Their values share one array: http.Header's own
// methods allocate for each.
type adder struct {
	http.Header
	values []string
}

func newAdder(h http.Header, fields int) *adder { return &adder{h, make([]string, 0, fields)} }

func (a *adder) set(name, value string) {
	a.values = append(a.values, value)
	last := len(a.values) - 1
	a.Header[name] = a.values[last : last+1 : last+1] // who appends gets a copy
}

func (a *adder) add(name, value string) {
	if present, ok := a.Header[name]; ok {
		a.Header[name] = append(present, value)
		return
	}
	a.set(name, value)
}

// fromEntry adds an entry's fields to dst and returns its status code.
func fromEntry(dst *adder, entry store.Header) (status int) {
	status = http.StatusOK
	for name, value := range entry.All() {
		if name != statusField {
			dst.add(http.CanonicalHeaderKey(name), value)
		} else if code, err := strconv.Atoi(value); err == nil {
			status = code
		}
	}
	return status
}

// ofTheBody are fields that the stored bytes depend on: RFC 9111 section 3.2
// has them stay as they are when the rest is updated.
var ofTheBody = []string{"Content-Encoding", "Content-Length", "Content-Range"}

// update returns an entry's fields with those of a 304 in their place
// (RFC 9111 sections 3.2 and 4.3.4).
func update(entry store.Header, notModified http.Header) http.Header {
	updated := make(http.Header)
	fromEntry(newAdder(updated, entry.Len()), entry)
	updated.Del("Date") // was about the stored answer
	fresh := notModified.Clone()
	removeHopByHop(fresh)
	for name, values := range fresh {
		if !slices.Contains(ofTheBody, name) {
			updated[name] = values
		}
	}
	return updated
}
