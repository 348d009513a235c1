package httpcache

import (
	"mime"
	"net/http"
	"strings"
)

// unstorable returns why an answer to a GET must not be stored, "" when it may
// be (RFC 9111 section 3). The reason goes into Cache-Status.
func unstorable(status int, h http.Header) string {
	cc := parseCacheControl(h["Cache-Control"])
	switch {
	case status != http.StatusOK && status != http.StatusNotFound:
		return "status"
	case cc.has("no-store"):
		return "no-store"
	case cc.has("private"):
		return "private"
	case len(h["Set-Cookie"]) > 0: // section 7.3: one user's cookie is no one else's
		return "set-cookie"
	case !variesByEncodingOnly(h["Vary"]):
		return "vary"
	case len(h["Content-Range"]) > 0:
		return "content-range"
	case neverEnds(h.Get("Content-Type")):
		return "event-stream"
	}
	return ""
}

// unstorableBody is the same for what the framing of the body tells.
func unstorableBody(res *http.Response) string {
	switch {
	case len(res.Trailer) > 0 || len(res.Header["Trailer"]) > 0: // announced; an entry has no place for them
		return "trailer"
	case res.ContentLength < 0 && res.ProtoMajor < 2 && !listContains(res.TransferEncoding, "chunked"):
		// Its end is the end of the connection, as any truncation's is
		// (RFC 9112 section 8: then it is not to be taken for complete).
		return "length"
	}
	return ""
}

// variesByEncodingOnly: Accept-Encoding is part of every key; no other selecting
// field is.
func variesByEncodingOnly(vary []string) bool {
	for _, line := range vary {
		for name := range strings.SplitSeq(line, ",") {
			if name = strings.Trim(name, " \t"); name != "" && !strings.EqualFold(name, "Accept-Encoding") {
				return false
			}
		}
	}
	return true
}

// neverEnds: a server-sent event stream would be staged for ever, and everyone
// else who wants it would wait for its end.
func neverEnds(contentType string) bool {
	t, _, _ := mime.ParseMediaType(contentType)
	return t == "text/event-stream"
}
