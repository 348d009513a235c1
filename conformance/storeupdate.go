package conformance

import (
	"errors"
	"fmt"

	"github.com/daramjwee/daramjwee/cache/store"
)

func (c *storeCheck) updater(s store.Store) store.MetadataUpdater {
	u, ok := s.(store.MetadataUpdater)
	if !ok {
		c.lacks("store.MetadataUpdater")
	}
	return u
}

func updateApplies(c *storeCheck) {
	s := c.fresh()
	u := c.updater(s)
	body := bodyOf(1, medium)
	for i, m := range fullMetadata() {
		for _, size := range []int64{-1, 0, 5, 1 << 40} {
			key := fmt.Sprint(i, size)
			for range patience {
				_ = c.kept(s, key, body, store.Metadata{Size: -1, Generation: 3, ETag: "old", Negative: i%2 == 0}).Close()
				m.Size = size
				err := u.UpdateMetadata(background, key, 3, m)
				if errors.Is(err, store.ErrNotFound) {
					continue // evicted meanwhile
				}
				c.that(err == nil, err, nil, "UpdateMetadata")
				if data, now, found := c.value(s, key); found {
					c.sameMetadata(now, m, medium, "metadata after UpdateMetadata(Size: %d)", size)
					c.that(now.Size == medium, now.Size, medium, "Size after UpdateMetadata(Size: %d)", size)
					c.equal(data, body, "body after UpdateMetadata")
					break
				}
			}
		}
	}
}

func updateCondition(c *storeCheck) {
	s := c.fresh()
	u := c.updater(s)
	body := bodyOf(1, 1000)
	_ = c.kept(s, "k", body, store.Metadata{Size: -1, Generation: 3, ETag: "old"}).Close()
	for _, generation := range []uint64{0, 2, 4, 1<<64 - 1} {
		err := u.UpdateMetadata(background, "k", generation, store.Metadata{Generation: 9, ETag: "new"})
		c.that(errors.Is(err, store.ErrNotFound), err, store.ErrNotFound, "UpdateMetadata if the generation is %d, which is 3", generation)
	}
	data, m, found := c.value(s, "k")
	if c.that(found, "ErrNotFound", "the entry", "Open after UpdateMetadata of other generations") {
		c.that(m.Generation == 3 && m.ETag == "old", []any{m.Generation, m.ETag}, []any{3, "old"}, "metadata after UpdateMetadata of other generations")
		c.equal(data, body, "body after UpdateMetadata of other generations")
	}
	w := c.create(s, "staged", store.Metadata{Size: -1, Generation: 3})
	for _, key := range []string{"nothing", "staged"} {
		err := u.UpdateMetadata(background, key, 3, store.Metadata{Generation: 9})
		c.that(errors.Is(err, store.ErrNotFound), err, store.ErrNotFound, "UpdateMetadata(%q)", key)
		c.gone(s, key, "after UpdateMetadata of nothing")
	}
	_ = w.Abort()
}

func updateOpen(c *storeCheck) {
	s := c.fresh()
	u := c.updater(s)
	body := bodyOf(1, min(200_000, c.most()))
	before := store.Metadata{Size: -1, Generation: 3, ETag: "old", Header: store.NewHeader("A", "1")}
	e := c.kept(s, "k", body, before)
	got := make([]byte, 100)
	n, err := e.Read(got)
	c.that(err == nil, err, nil, "Read")
	stat, _ := s.Stat(background, "k")
	err = u.UpdateMetadata(background, "k", 3, store.Metadata{Generation: 4, ETag: "new"})
	c.that(err == nil || errors.Is(err, store.ErrNotFound), err, nil, "UpdateMetadata")
	c.sameMetadata(e.Metadata(), before, len(body), "Metadata of an entry that was open during UpdateMetadata")
	if stat != nil {
		c.sameMetadata(stat, before, len(body), "what Stat returned before UpdateMetadata")
	}
	c.that(e.Size() == int64(len(body)), e.Size(), len(body), "Size() of an entry that was open during UpdateMetadata")
	rest := c.read(e, "Read after UpdateMetadata")
	c.equal(append(got[:n], rest...), body, "an entry that was open during UpdateMetadata")
}

func listAll(c *storeCheck) {
	s := c.fresh()
	l, ok := s.(store.Lister)
	if !ok {
		c.lacks("store.Lister")
	}
	for i := range 20 {
		m := store.Metadata{Size: -1, Generation: uint64(i), ETag: fmt.Sprint(i)}
		c.put(s, fmt.Sprint("k", i), bodyOf(uint64(i), 100), m)
		m.Generation = 99
		w := c.create(s, fmt.Sprint([]string{"k", "staged "}[i%2], i), m)
		c.write(w, bodyOf(99, 100), 100)
		if i%3 == 0 {
			_ = w.Abort()
		}
		if i%5 == 0 {
			_ = s.Delete(background, fmt.Sprint("k", i))
		}
	}
	listed := make(map[string]*store.Metadata)
	for key, m := range l.List() {
		c.that(listed[key] == nil, "twice", "once", "List yields %q", key)
		if m == nil {
			c.must(false, nil, "metadata", "List yields %q with", key)
		}
		listed[key] = m
	}
	there := 0
	for i := range 20 {
		for _, key := range []string{fmt.Sprint("k", i), fmt.Sprint("staged ", i)} {
			m, err := s.Stat(background, key)
			if err != nil {
				c.that(listed[key] == nil, "an entry", "no entry, as Stat", "List of %q", key)
				continue
			}
			there++
			if c.that(listed[key] != nil, "no entry", "an entry, as Stat", "List of %q", key) {
				c.sameMetadata(listed[key], *m, int(m.Size), "metadata that List yields for %q", key)
				c.that(listed[key].Size == m.Size, listed[key].Size, m.Size, "Size that List yields for %q", key)
			}
		}
	}
	c.that(len(listed) == there, len(listed), there, "entries listed")
	c.promptly("a loop over List that deletes, and breaks off", func() {
		for key := range l.List() {
			_ = s.Delete(background, key)
			break
		}
	})
}
