package store

import "strings"

// Clone returns m with strings of its own, which is what a store keeps: those of a
// caller may be bytes of a pooled buffer. One allocation holds them all.
func (m Metadata) Clone() Metadata {
	n := len(m.ETag)
	for name, value := range m.Header.All() {
		n += len(name) + len(value)
	}
	var b strings.Builder
	b.Grow(n)
	b.WriteString(m.ETag)
	for name, value := range m.Header.All() {
		b.WriteString(name)
		b.WriteString(value)
	}
	all := b.String()
	cut := func(s string) string {
		mine := all[:len(s)]
		all = all[len(s):]
		return mine
	}
	m.ETag = cut(m.ETag)
	if m.Header.Len() > 0 {
		pairs := make([]string, 0, 2*m.Header.Len())
		for name, value := range m.Header.All() {
			pairs = append(pairs, cut(name), cut(value))
		}
		m.Header = Header{pairs: pairs}
	}
	return m
}
