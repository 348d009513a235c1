package memory

import (
	"strings"

	"github.com/daramjwee/daramjwee/cache/store"
)

// What an entry costs besides its blocks, in bytes: the entry, its metadata, its
// place in the index. TestOverhead measures it.
const (
	fixedOverhead = 512
	pairOverhead  = 32 // two string headers
	blockOverhead = 24 // a slice header
)

// overhead is what the tier counts for a key and its metadata.
func overhead(key string, m *store.Metadata) int64 {
	n := fixedOverhead + len(key) + len(m.ETag)
	for name, value := range m.Header.All() {
		n += pairOverhead + len(name) + len(value)
	}
	return int64(n)
}

// own returns m with strings of its own: those of a caller may be bytes of a
// pooled buffer. One string holds them all.
func own(m store.Metadata) store.Metadata {
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
		m.Header = store.NewHeader(pairs...)
	}
	return m
}
