package conformance

import (
	"fmt"

	"github.com/daramjwee/daramjwee/cache/store"
)

func deleteNothing(c *storeCheck) {
	s := c.fresh()
	for _, key := range []string{"k", "", "a/b"} {
		for range 2 {
			err := s.Delete(background, key)
			c.that(err == nil, err, nil, "Delete(%q) of an empty tier", key)
		}
	}
	c.put(s, "k", bodyOf(1, 100), unsized)
	for range 2 {
		err := s.Delete(background, "k")
		c.that(err == nil, err, nil, "Delete, and again")
	}
}

func deleteGone(c *storeCheck) {
	s := c.fresh()
	body := bodyOf(1, 1000)
	for i := range 3 { // versions
		_ = c.kept(s, "k", bodyOf(uint64(i), 1000), unsized).Close()
	}
	for range 3 {
		_ = s.Delete(background, "k") // the error of another time is delete/nothing's
		c.gone(s, "k", "after Delete")
		_, err := s.Stat(background, "k")
		c.that(err != nil, "metadata", store.ErrNotFound, "Stat after Delete")
	}
	others := []string{"a", "b", "c", "d"}
	for _, k := range others {
		_ = c.kept(s, k, body, unsized).Close()
	}
	for i, k := range others {
		before := c.present(s, others[i+1:])
		_ = s.Delete(background, k)
		c.that(c.present(s, others[i+1:]) == before, c.present(s, others[i+1:]), before, "keys that Open finds of %q after Delete(%q)", others[i+1:], k)
	}
	for i := range patience {
		w := c.create(s, "w", declaring(len(body))[i%2])
		c.write(w, body[:500], 500)
		_ = s.Delete(background, "w")
		c.write(w, body[500:], 500)
		c.commit(w)
		if c.holds(s, "w", body, "body of a writer that committed after Delete") {
			return
		}
	}
	c.that(false, "ErrNotFound, each time", "its entry", "Open after Create, Delete and Commit")
}

// statUse lets a tier evict the same way twice, and then with Stats in between.
func statUse(c *storeCheck) {
	const entries = 64
	n := int(c.o.MaxBytes / entries)
	body := bodyOf(1, n)
	survivors := func(stat bool) string {
		s := c.fresh()
		var keys []string
		for i := range 3 * entries / 2 {
			key := fmt.Sprint(i)
			keys = append(keys, key)
			c.put(s, key, body, sized(n))
			for k := 0; stat && k < min(i, entries/4); k++ {
				_, _ = s.Stat(background, keys[k])
			}
		}
		found := c.present(s, keys)
		_ = s.Close()
		return found
	}
	want := survivors(false)
	if survivors(false) != want {
		c.lacks("order of eviction that comes out the same twice")
	}
	got := survivors(true)
	c.that(got == want, got, want, "keys that are left of %d, after Stats of the first ones", 3*entries/2)
}
