package httpcache

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestCacheControlNames(t *testing.T) {
	for _, c := range []struct {
		lines     []string
		names     string // in it, separated by blanks
		malformed bool
	}{
		{nil, "", false},
		{[]string{""}, "", false},
		{[]string{"max-age=60"}, "max-age", false},
		{[]string{"Max-Age=60, NO-STORE"}, "max-age no-store", false},
		{[]string{"no-cache", "no-store"}, "no-cache no-store", false},
		{[]string{" ,, no-store ,\tprivate,"}, "no-store private", false},
		{[]string{`no-cache="Set-Cookie, X"`}, "no-cache", false},
		{[]string{`private="x", max-age=1`}, "private max-age", false},
		{[]string{`ext="no-store"`}, "ext", false},
		{[]string{`ext="a\", no-store"`}, "ext", false},
		{[]string{`ext="open, no-store`}, "ext no-store", true},
		{[]string{`ext="open`, `no-store`}, "ext no-store", true},
		{[]string{`ext="open\`, `no-store`}, "ext no-store", true},
		{[]string{`ext="a"b, no-store`}, "ext no-store", true},
		{[]string{`max-age =60`}, "max-age", true},
		{[]string{`max-age= 60`}, "max-age", true},
		{[]string{`max-age=`}, "max-age", true},
		{[]string{`max-age=60; no-store`}, "max-age", true},
		{[]string{`public; max-age=60`}, "", true},
		{[]string{`=60`}, "", true},
	} {
		d := parseCacheControl(c.lines)
		require.Len(t, d.byName, len(strings.Fields(c.names)), "%q", c.lines)
		for _, name := range strings.Fields(c.names) {
			require.True(t, d.has(name), "%q has %s", c.lines, name)
		}
		require.Equal(t, c.malformed, d.malformed, "%q", c.lines)
	}
}

func TestSeconds(t *testing.T) {
	for _, c := range []struct {
		line           string
		want           time.Duration
		present, valid bool
	}{
		{"no-cache", 0, false, false},
		{"max-age=0", 0, true, true},
		{"max-age=60", time.Minute, true, true},
		{"max-age=060", time.Minute, true, true},
		{`max-age="60"`, time.Minute, true, true},
		{"max-age=2147483647", (1<<31 - 1) * time.Second, true, true},
		{"max-age=2147483649", (1 << 31) * time.Second, true, true},
		{"max-age=" + strings.Repeat("9", 400), (1 << 31) * time.Second, true, true},
		{"max-age", 0, true, false},
		{"max-age=", 0, true, false},
		{"max-age=-1", 0, true, false},
		{"max-age=+1", 0, true, false},
		{"max-age=1.5", 0, true, false},
		{"max-age=abc", 0, true, false},
		{"max-age=1, max-age=1", 0, true, false},
		{"max-age=1, MAX-AGE=2", 0, true, false},
	} {
		s, present, valid := parseCacheControl([]string{c.line}).seconds("max-age")
		require.Equal(t, c.present, present, c.line)
		require.Equal(t, c.valid, valid, c.line)
		if valid {
			require.Equal(t, c.want, s, c.line)
		}
	}
}

// Whatever comes before it, a no-store at the end or on a line of its own is
// seen: what hides it would have private answers stored.
func FuzzCacheControl(f *testing.F) {
	for _, seed := range []string{"", "max-age=60", `private="a, b", x=y`, `a="b\"c`, `"`, `=`, `a=",b="c`, "a;b", "\x00=\xff", `x="\`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, line string) {
		require.True(t, parseCacheControl([]string{line, "no-store"}).has("no-store"))
		require.True(t, parseCacheControl([]string{line + ", no-store"}).has("no-store"))
		d := parseCacheControl([]string{line})
		for name := range d.byName {
			require.True(t, isToken(name))
			require.Equal(t, strings.ToLower(name), name)
			s, present, valid := d.seconds(name)
			require.True(t, present)
			if valid {
				require.GreaterOrEqual(t, s, time.Duration(0))
				require.LessOrEqual(t, s, (1<<31)*time.Second)
			}
			require.True(t, parseCacheControl([]string{line, line}).byName[name].repeated)
		}
		if !strings.Contains(line, `"`) { // without quotes the field is what a plain split sees
			for m := range strings.SplitSeq(line, ",") {
				name, _, _ := strings.Cut(m, "=")
				if name = strings.ToLower(strings.Trim(name, " \t")); isToken(name) {
					require.True(t, d.has(name), name)
				}
			}
		}
	})
}

func TestRequestDirectives(t *testing.T) {
	of := func(pairs ...string) directives { return requestDirectives(fields(pairs...)) }
	require.True(t, of("Pragma", "no-cache").has("no-cache"))
	require.True(t, of("Pragma", "x, No-Cache").has("no-cache"))
	require.False(t, of("Pragma", "no-cache", "Cache-Control", "max-age=5").has("no-cache"), "RFC 9111 section 5.4")
	require.False(t, of("Pragma", "other").has("no-cache"))
}

// fields makes a header of names and values.
func fields(pairs ...string) http.Header {
	h := make(http.Header)
	for i := 0; i < len(pairs); i += 2 {
		h.Add(pairs[i], pairs[i+1])
	}
	return h
}
