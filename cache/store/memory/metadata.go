package memory

import "github.com/daramjwee/daramjwee/cache/store"

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
