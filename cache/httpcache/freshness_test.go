package httpcache

import (
	"net/http"
	"testing"
	"time"

	"github.com/daramjwee/daramjwee/cache/store"
	"github.com/stretchr/testify/require"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func httpDate(t time.Time) string { return t.UTC().Format(http.TimeFormat) }

func TestFreshness(t *testing.T) {
	const open = 0 // the cache's default
	date := httpDate(noon)
	for _, c := range []struct {
		name          string
		header        http.Header
		ttl, swr, sie time.Duration
	}{
		{"nothing said", fields(), open, open, open},
		{"other directives", fields("Cache-Control", "public, immutable"), open, open, open},
		{"last-modified is no heuristic", fields("Date", date, "Last-Modified", httpDate(noon.Add(-1000*time.Hour))), open, open, open},
		{"max-age", fields("Cache-Control", "max-age=60"), time.Minute, open, open},
		{"max-age beyond int", fields("Cache-Control", "max-age=99999999999999999999"), (1 << 31) * time.Second, open, open},
		{"max-age over expires", fields("Cache-Control", "max-age=60", "Expires", httpDate(noon.Add(time.Hour))), time.Minute, open, open},
		{"s-maxage over max-age, and no stale answers", fields("Cache-Control", "max-age=60, s-maxage=10"), 10 * time.Second, none, none},
		{"s-maxage forbids what is allowed besides", fields("Cache-Control", "s-maxage=10, stale-while-revalidate=5, stale-if-error=5"), 10 * time.Second, none, none},
		{"expires less date", fields("Date", httpDate(noon.Add(-time.Hour)), "Expires", httpDate(noon)), time.Hour, open, open},
		{"expires without date", fields("Expires", httpDate(noon.Add(time.Minute))), time.Minute, open, open},
		{"expires with a bad date", fields("Date", "yesterday", "Expires", httpDate(noon.Add(time.Minute))), time.Minute, open, open},
		{"expires past", fields("Date", date, "Expires", httpDate(noon.Add(-time.Hour))), none, none, open},
		{"expires malformed", fields("Date", date, "Expires", "0"), none, none, open},
		{"expires twice", fields("Expires", httpDate(noon.Add(time.Hour)), "Expires", httpDate(noon.Add(time.Hour))), none, none, open},
		{"max-age=0", fields("Cache-Control", "max-age=0"), none, none, open},
		{"max-age=0 with a window", fields("Cache-Control", "max-age=0, stale-while-revalidate=30"), none, 30 * time.Second, open},
		{"max-age malformed", fields("Cache-Control", "max-age=1h"), none, none, open},
		{"max-age repeated", fields("Cache-Control", "max-age=60, max-age=60"), none, none, open},
		{"max-age malformed, expires good", fields("Cache-Control", "max-age=x", "Expires", httpDate(noon.Add(time.Hour))), none, none, open},
		{"unreadable", fields("Cache-Control", `max-age=60, x="`), none, none, none},
		{"no-cache", fields("Cache-Control", "no-cache, max-age=60, stale-if-error=60"), none, none, none},
		{"no-cache of one field", fields("Cache-Control", `max-age=60, no-cache="Set-Cookie"`), none, none, none},
		{"must-revalidate", fields("Cache-Control", "max-age=60, must-revalidate, stale-while-revalidate=9"), time.Minute, none, none},
		{"proxy-revalidate", fields("Cache-Control", "max-age=60, proxy-revalidate, stale-if-error=9"), time.Minute, none, none},
		{"windows", fields("Cache-Control", "max-age=60, stale-while-revalidate=30, stale-if-error=90"), time.Minute, 30 * time.Second, 90 * time.Second},
		{"windows of zero", fields("Cache-Control", "max-age=60, stale-while-revalidate=0, stale-if-error=0"), time.Minute, none, none},
		{"windows malformed", fields("Cache-Control", "max-age=60, stale-while-revalidate=x, stale-if-error"), time.Minute, none, none},
		{"windows alone", fields("Cache-Control", "stale-while-revalidate=30"), open, 30 * time.Second, open},
	} {
		var m store.Metadata
		setFreshness(&m, http.StatusOK, c.header, noon, time.Second)
		require.Equal(t, []time.Duration{c.ttl, c.swr, c.sie}, []time.Duration{m.TTL, m.StaleWhileRevalidate, m.StaleIfError}, c.name)
	}
}

func TestFreshnessOfNotFound(t *testing.T) {
	var m store.Metadata
	setFreshness(&m, http.StatusNotFound, fields(), noon, 7*time.Second)
	require.Equal(t, 7*time.Second, m.TTL)
	require.Equal(t, none, m.StaleWhileRevalidate)
	setFreshness(&m, http.StatusNotFound, fields("Cache-Control", "max-age=60"), noon, 7*time.Second)
	require.Equal(t, time.Minute, m.TTL)
	require.Zero(t, m.StaleWhileRevalidate)
}

func TestInitialAge(t *testing.T) {
	for _, c := range []struct {
		name   string
		header http.Header
		delay  time.Duration
		want   time.Duration
	}{
		{"none", fields(), 0, 0},
		{"fraction of a second is no age", fields("Date", httpDate(noon)), 0, 0},
		{"date", fields("Date", httpDate(noon.Add(-time.Minute))), 0, time.Minute},
		{"date in the future", fields("Date", httpDate(noon.Add(time.Minute))), 0, 0},
		{"date unreadable", fields("Date", "now"), 0, 0},
		{"age", fields("Age", "30"), 0, 30 * time.Second},
		{"age and delay", fields("Age", "30"), 2 * time.Second, 32 * time.Second},
		{"delay alone", fields("Date", httpDate(noon)), 2 * time.Second, 2 * time.Second},
		{"the larger one", fields("Age", "30", "Date", httpDate(noon.Add(-time.Minute))), 0, time.Minute},
		{"age twice: the first", fields("Age", "30", "Age", "90"), 0, 30 * time.Second},
		{"age unreadable", fields("Age", "-3"), 0, 0},
	} {
		received := noon.Add(700 * time.Millisecond)
		require.Equal(t, c.want, initialAge(c.header, received.Add(-c.delay), received), c.name)
	}
}

func TestAgeIsNeverNegative(t *testing.T) {
	require.Zero(t, ageOf(&store.Metadata{StoredAt: noon.Add(time.Hour)}, noon))
	require.Equal(t, time.Hour, ageOf(&store.Metadata{StoredAt: noon}, noon.Add(time.Hour)))
}
