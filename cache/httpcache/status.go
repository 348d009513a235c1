package httpcache

import (
	"time"

	"github.com/daramjwee/daramjwee/cache"
	"github.com/dunglas/httpsfv"
)

// cacheStatus is this cache's member of Cache-Status (RFC 9211): the name, and
// the parameters in the order of its section 2.
func cacheStatus(name string, s cache.Status) string {
	params := httpsfv.NewParams()
	if s.Hit {
		params.Add("hit", true)
	}
	if s.Fwd != "" {
		params.Add("fwd", httpsfv.Token(s.Fwd))
	}
	if s.FwdStatus != 0 {
		params.Add("fwd-status", int64(s.FwdStatus))
	}
	if s.Hit || s.Stored {
		params.Add("ttl", int64(s.TTL/time.Second))
	}
	if s.Stored {
		params.Add("stored", true)
	}
	if s.Collapsed {
		params.Add("collapsed", true)
	}
	if s.Detail != "" {
		params.Add("detail", tokenOrString(s.Detail))
	}
	member, err := httpsfv.Marshal(httpsfv.List{httpsfv.Item{Value: tokenOrString(name), Params: params}})
	if err != nil { // only a Detail that is not ASCII
		s.Detail = "invalid"
		return cacheStatus(name, s)
	}
	return member
}

// tokenOrString: both are allowed for a cache's name and for detail, and a token
// (RFC 9651 section 3.3.4) needs no quotes.
func tokenOrString(s string) any {
	if isToken(s) && (s[0] == '*' || 'a' <= s[0]|0x20 && s[0]|0x20 <= 'z') {
		return httpsfv.Token(s)
	}
	return s
}

func validName(name string) bool {
	_, err := httpsfv.Marshal(httpsfv.NewItem(tokenOrString(name)))
	return err == nil
}
