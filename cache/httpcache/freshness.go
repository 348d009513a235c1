package httpcache

import (
	"net/http"
	"strconv"
	"time"

	"github.com/daramjwee/daramjwee/cache/store"
)

// none is a lifetime of zero, or a window that is not there: the 0 of Metadata
// stands for the cache's default.
const none = -time.Second

// setFreshness writes into m how long an answer with these fields may be used
// (RFC 9111 section 4.2). What the origin leaves open stays 0, the cache's
// default, but for a 404: negative is how long that is fresh.
func setFreshness(m *store.Metadata, status int, h http.Header, received time.Time, negative time.Duration) {
	cc := parseCacheControl(h["Cache-Control"])
	lifetime, explicit := explicitLifetime(h, cc, received)
	m.TTL, m.StaleWhileRevalidate, m.StaleIfError = 0, window(cc, "stale-while-revalidate"), window(cc, "stale-if-error")
	switch {
	case cc.malformed:
		m.TTL, m.StaleWhileRevalidate, m.StaleIfError = none, none, none
	case explicit && lifetime == 0:
		m.TTL = none
	case explicit:
		m.TTL = lifetime
	case status == http.StatusNotFound:
		m.TTL = negative
	}
	// "Not there" is not to outlive its freshness unasked, and a lifetime of zero
	// wants each use to ask: only the origin's own word opens this window.
	if (m.TTL < 0 || !explicit && status == http.StatusNotFound) && m.StaleWhileRevalidate == 0 {
		m.StaleWhileRevalidate = none
	}
	// Section 4.2.4: these prohibit stale answers. s-maxage implies
	// proxy-revalidate (section 5.2.2.10).
	if cc.has("must-revalidate", "proxy-revalidate", "s-maxage", "no-cache") {
		m.StaleWhileRevalidate, m.StaleIfError = none, none
	}
	if cc.has("no-cache") {
		m.TTL = none
	}
}

// explicitLifetime is section 4.2.1: s-maxage, else max-age, else Expires less
// Date. Doubtful information means stale.
func explicitLifetime(h http.Header, cc directives, received time.Time) (lifetime time.Duration, explicit bool) {
	for _, name := range []string{"s-maxage", "max-age"} {
		if s, present, valid := cc.seconds(name); present {
			if !valid {
				return 0, true
			}
			return s, true
		}
	}
	expires := h["Expires"]
	if len(expires) == 0 {
		return 0, false
	}
	at, err := http.ParseTime(expires[0])
	if err != nil || len(expires) > 1 { // section 5.3: "0" and the like are in the past
		return 0, true
	}
	return max(0, at.Sub(dateOf(h, received))), true
}

// window is an extension of RFC 5861: 0 when the origin does not say.
func window(cc directives, name string) time.Duration {
	s, present, valid := cc.seconds(name)
	switch {
	case !present:
		return 0
	case !valid || s == 0:
		return none
	}
	return s
}

// initialAge is RFC 9111 section 4.2.3's corrected_initial_age: how old an
// answer was when its last byte of header came.
func initialAge(h http.Header, requested, received time.Time) time.Duration {
	// Date has whole seconds: a fraction of one is not an age.
	apparent := received.Truncate(time.Second).Sub(dateOf(h, received))
	age, _ := deltaSeconds(h.Get("Age")) // section 5.1: the first value; an invalid one is ignored
	return max(0, apparent, age+received.Sub(requested))
}

func dateOf(h http.Header, otherwise time.Time) time.Time {
	if t, err := http.ParseTime(h.Get("Date")); err == nil {
		return t
	}
	return otherwise
}

// ageOf is the current_age of an entry: never negative, also when a clock was
// set back.
func ageOf(m *store.Metadata, now time.Time) time.Duration {
	return max(0, now.Sub(m.StoredAt))
}

// ageNow is ageOf at this moment. It reads one clock where time.Now reads two.
func ageNow(m *store.Metadata) time.Duration { return max(0, time.Since(m.StoredAt)) }

// ageField is the value of Age, in seconds.
func ageField(m *store.Metadata) string { return strconv.FormatInt(int64(ageNow(m)/time.Second), 10) }
