package conformance

import (
	"errors"
	"fmt"

	"github.com/daramjwee/daramjwee/cache/store"
)

func closedRefuses(c *storeCheck) {
	s := c.fresh()
	_ = c.kept(s, "k", bodyOf(1, 1000), store.Metadata{Size: -1, Generation: 1}).Close()
	var writers []store.Writer
	for _, m := range declaring(1000) {
		w := c.create(s, "staged", m)
		c.write(w, bodyOf(2, 1000), 1000)
		writers = append(writers, w)
	}
	err := s.Close()
	c.that(err == nil, err, nil, "Close")
	refused := func(name string, err error) {
		c.that(errors.Is(err, store.ErrClosed), err, store.ErrClosed, "%s of a closed tier", name)
	}
	for _, key := range []string{"k", "nothing"} {
		_, err = c.openEntry(background, s, key)
		refused("Open", err)
		_, err = s.Stat(background, key)
		refused("Stat", err)
		_, err = s.Create(background, key, unsized)
		refused("Create", err)
		_, err = s.Create(background, key, sized(10))
		refused("Create", err)
		refused("Delete", s.Delete(background, key))
		if u, ok := s.(store.MetadataUpdater); ok {
			refused("UpdateMetadata", u.UpdateMetadata(background, key, 1, store.Metadata{Generation: 2}))
		}
	}
	if l, ok := s.(store.Lister); ok {
		for key := range l.List() {
			c.that(false, fmt.Sprintf("%q", key), "nothing", "List of a closed tier")
		}
	}
	for i, w := range writers {
		if i == 0 {
			_, _ = w.Write([]byte("more")) // may be refused already
		}
		refused("Commit", w.Commit(background))
		err := w.Abort()
		c.that(err == nil, err, nil, "Abort after Close of the tier")
	}
}

func closedAgain(c *storeCheck) {
	s := c.fresh()
	e := c.kept(s, "k", bodyOf(1, medium), unsized)
	for range 3 {
		err := s.Close()
		c.that(err == nil, err, nil, "Close, and again")
	}
	_ = e.Close()
	s = c.fresh()
	c.put(s, "k", bodyOf(1, medium), unsized)
	c.parallel(4, func(int) {
		err := s.Close()
		c.that(err == nil, err, nil, "one of four Closes at the same time")
	})
}

func closedGoroutines(c *storeCheck) {
	s := c.fresh()
	for i := range 20 {
		key := fmt.Sprint(i % 10)
		c.put(s, key, bodyOf(uint64(i), medium), unsized)
		c.holds(s, key, bodyOf(uint64(i), medium), "body")
	}
	w := c.create(s, "staged", unsized)
	c.write(w, bodyOf(1, medium), medium)
	_ = w.Abort()
	_ = s.Delete(background, "1")
	if err := s.Close(); err != nil {
		c.that(false, err, nil, "Close")
	}
	c.alone(c.o.common().timeout(), "goroutines of the tier after Close")
}

func reopenSame(c *storeCheck) {
	type entry struct {
		body []byte
		m    store.Metadata
	}
	want := make(map[string]entry)
	s := c.fresh()
	put := func(key string, n, seed int) {
		m := fullMetadata()[seed%len(fullMetadata())]
		m.Size = declaring(n)[seed%2].Size
		want[key] = entry{bodyOf(uint64(seed), n), m}
		c.put(s, key, want[key].body, m)
	}
	for session := range 3 {
		for i, key := range awkwardKeys() {
			switch (i + session) % 3 {
			case 0:
				put(key, 50*i*(session+1), i+session)
			case 1:
				if session > 0 {
					_ = s.Delete(background, key)
					delete(want, key)
				}
			}
			if i%4 == session {
				w := c.create(s, key, store.Metadata{Size: -1, Generation: 1000})
				c.write(w, bodyOf(1000, 500), 500)
				if i%8 == session {
					_ = w.Abort() // the others are staged when the tier is closed
				}
			}
		}
		put("large", c.most(), session)
		if u, ok := s.(store.MetadataUpdater); ok {
			e := want["large"]
			old := e.m.Generation
			e.m.ETag, e.m.Generation = "updated", uint64(session)
			if u.UpdateMetadata(background, "large", old, e.m) == nil {
				want["large"] = e
			}
		}
		if err := s.Close(); err != nil {
			c.must(false, err, nil, "Close")
		}
		s = c.opened(c.o.Reopen())
		found := 0
		for _, key := range append(awkwardKeys(), "large", "") {
			data, m, ok := c.value(s, key)
			if !ok {
				continue
			}
			found++
			if e, ok := want[key]; c.that(ok, "an entry", "ErrNotFound, as before Close", "Open(%s) after Reopen", keyText(key)) {
				c.equal(data, e.body, "body of %s after Reopen", keyText(key))
				c.sameMetadata(m, e.m, len(e.body), "metadata of %s after Reopen", keyText(key))
			}
		}
		c.that(found > 0, 0, "one or more", "entries found after Close and Reopen, of %d", len(want))
	}
}
