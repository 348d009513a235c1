package httpcache

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/daramjwee/daramjwee/cache"
	"github.com/daramjwee/daramjwee/cache/store"
	"github.com/daramjwee/daramjwee/cache/store/memory"
	"github.com/stretchr/testify/require"
)

func TestRangeOfAHit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, says("0123456789", "Etag", `"a"`, "Last-Modified", httpDate(noon), "Cache-Control", "max-age=60", "Vary", "Accept-Encoding",
			"Content-Type", "a/b", "Content-Digest", "sha-256=:x:", "Repr-Digest", "sha-256=:x:", "Accept-Ranges", "none"))
		s.get("/a")
		time.Sleep(7 * time.Second)
		res := s.get("/a", "Range", "bytes=2-4")
		require.Equal(t, http.StatusPartialContent, res.StatusCode)
		require.Equal(t, "234", res.body)
		require.True(t, res.hit())
		require.Equal(t, 1, s.asks())
		for name, value := range map[string]string{
			"Content-Range": "bytes 2-4/10", "Content-Length": "3", "Accept-Ranges": "bytes", "Age": "7", "Etag": `"a"`,
			"Last-Modified": httpDate(noon), "Cache-Control": "max-age=60", "Vary": "Accept-Encoding", "Content-Type": "a/b", "Repr-Digest": "sha-256=:x:",
		} {
			require.Equal(t, []string{value}, res.Header[name], name)
		}
		require.NotEmpty(t, res.Header.Get("Date"))
		require.False(t, has(res.Header, "Content-Digest"), "that of the whole content")
		whole := s.get("/a")
		require.Equal(t, []string{"bytes"}, whole.Header["Accept-Ranges"])
		require.Equal(t, "sha-256=:x:", whole.Header.Get("Content-Digest"))
	})
}

// What is no valid range of bytes of a 200 gets all of it.
func TestRangesThatAreIgnored(t *testing.T) {
	s := newSite(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/base/missing":
			w.WriteHeader(http.StatusNotFound)
		case "/base/encoded":
			w.Header().Set("Content-Encoding", "x")
		case "/base/empty":
			return
		}
		io.WriteString(w, "0123456789")
	})
	for _, c := range []struct {
		target, field string
		status        int
	}{
		{"/a", "items=0-1", 200}, {"/a", "bytes=x", 200}, {"/a", "bytes=0-6,4-9", 200},
		{"/missing", "bytes=0-1", 404}, {"/missing", "bytes=10-", 404},
		{"/encoded", "bytes=0-1,4-5", 200}, {"/empty", "bytes=0-", 200},
	} {
		want := s.get(c.target).body
		res := s.get(c.target, "Range", c.field)
		require.True(t, res.hit(), c)
		require.Equal(t, c.status, res.StatusCode, c)
		require.Equal(t, want, res.body, c)
		require.Equal(t, fmt.Sprint(len(want)), res.Header.Get("Content-Length"), c)
		require.False(t, has(res.Header, "Content-Range"), c)
		require.Equal(t, c.status == 200, has(res.Header, "Accept-Ranges"), c)
	}
	require.Equal(t, "12", s.get("/encoded", "Range", "bytes=1-2").body, "of the encoded bytes")
}

func TestRangeOutsideTheBody(t *testing.T) {
	s := newSite(t, says("0123456789", "Etag", `"a"`, "Cache-Control", "max-age=60", "Content-Encoding", "x"))
	s.get("/a")
	res := s.get("/a", "Range", "bytes=10-")
	require.Equal(t, http.StatusRequestedRangeNotSatisfiable, res.StatusCode)
	require.Equal(t, "bytes */10", res.Header.Get("Content-Range"))
	require.Equal(t, "no-store", res.Header.Get("Cache-Control"))
	require.True(t, res.hit())
	require.False(t, has(res.Header, "Etag", "Content-Encoding"), "nothing of the entry")
	require.NotContains(t, res.body, "0")
}

