package httpcache

import (
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
)

// target returns the URL at the origin that a client's URL stands for. Whatever
// the client wrote there, scheme and host are the origin's.
func (h *Handler) target(in *url.URL) *url.URL {
	out := *in
	out.User, out.Fragment, out.RawFragment = nil, "", ""
	rewrite := httputil.ProxyRequest{Out: &http.Request{URL: &out}}
	rewrite.SetURL(h.origin) // joins paths, and keeps %2F and the like
	return &out
}

// key names the entry of a URL in one of its encodings: the URL itself for the
// identity. A URL has no space, so no two keys are alike.
func key(u *url.URL, encodings string) string {
	if encodings == "" {
		return u.String()
	}
	return u.String() + " " + encodings
}

// codings are the content codings that an answer may come in, in the order that
// keys and outbound requests have them. Others are never asked for.
var codings = []string{"br", "gzip", "zstd"}

// acceptedCodings normalises Accept-Encoding (RFC 9110 section 12.5.3): clients
// that accept the same codings share an entry, and whoever does not never gets
// one of theirs, whether or not the origin sends Vary. "" is the identity alone.
// ok is false when the client refuses that: then the origin must choose.
func acceptedCodings(h http.Header) (encodings string, ok bool) {
	if len(h["Accept-Encoding"]) == 0 {
		return "", true
	}
	accepts := make(map[string]bool)
	for m := range strings.SplitSeq(strings.ToLower(strings.Join(h["Accept-Encoding"], ",")), ",") {
		coding, params, _ := strings.Cut(m, ";")
		coding = strings.TrimPrefix(strings.Trim(coding, " \t"), "x-") // x-gzip is gzip (section 8.4.1.3)
		accepted, seen := accepts[coding]
		accepts[coding] = weighs(params) && (accepted || !seen)
	}
	identity, named := accepts["identity"]
	any, wildcard := accepts["*"]
	if named && !identity || !named && wildcard && !any {
		return "", false
	}
	var list []string
	for _, c := range codings {
		if accepts[c] {
			list = append(list, c)
		}
	}
	return strings.Join(list, ", "), true
}

// weighs reports whether a weight (RFC 9110 section 12.4.2) is there to say
// something else than "not acceptable". One that cannot be read says that too.
func weighs(params string) bool {
	params = strings.Trim(params, " \t")
	if params == "" {
		return true
	}
	q, found := strings.CutPrefix(params, "q=")
	whole, fraction, _ := strings.Cut(q, ".")
	if !found || whole != "0" && whole != "1" || strings.Trim(fraction, "0123456789") != "" {
		return false
	}
	return whole == "1" || strings.Trim(fraction, "0") != ""
}

// everyKey lists the keys that a URL may have entries under.
func everyKey(u *url.URL) []string {
	keys := make([]string, 0, 1<<len(codings))
	for set := range 1 << len(codings) {
		var list []string
		for i, c := range codings {
			if set&(1<<i) != 0 {
				list = append(list, c)
			}
		}
		keys = append(keys, key(u, strings.Join(list, ", ")))
	}
	return keys
}
