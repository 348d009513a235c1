package conformance

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/daramjwee/daramjwee/cache/store"
)

// unseen wants Open and Stat to see the former entry of a key or none, and not
// the one of generation 2.
func (c *storeCheck) unseen(s store.Store, key string, former []byte, where string) {
	data, m, found := c.value(s, key)
	if found {
		c.that(m.Generation != 2 && former != nil, "the staged entry", "the former one, or ErrNotFound", "Open(%q) %s", key, where)
		c.equal(data, former, "body of %q %s", key, where)
	}
	m, err := s.Stat(background, key)
	if err == nil && m != nil {
		c.that(m.Generation != 2 && former != nil, "the staged entry", "the former one, or ErrNotFound", "Stat(%q) %s", key, where)
	} else {
		c.that(errors.Is(err, store.ErrNotFound), err, store.ErrNotFound, "Stat(%q) %s", key, where)
	}
}

// formers is with and without an entry that the key had before.
func (c *storeCheck) formers(s store.Store, name string, f func(key string, former []byte)) {
	f("new"+name, nil)
	former := bodyOf(1, 500)
	_ = c.kept(s, "taken"+name, former, store.Metadata{Size: -1, Generation: 1}).Close()
	f("taken"+name, former)
}

func createHidden(c *storeCheck) {
	s := c.fresh()
	for _, m := range declaring(medium) {
		m.Generation = 2
		c.formers(s, fmt.Sprint(m.Size), func(key string, former []byte) {
			w := c.create(s, key, m)
			c.unseen(s, key, former, "after Create")
			data := bodyOf(2, medium)
			for at := 0; at < len(data); at += medium / 4 {
				c.write(w, data[at:at+medium/4], medium)
				c.unseen(s, key, former, fmt.Sprintf("after %d of %d bytes", at+medium/4, medium))
			}
			_ = w.Abort()
		})
	}
}

func abortDrops(c *storeCheck) {
	s := c.fresh()
	c.formers(s, "", func(key string, former []byte) {
		for _, m := range declaring(medium) {
			for _, n := range []int{0, medium / 2, medium} {
				m.Generation = 2
				w := c.create(s, key, m)
				c.write(w, bodyOf(2, n), medium)
				err := w.Abort()
				c.that(err == nil, err, nil, "Abort")
				c.unseen(s, key, former, fmt.Sprintf("after Abort of %d of %d bytes", n, medium))
			}
		}
	})
}

func createOversize(c *storeCheck) {
	s := c.fresh()
	keys := []string{"large"}
	c.kept(s, "large", bodyOf(0, medium), unsized)
	for i := range 9 {
		keys = append(keys, fmt.Sprint(i))
		c.put(s, keys[i+1], bodyOf(uint64(i), medium), unsized)
	}
	before := c.present(s, keys)
	sizes := []int64{math.MaxInt64, math.MaxInt64 - 1000}
	if limited(c.o) {
		sizes = append(sizes, c.o.MaxBytes+1, 4*c.o.MaxBytes)
	}
	for _, size := range sizes {
		w, err := s.Create(background, "large", store.Metadata{Size: size})
		if err == nil {
			_ = w.Abort()
		}
		c.that(errors.Is(err, store.ErrTooLarge) || err == nil && !limited(c.o), err, store.ErrTooLarge, "Create(Size: %d)", size)
	}
	c.that(c.present(s, keys) == before, c.present(s, keys), before, "keys that Open finds after Create of too much")
}

// present is the keys that Open finds.
func (c *storeCheck) present(s store.Store, keys []string) string {
	var found []string
	for _, k := range keys {
		if e := c.find(s, k); e != nil {
			found = append(found, k)
			_ = e.Close()
		}
	}
	return fmt.Sprintf("%q", found)
}

func createWriters(c *storeCheck) {
	s := c.fresh()
	for _, order := range [][]int{{0, 1, 2, 3}, {3, 2, 1, 0}, {2, 0, 3, 1}} {
		bodies, writers := make([][]byte, 4), make([]store.Writer, 4)
		for i := range writers {
			bodies[i] = bodyOf(uint64(i), medium+i)
			m := declaring(len(bodies[i]))[i%2]
			m.Generation = uint64(i)
			writers[i] = c.create(s, "k", m)
		}
		stray := c.create(s, "k", unsized)
		c.write(stray, bodyOf(9, 100), 100)
		for at := 0; at <= medium; at += medium / 2 { // in turn, so that what they share mixes
			for i, w := range writers {
				c.write(w, bodies[i][at:min(at+medium/2, len(bodies[i]))], medium)
			}
		}
		for n, i := range order {
			c.commit(writers[i])
			if n == 1 {
				_ = stray.Abort()
			}
			if data, m, found := c.value(s, "k"); found {
				c.equal(data, bodies[i], "body after the Commit of writer %d of 4, in the order %v", i, order)
				c.that(m.Generation == uint64(i), m.Generation, i, "Generation after the Commit of writer %d of 4, in the order %v", i, order)
			}
		}
	}
	c.count(1) // a tier may have evicted each of them
}

func contextEnded(c *storeCheck) {
	s := c.fresh()
	old := bodyOf(1, 500)
	m := store.Metadata{Size: -1, Generation: 1, ETag: "old"}
	e := c.kept(s, "k", old, m)
	w := c.create(s, "k", store.Metadata{Size: -1, Generation: 2})
	c.write(w, bodyOf(2, 500), 500)
	ended, cancel := context.WithCancel(background)
	cancel()
	refused := func(name string, err error) {
		c.that(errors.Is(err, context.Canceled), err, context.Canceled, "%s with a context that has ended", name)
	}
	opened, err := c.openEntry(ended, s, "k")
	if err == nil {
		_ = opened.Close()
	}
	refused("Open", err)
	_, err = s.Stat(ended, "k")
	refused("Stat", err)
	created, err := s.Create(ended, "k", unsized)
	if err == nil {
		_ = created.Abort()
	}
	refused("Create", err)
	refused("Delete", s.Delete(ended, "k"))
	if u, ok := s.(store.MetadataUpdater); ok {
		refused("UpdateMetadata", u.UpdateMetadata(ended, "k", 1, store.Metadata{Generation: 2}))
	}
	refused("Commit", w.Commit(ended))
	data, now, found := c.value(s, "k")
	if c.that(found, "ErrNotFound", "the entry of before", "Open after these calls") {
		c.that(now.Generation == 1, now.Generation, 1, "Generation after these calls")
		c.equal(data, old, "body after these calls")
	}
	_ = e.Close()
}