func TestSeveralRanges(t *testing.T) {
	for _, contentType := range []string{"text/plain; charset=x", ""} {
		n := newNetwork(t, newOrigin(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header()["Content-Type"] = nil
			if contentType != "" {
				w.Header().Set("Content-Type", contentType)
			}
			io.WriteString(w, "0123456789")
		}))
		n.get("/a")
		res := n.get("/a", "Range", "bytes=7-8,0-2,20-,-1")
		require.Equal(t, http.StatusPartialContent, res.StatusCode)
		require.EqualValues(t, len(res.body), res.ContentLength)
		require.False(t, has(res.Header, "Content-Range"))
		kind, params, err := mime.ParseMediaType(res.Header.Get("Content-Type"))
		require.NoError(t, err)
		require.Equal(t, "multipart/byteranges", kind)
		parts := multipart.NewReader(strings.NewReader(res.body), params["boundary"])
		for _, want := range []struct{ contentRange, body string }{{"bytes 7-8/10", "78"}, {"bytes 0-2/10", "012"}, {"bytes 9-9/10", "9"}} {
			part, err := parts.NextRawPart()
			require.NoError(t, err)
			body, err := io.ReadAll(part)
			require.NoError(t, err)
			require.Equal(t, want.body, string(body))
			require.Equal(t, want.contentRange, part.Header.Get("Content-Range"))
			require.Equal(t, contentType, part.Header.Get("Content-Type"))
			require.Equal(t, contentType != "", has(http.Header(part.Header), "Content-Type"))
		}
		_, err = parts.NextRawPart()
		require.Equal(t, io.EOF, err)
	}
}

// RFC 9110 section 14.2: of GET alone.
func TestRangeOfHeadIsIgnored(t *testing.T) {
	s := newSite(t, says("0123456789"))
	s.get("/a")
	res := s.do("HEAD", "/a", "Range", "bytes=2-4")
	require.True(t, res.hit())
	require.Equal(t, http.StatusOK, res.StatusCode)
	require.Equal(t, "10", res.Header.Get("Content-Length"))
	require.Equal(t, "bytes", res.Header.Get("Accept-Ranges"))
}

func TestIfRange(t *testing.T) {
	const partial, whole, current = http.StatusPartialContent, http.StatusOK, http.StatusNotModified
	later := func(d time.Duration) string { return httpDate(noon.Add(d)) }
	for _, c := range []struct {
		etag, date string
		conditions []string
		status     int
	}{
		{`"a"`, later(time.Hour), []string{"If-Range", `"a"`}, partial},
		{`"a"`, later(time.Hour), []string{"If-Range", `"b"`}, whole},
		{`"a"`, later(time.Hour), []string{"If-Range", `W/"a"`}, whole},
		{`W/"a"`, later(time.Hour), []string{"If-Range", `W/"a"`}, whole},
		{`W/"a"`, later(time.Hour), []string{"If-Range", `"a"`}, whole},
		{"", later(time.Hour), []string{"If-Range", `""`}, whole},
		{"", later(time.Second), []string{"If-Range", later(0)}, partial},
		{"", later(0), []string{"If-Range", later(0)}, whole}, // it may have changed again in that second
		{"", later(time.Hour), []string{"If-Range", later(time.Second)}, whole},
		{"", later(time.Hour), []string{"If-Range", "yesterday"}, whole},
		{`"a"`, later(time.Hour), []string{"If-Range", `"a"`, "If-Range", `"a"`}, whole},
		// Section 13.2.2: these come first.
		{`"a"`, later(time.Hour), []string{"If-None-Match", `"a"`, "If-Range", `"a"`}, current},
		{`"a"`, later(time.Hour), []string{"If-None-Match", `"b"`, "If-Modified-Since", later(time.Hour)}, partial},
		{"", later(time.Hour), []string{"If-Modified-Since", later(0)}, current},
	} {
		header := []string{"Last-Modified", later(0), "Date", c.date, "Cache-Control", "max-age=9999999"}
		if c.etag != "" {
			header = append(header, "Etag", c.etag)
		}
		synctest.Test(t, func(t *testing.T) {
			time.Sleep(time.Until(noon.Add(2 * time.Hour)))
			s := newSite(t, says("0123456789", header...))
			s.get("/a")
			res := s.get("/a", append(c.conditions, "Range", "bytes=1-2")...)
			require.True(t, res.hit())
			require.Equal(t, c.status, res.StatusCode, c)
			require.Equal(t, map[int]string{partial: "12", whole: "0123456789", current: ""}[c.status], res.body, c)
		})
	}
}

// If-Range without Range is nothing, and a fill is of the whole.
func TestIfRangeAlone(t *testing.T) {
	s := newSite(t, says("x", "Etag", `"a"`))
	s.get("/a", "If-Range", `"a"`)
	require.False(t, has(s.lastAsked().Header, "If-Range"))
	require.True(t, s.get("/a", "If-Range", `"b"`).hit())
}

