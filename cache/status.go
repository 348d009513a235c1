package cache

import (
	"strconv"
	"strings"
	"time"
)

// The reasons why a request went to the origin, in RFC 9211's words.
const (
	FwdMiss   = "uri-miss" // no tier had the key
	FwdStale  = "stale"    // an entry was there, but too old
	FwdBypass = "bypass"   // another caller's fetch could not be shared
)

// Status is what RFC 9211 has a cache say about a response.
type Status struct {
	Hit       bool          // served from a tier without asking the origin, or in its stead
	Fwd       string        // why the origin was asked; "" for a hit
	FwdStatus int           // 304 when the origin said that the entry is current
	Stored    bool          // storing the response was begun
	Collapsed bool          // joined another caller's fetch, or waited for it
	TTL       time.Duration // freshness left; negative: stale for so long
	Detail    string        // "tier-0" and so on; "stale-if-error" after it when the origin failed
}

// status is a Status in few bytes: a Response is allocated for every hit.
type status struct {
	left                   time.Duration // TTL
	tier                   int8          // one more than the number of the tier that the hit was found in; 0: none
	fwd                    fwd
	hit, stored, collapsed bool
	current                bool // the origin answered 304
	instead                bool // of an origin that failed
	validated              bool // by the origin, while its caller waited
}

// fwd is a Status.Fwd.
type fwd uint8

const (
	fwdNone fwd = iota
	fwdMiss
	fwdStale
	fwdBypass
)

var fwdNames = [...]string{fwdNone: "", fwdMiss: FwdMiss, fwdStale: FwdStale, fwdBypass: FwdBypass}

// Status says how the cache came to this response.
func (r *Response) Status() Status {
	c := &r.status
	s := Status{Hit: c.hit, Fwd: fwdNames[c.fwd], Stored: c.stored, Collapsed: c.collapsed, TTL: c.left}
	if c.current {
		s.FwdStatus = 304
	}
	if c.tier > 0 {
		s.Detail = r.cache.tierNames[c.tier-1]
	}
	if c.instead {
		s.Detail += "; stale-if-error"
	}
	return s
}

// String formats the parameters as a member of Cache-Status has them.
func (s Status) String() string {
	var b strings.Builder
	add := func(param string) {
		if b.Len() > 0 {
			b.WriteString("; ")
		}
		b.WriteString(param)
	}
	if s.Hit {
		add("hit")
	}
	if s.Fwd != "" {
		add("fwd=" + s.Fwd)
	}
	if s.FwdStatus != 0 {
		add("fwd-status=" + strconv.Itoa(s.FwdStatus))
	}
	if s.Hit || s.Stored {
		add("ttl=" + strconv.FormatInt(int64(s.TTL/time.Second), 10))
	}
	if s.Stored {
		add("stored")
	}
	if s.Collapsed {
		add("collapsed")
	}
	if s.Detail != "" {
		add("detail=" + s.Detail)
	}
	return b.String()
}
