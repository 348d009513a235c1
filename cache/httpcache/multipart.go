package httpcache

import (
	"io"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"strconv"
)

// serveParts sends several ranges as multipart/byteranges (RFC 9110 section 14.6).
func (x *exchange) serveParts(content io.ReadSeeker, size int64, ranges []byteRange) {
	h := x.w.Header()
	contentType := h["Content-Type"]
	header := func(r byteRange) textproto.MIMEHeader {
		part := textproto.MIMEHeader{"Content-Range": {r.contentRange(size)}}
		if len(contentType) > 0 {
			part["Content-Type"] = contentType[:1]
		}
		return part
	}
	var length counter
	dry := multipart.NewWriter(&length)
	for _, r := range ranges {
		dry.CreatePart(header(r))
		length += counter(r.length)
	}
	dry.Close()
	h.Set("Content-Type", "multipart/byteranges; boundary="+dry.Boundary())
	h.Set("Content-Length", strconv.FormatInt(int64(length), 10))
	x.w.WriteHeader(http.StatusPartialContent)
	parts := multipart.NewWriter(x.w)
	parts.SetBoundary(dry.Boundary())
	for _, r := range ranges {
		_, err := parts.CreatePart(header(r))
		if err == nil {
			err = x.copyRange(x.w, content, r) // what a part writes goes to x.w as it is
		}
		x.cutShort(err)
	}
	x.cutShort(parts.Close())
}

// counter counts what is written to it.
type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}