func TestRangeOfAStaleEntry(t *testing.T) {
	inTime(t, fields("Cache-Control", "max-age=10, stale-while-revalidate=10"), func(s *site, o *origin) {
		s.get("/a")
		time.Sleep(11 * time.Second)
		o.version.Add(1)
		res := s.get("/a", "Range", "bytes=-1", "If-Range", `"0"`)
		require.Equal(t, http.StatusPartialContent, res.StatusCode)
		require.Equal(t, "0", res.body)
		require.True(t, res.hit())
		synctest.Wait() // for the refresh
		require.Equal(t, 2, s.asks())
		require.False(t, has(s.lastAsked().Header, "Range", "If-Range"), "of the whole")
		require.Equal(t, "version 1", s.get("/a").body)

		time.Sleep(11 * time.Second)
		require.Equal(t, "request", s.get("/a", "Range", "bytes=-1", "Cache-Control", "min-fresh=1").is("fwd"))
		time.Sleep(time.Hour)
		require.Equal(t, "miss", s.get("/a", "Range", "bytes=-1").is("fwd"))
	})
}

// A range of a lower tier's entry is served there: nothing reads all of it for a
// few bytes.
func TestRangeDoesNotPromote(t *testing.T) {
	far, err := memory.New(memory.Options{MaxBytes: 1 << 20})
	require.NoError(t, err)
	near, err := memory.New(memory.Options{MaxBytes: 1 << 20})
	require.NoError(t, err)
	s := newSite(t, nil, cache.WithTiers(near, far))
	w, err := far.Create(t.Context(), "http://origin.test/base/a", store.Metadata{StoredAt: time.Now(), Size: 3, Generation: 1})
	require.NoError(t, err)
	_, err = io.WriteString(w, "far")
	require.NoError(t, err)
	require.NoError(t, w.Commit(t.Context()))
	res := s.get("/a", "Range", "bytes=1-")
	require.Equal(t, "ar", res.body)
	require.Equal(t, "tier-1", res.is("detail"))
	require.Zero(t, s.cache.Stats().Promotes)
}

// A tier that cannot read from anywhere leaves ranges to the origin, as before.
func TestRangeOfATierWithoutReaderAt(t *testing.T) {
	tier, err := memory.New(memory.Options{MaxBytes: 1 << 20})
	require.NoError(t, err)
	s := newSite(t, func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, "x.txt", noon, strings.NewReader("0123456789"))
	}, cache.WithTiers(sequential{tier}))
	s.get("/a")
	res := s.get("/a", "Range", "bytes=1-2")
	require.Equal(t, "12", res.body)
	require.Equal(t, "bypass", res.is("fwd"))
	require.Equal(t, "range", res.is("detail"))
}

type sequential struct{ store.Store }

func (s sequential) Open(ctx context.Context, key string) (store.Entry, error) {
	e, err := s.Store.Open(ctx, key)
	if err != nil {
		return nil, err
	}
	return struct{ store.Entry }{e}, nil
}

// A range that a tier cannot read to its end must not look whole.
func TestCutRangeAborts(t *testing.T) {
	for _, fault := range []error{errors.New("bad block"), io.EOF} {
		for _, ranges := range []string{"bytes=2-5", "bytes=0-0,2-5"} {
			tier, err := memory.New(memory.Options{MaxBytes: 1 << 20})
			require.NoError(t, err)
			s := newSite(t, says("0123456789"), cache.WithTiers(damaged{tier, fault}))
			s.get("/a")
			logged := s.logTo(slog.LevelWarn)
			require.PanicsWithValue(t, http.ErrAbortHandler, func() { s.get("/a", "Range", ranges) })
			require.Contains(t, logged.String(), "answer cut short")
			require.Zero(t, s.cache.Stats().BufferPool.ActiveBuffers)
		}
	}
}

// damaged entries cannot be read past their fourth byte.
type damaged struct {
	store.Store
	fault error
}

func (d damaged) Open(ctx context.Context, key string) (store.Entry, error) {
	e, err := d.Store.Open(ctx, key)
	if err != nil {
		return nil, err
	}
	return damagedEntry{e, d.fault}, nil
}

type damagedEntry struct {
	store.Entry
	fault error
}

func (d damagedEntry) ReadAt(p []byte, off int64) (int, error) {
	if off >= 4 {
		return 0, d.fault
	}
	n, err := d.Entry.(io.ReaderAt).ReadAt(p[:min(len(p), int(4-off))], off)
	if err == nil && n < len(p) {
		err = d.fault
	}
	return n, err
}
