package httpcache

import (
	"strconv"
	"time"

	"github.com/daramjwee/daramjwee/cache"
	"github.com/dunglas/httpsfv"
)

// cacheStatus is this cache's member of Cache-Status (RFC 9211): its name, as
// tokenOrString writes it, and the parameters in the order of section 2. Every hit
// has one, and httpsfv takes 16 allocations for it, so this appends what tokens and
// numbers are as they are.
func cacheStatus(name string, s cache.Status) string {
	b := append(make([]byte, 0, 128), name...)
	if s.Hit {
		b = append(b, ";hit"...)
	}
	if s.Fwd != "" {
		b = append(append(b, ";fwd="...), s.Fwd...)
	}
	if s.FwdStatus != 0 {
		b = strconv.AppendInt(append(b, ";fwd-status="...), int64(s.FwdStatus), 10)
	}
	if s.Hit || s.Stored {
		b = strconv.AppendInt(append(b, ";ttl="...), int64(s.TTL/time.Second), 10)
	}
	if s.Stored {
		b = append(b, ";stored"...)
	}
	if s.Collapsed {
		b = append(b, ";collapsed"...)
	}
	if s.Detail != "" {
		detail, err := tokenOrString(s.Detail)
		if err != nil {
			detail = "invalid"
		}
		b = append(append(b, ";detail="...), detail...)
	}
	return string(b)
}

// tokenOrString writes a cache's name or a detail, which may be both: a token (RFC
// 9651 section 3.3.4) needs no quotes. The error is that s is not printable ASCII.
func tokenOrString(s string) (string, error) {
	if isToken(s) && (s[0] == '*' || 'a' <= s[0]|0x20 && s[0]|0x20 <= 'z') {
		return s, nil
	}
	return httpsfv.Marshal(httpsfv.NewItem(s))
}
