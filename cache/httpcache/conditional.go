package httpcache

import (
	"net/http"
	"strings"
	"time"

	"github.com/daramjwee/daramjwee/cache/store"
)

// notModified evaluates a client's If-None-Match, or without one its
// If-Modified-Since, in the order of RFC 9110 section 13.2.2, against a 200
// answer with this entity-tag and time. It reports whether 304 is the answer.
func notModified(request http.Header, etag string, modified time.Time) bool {
	if tags, ok := request["If-None-Match"]; ok {
		return matches(strings.Join(tags, ","), etag)
	}
	since := request["If-Modified-Since"]
	if len(since) != 1 || modified.IsZero() { // section 13.1.3: more than one date is none
		return false
	}
	t, err := http.ParseTime(since[0])
	return err == nil && !modified.Truncate(time.Second).After(t)
}

// modifiedAt is what an entry's If-Modified-Since is compared with: without
// Last-Modified its Date, or when it came (RFC 9111 section 4.3.2).
func modifiedAt(m *store.Metadata) time.Time {
	if !m.LastModified.IsZero() {
		return m.LastModified
	}
	if t, err := http.ParseTime(m.Header.Get("Date")); err == nil {
		return t
	}
	return m.StoredAt
}

// matches reports whether an If-None-Match names an entity-tag, by the weak
// comparison (RFC 9110 section 8.8.3.2) that section 13.1.2 asks for.
func matches(list, etag string) bool {
	list = strings.Trim(list, " \t")
	if list == "*" {
		return true
	}
	opaque := strings.TrimPrefix(etag, "W/")
	if opaque == "" {
		return false
	}
	for list != "" {
		list = strings.TrimLeft(list, " \t,")
		tag := strings.TrimPrefix(list, "W/")
		if !strings.HasPrefix(tag, `"`) {
			return false // not a list of entity-tags from here on
		}
		end := strings.IndexByte(tag[1:], '"') // a tag has commas, but no escapes
		if end < 0 {
			return false
		}
		if tag[:end+2] == opaque {
			return true
		}
		list = tag[end+2:]
	}
	return false
}

// setConditions asks whether an entry is still current (RFC 9111 section 4.3.1).
// It reports whether there was a validator to ask with.
func setConditions(request http.Header, old *store.Metadata) bool {
	if old == nil || old.Negative || old.Header.Get(statusField) != "" { // RFC 9110 section 13.2.1: only a 200 can be "not modified"
		return false
	}
	if old.ETag != "" {
		request.Set("If-None-Match", old.ETag)
	}
	switch since := old.Header.Get("Last-Modified"); {
	case since != "": // verbatim: some origins compare it as a string
		request.Set("If-Modified-Since", since)
	case !old.LastModified.IsZero():
		request.Set("If-Modified-Since", old.LastModified.UTC().Format(http.TimeFormat))
	default:
		return old.ETag != ""
	}
	return true
}

// selects reports whether a 304 speaks of the entry that was asked about: the
// validators that it carries must be the entry's (RFC 9111 section 4.3.4).
func selects(notModified http.Header, old *store.Metadata) bool {
	etag := notModified.Get("Etag")
	switch weak := strings.HasPrefix(etag, "W/"); {
	case weak && old.ETag != "":
		return matches(etag, old.ETag)
	case etag != "" && !weak: // a strong one has to be there
		return etag == old.ETag
	}
	modified, err := http.ParseTime(notModified.Get("Last-Modified"))
	return err != nil || old.LastModified.IsZero() || modified.Equal(old.LastModified)
}

// ifRange reports whether Range is to be heeded: there is no If-Range, or it names
// the entry by a strong validator (RFC 9110 section 13.1.5).
func ifRange(request http.Header, m *store.Metadata) bool {
	lines, ok := request["If-Range"]
	switch {
	case !ok:
		return true
	case len(lines) != 1:
		return false
	}
	validator := strings.Trim(lines[0], " \t")
	if strings.HasPrefix(validator, `"`) {
		return validator == m.ETag
	}
	since, err := http.ParseTime(validator)
	return err == nil && strongDate(m) && since.Equal(m.LastModified)
}

// strongDate reports whether an entry's Last-Modified tells it from all others:
// the origin sent it at least a second later (RFC 9110 section 8.8.2.2).
func strongDate(m *store.Metadata) bool {
	sent, err := http.ParseTime(m.Header.Get("Date"))
	return err == nil && !m.LastModified.IsZero() && sent.Sub(m.LastModified) >= time.Second
}
