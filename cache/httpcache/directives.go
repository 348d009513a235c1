package httpcache

import (
	"strings"
	"time"
)

// directives are the members of Cache-Control (RFC 9111 section 5.2).
type directives struct {
	byName map[string]argument // in lower case
	// malformed: some member could not be read, so it may have been any directive.
	malformed bool
}

type argument struct {
	value    string // without its quotes
	repeated bool   // given more than once
}

// parseCacheControl reads all lines of the field, each by itself: a quote that
// one of them leaves open hides nothing in the next.
func parseCacheControl(lines []string) directives {
	var d directives
	for _, line := range lines {
		for line != "" {
			line = d.member(line)
		}
	}
	return d
}

// member reads the first directive of s and returns what follows its comma.
func (d *directives) member(s string) (rest string) {
	i := strings.IndexAny(s, ",=")
	if i < 0 {
		d.add(s, "")
		return ""
	}
	name, s, hasValue := s[:i], s[i+1:], s[i] == '='
	if !hasValue {
		d.add(name, "")
		return s
	}
	if strings.TrimRight(name, " \t") != name {
		d.malformed = true // "max-age =60": the name counts all the same
	}
	if value, after, ok := quotedString(s); ok {
		tail, rest, _ := strings.Cut(after, ",")
		d.malformed = d.malformed || strings.Trim(tail, " \t") != ""
		d.add(name, value)
		return rest
	}
	// An open quote does not reach beyond the comma: `x="y, no-store` says no-store.
	value, rest, _ := strings.Cut(s, ",")
	value = strings.TrimRight(value, " \t")
	d.malformed = d.malformed || !isToken(value)
	d.add(name, value)
	return rest
}

func (d *directives) add(name, value string) {
	name = strings.ToLower(strings.Trim(name, " \t"))
	if name == "" && value == "" {
		return // RFC 9110 section 5.6.1.2: empty list elements are ignored
	}
	if !isToken(name) {
		d.malformed = true
		return
	}
	if d.byName == nil {
		d.byName = make(map[string]argument)
	}
	_, repeated := d.byName[name]
	d.byName[name] = argument{value: value, repeated: repeated}
}

// has reports whether a directive is there, whatever its argument: no-cache and
// private with a list of fields count as the whole (RFC 9111 section 5.2.2.4
// allows that, and says that many caches do).
func (d directives) has(names ...string) bool {
	for _, name := range names {
		if _, ok := d.byName[name]; ok {
			return true
		}
	}
	return false
}

// seconds is the argument of a directive that wants delta-seconds. One that is
// repeated or malformed is not valid; a quoted one is (section 5.2).
func (d directives) seconds(name string) (s time.Duration, present, valid bool) {
	arg, present := d.byName[name]
	if !present || arg.repeated {
		return 0, present, false
	}
	s, valid = deltaSeconds(arg.value)
	return s, true, valid
}

// deltaSeconds reads what RFC 9111 section 1.2.2 defines, and clamps as it says.
func deltaSeconds(s string) (time.Duration, bool) {
	const most = 1 << 31
	if s == "" {
		return 0, false
	}
	n := int64(0)
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		n = min(n*10+int64(s[i]-'0'), most)
	}
	return time.Duration(n) * time.Second, true
}

// quotedString reads the quoted-string (RFC 9110 section 5.6.4) that s begins
// with, and unescapes it.
func quotedString(s string) (value, rest string, ok bool) {
	if s == "" || s[0] != '"' {
		return "", s, false
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '"':
			return b.String(), s[i+1:], true
		case '\\':
			if i++; i == len(s) {
				return "", s, false
			}
		}
		b.WriteByte(s[i])
	}
	return "", s, false
}

// isToken reports whether s is a token (RFC 9110 section 5.6.2).
func isToken(s string) bool {
	for i := range len(s) {
		c := s[i]
		alphanumeric := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		if !alphanumeric && !strings.ContainsRune("!#$%&'*+-.^_`|~", rune(c)) {
			return false
		}
	}
	return s != ""
}

// listContains reports whether a comma-separated field has a member, without
// regard to case.
func listContains(lines []string, member string) bool {
	for _, line := range lines {
		for m := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(strings.Trim(m, " \t"), member) {
				return true
			}
		}
	}
	return false
}
