package conformance

import (
	"slices"
	"strings"
	"unsafe"

	"github.com/daramjwee/daramjwee/cache/store"
)

// awkwardKeys are keys that one or another way to name an entry takes for each
// other, or cannot take at all.
func awkwardKeys() []string {
	long := string(bodyOf(77, 5000))
	return []string{
		"", " ", ".", "..", "/", "//", "a/../b", "b", "./b", "../../etc/passwd", "C:\\b", "b\\", "b/", "b.", "b ",
		"\x00", "a\x00", "a\x00b", "a", "A", "é", "e\u0301", "\xff", "\xfe", "\uFFFD", "K", "\u212a", "k",
		"%2e", "%2E", "b%00", "a*?\"<>|:", "con", "CON", "nul.txt", "\n", "\r\n",
		long, long[:4999], strings.ToUpper(long[:3000]), strings.Repeat("x", 255), strings.Repeat("x", 256), strings.Repeat("x", 4096),
		strings.Repeat("d/", 300), "entry", "index", "tmp", "lock",
	}
}

func keysAny(c *storeCheck) {
	s := c.fresh()
	keys := awkwardKeys()
	bodies := make(map[string][]byte)
	for i, k := range keys {
		bodies[k] = bodyOf(uint64(i), 100+i)
		_ = c.kept(s, k, bodies[k], unsized).Close()
	}
	for _, k := range keys {
		c.holds(s, k, bodies[k], "body of %s, beside %d other keys", keyText(k), len(keys)-1)
	}
	c.that(len(bodies) == len(keys), len(bodies), len(keys), "keys of the suite's own")
	for i, k := range keys {
		if i%2 == 0 {
			continue
		}
		others := slices.Concat(keys[:i], keys[i+1:])
		before := c.present(s, others)
		_ = s.Delete(background, k)
		after := c.present(s, others)
		c.that(after == before, after, before, "other keys that Open finds after Delete(%s)", keyText(k))
	}
}

// lent is a string over bytes that the caller writes to later, as keys and
// headers parsed out of a pooled buffer are.
type lent struct{ bytes []byte }

func (l *lent) string(s string) string {
	at := len(l.bytes)
	l.bytes = append(l.bytes, s...)
	return unsafe.String(unsafe.SliceData(l.bytes[at:]), len(s))
}

func (l *lent) reuse() { fill(l.bytes, '#') }

func keysOwned(c *storeCheck) {
	s := c.fresh()
	body := bodyOf(1, 500)
	metadata := func(l func(string) string) store.Metadata {
		return store.Metadata{Size: -1, Generation: 7, ETag: l(`"tag"`), Header: store.NewHeader(l("Name"), l("value"), l("Other"), l("value 2"))}
	}
	keep := func(s string) string { return s }
	found := false
	for range patience {
		buf := &lent{bytes: make([]byte, 0, 1000)}
		w := c.create(s, buf.string("the key"), metadata(buf.string))
		buf.reuse()
		c.write(w, body, 500)
		c.commit(w)
		data, m, ok := c.value(s, "the key")
		if !ok {
			if e := c.find(s, "#######"); e != nil {
				_ = e.Close()
				c.must(false, "stored under the bytes that were written over it", "stored under its key", "Create, and its key's bytes written over")
			}
			continue
		}
		found = true
		c.equal(data, body, "body of an entry whose key was written over after Create")
		c.sameMetadata(m, metadata(keep), len(body), "metadata that was written over after Create")
		break
	}
	c.that(found, "ErrNotFound, each time", "an entry", "Open of a key whose bytes were written over after Create")
	u, ok := s.(store.MetadataUpdater)
	if !ok || !found {
		return
	}
	buf := &lent{bytes: make([]byte, 0, 1000)}
	err := u.UpdateMetadata(background, buf.string("the key"), 7, metadata(buf.string))
	buf.reuse()
	if m, _ := s.Stat(background, "the key"); err == nil && m != nil {
		c.sameMetadata(m, metadata(keep), len(body), "metadata that was written over after UpdateMetadata")
	}
}
