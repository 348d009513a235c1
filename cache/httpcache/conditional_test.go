package httpcache

import (
	"net/http"
	"testing"
	"time"

	"github.com/daramjwee/daramjwee/cache/store"
	"github.com/stretchr/testify/require"
)

func TestNotModified(t *testing.T) {
	before, at, after := httpDate(noon.Add(-time.Second)), httpDate(noon), httpDate(noon.Add(time.Second))
	for _, c := range []struct {
		request  http.Header
		etag     string
		modified time.Time
		want     bool
	}{
		{fields(), `"a"`, noon, false},
		{fields("If-None-Match", `"a"`), `"a"`, noon, true},
		{fields("If-None-Match", `"b"`), `"a"`, noon, false},
		{fields("If-None-Match", `"b", "a"`), `"a"`, noon, true},
		{fields("If-None-Match", `"b"`, "If-None-Match", `"a"`), `"a"`, noon, true},
		{fields("If-None-Match", `"b,c" ,"a"`), `"a"`, noon, true},
		{fields("If-None-Match", `"x, "a", y"`), `"a"`, noon, false}, // "x, " then no list any more
		{fields("If-None-Match", `W/"a"`), `"a"`, noon, true},
		{fields("If-None-Match", `"a"`), `W/"a"`, noon, true},
		{fields("If-None-Match", `w/"a"`), `"a"`, noon, false},
		{fields("If-None-Match", `a`), `"a"`, noon, false},
		{fields("If-None-Match", `"a`), `"a"`, noon, false},
		{fields("If-None-Match", ``), `"a"`, noon, false},
		{fields("If-None-Match", `""`), ``, noon, false},
		{fields("If-None-Match", `*`), ``, noon, true},
		{fields("If-Modified-Since", at), "", noon, true},
		{fields("If-Modified-Since", at), "", noon.Add(500 * time.Millisecond), true},
		{fields("If-Modified-Since", after), "", noon, true},
		{fields("If-Modified-Since", before), "", noon, false},
		{fields("If-Modified-Since", at), "", time.Time{}, false},
		{fields("If-Modified-Since", "soon"), "", noon, false},
		{fields("If-Modified-Since", at, "If-Modified-Since", at), "", noon, false},
		{fields("If-None-Match", `"b"`, "If-Modified-Since", at), `"a"`, noon, false}, // section 13.2.2: the former alone
		{fields("If-None-Match", `"a"`, "If-Modified-Since", before), `"a"`, noon, true},
	} {
		require.Equal(t, c.want, notModified(c.request, c.etag, c.modified), "%v %s", c.request, c.etag)
	}
}

// RFC 9111 section 4.3.2.
func TestModifiedAt(t *testing.T) {
	date := store.NewHeader("Date", httpDate(noon))
	require.Equal(t, noon.Add(time.Hour), modifiedAt(&store.Metadata{LastModified: noon.Add(time.Hour), Header: date}))
	require.Equal(t, noon, modifiedAt(&store.Metadata{StoredAt: noon.Add(time.Hour), Header: date}))
	require.Equal(t, noon.Add(time.Hour), modifiedAt(&store.Metadata{StoredAt: noon.Add(time.Hour)}))
}

func TestSetConditions(t *testing.T) {
	for _, c := range []struct {
		name string
		old  *store.Metadata
		want http.Header
	}{
		{"no entry", nil, fields()},
		{"no validator", &store.Metadata{}, fields()},
		{"negative", &store.Metadata{ETag: `"a"`, Negative: true}, fields()},
		{"a 404", &store.Metadata{ETag: `"a"`, Header: store.NewHeader(statusField, "404")}, fields()},
		{"etag", &store.Metadata{ETag: `W/"a"`}, fields("If-None-Match", `W/"a"`)},
		{"time", &store.Metadata{LastModified: noon.In(time.FixedZone("", 3600))}, fields("If-Modified-Since", httpDate(noon))},
		{"verbatim", &store.Metadata{ETag: `"a"`, LastModified: noon, Header: store.NewHeader("Last-Modified", "as sent")},
			fields("If-None-Match", `"a"`, "If-Modified-Since", "as sent")},
	} {
		got := make(http.Header)
		require.Equal(t, len(c.want) > 0, setConditions(got, c.old), c.name)
		require.Equal(t, c.want, got, c.name)
	}
}

// RFC 9111 section 4.3.4.
func TestSelects(t *testing.T) {
	strong, weak := &store.Metadata{ETag: `"a"`, LastModified: noon}, &store.Metadata{ETag: `W/"a"`}
	dated, bare := &store.Metadata{LastModified: noon}, &store.Metadata{}
	same, other := httpDate(noon), httpDate(noon.Add(time.Second))
	for _, c := range []struct {
		header http.Header
		old    *store.Metadata
		want   bool
	}{
		{fields(), strong, true},
		{fields("Etag", `"a"`), strong, true},
		{fields("Etag", `"a"`, "Last-Modified", other), strong, true},
		{fields("Etag", `"b"`), strong, false},
		{fields("Etag", `"b"`, "Last-Modified", same), strong, false},
		{fields("Etag", `"a"`), weak, false},
		{fields("Etag", `"a"`), dated, false},
		{fields("Etag", `W/"a"`), weak, true},
		{fields("Etag", `W/"a"`), strong, true},
		{fields("Etag", `W/"b"`), weak, false},
		{fields("Last-Modified", same), dated, true},
		{fields("Last-Modified", other), dated, false},
		{fields("Last-Modified", other), bare, true},
		{fields("Etag", `W/"a"`, "Last-Modified", other), dated, false},
	} {
		require.Equal(t, c.want, selects(c.header, c.old), "%v against %q", c.header, c.old.ETag)
	}
}
