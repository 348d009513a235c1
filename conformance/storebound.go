package conformance

import (
	"errors"
	"fmt"

	"github.com/daramjwee/daramjwee/cache/store"
)

func boundBytes(c *storeCheck) {
	s := c.fresh()
	var staged int64
	for i := range 3 {
		w := c.create(s, fmt.Sprint("staged ", i), sized(c.most()))
		c.write(w, bodyOf(uint64(i), c.most()*(i+1)/4), c.most())
		staged += int64(c.most() * (i + 1) / 4)
	}
	body := bodyOf(9, c.most())
	var keys []string
	put := 0
	for i := 0; int64(put) < 3*c.o.MaxBytes; i++ {
		n := c.most() / (i%5 + 1)
		key := fmt.Sprint(i)
		keys = append(keys, key)
		c.put(s, key, body[:n], declaring(n)[i%2])
		put += n
		if i%8 != 0 {
			continue
		}
		sum := staged
		for _, k := range keys {
			if e := c.find(s, k); e != nil {
				sum += e.Size()
				_ = e.Close()
			}
		}
		if !c.that(sum <= c.o.MaxBytes, sum, c.o.MaxBytes, "bytes that can be opened, with %d that are staged, after %d entries", staged, i+1) {
			return
		}
	}
}

func boundOutgrown(c *storeCheck) {
	s := c.fresh()
	keys := []string{"k"}
	_ = c.kept(s, "k", bodyOf(0, medium), unsized).Close()
	for i := range 9 {
		keys = append(keys, fmt.Sprint(i))
		c.put(s, keys[i+1], bodyOf(uint64(i), medium), unsized)
	}
	before := c.present(s, keys)
	w := c.create(s, "k", store.Metadata{Size: -1, Generation: 2})
	chunk := bodyOf(2, 64<<10)
	var err error
	for written := int64(0); err == nil && written <= c.o.MaxBytes+int64(c.most()); written += int64(len(chunk)) {
		_, err = w.Write(chunk)
	}
	end := w.Commit(background)
	c.that(errors.Is(err, store.ErrTooLarge) || err == nil && errors.Is(end, store.ErrTooLarge), []error{err, end}, store.ErrTooLarge,
		"errors of Write and Commit of a body that outgrows the tier")
	c.that(end != nil, end, "an error", "Commit after a Write that failed")
	data, _, found := c.value(s, "k")
	if found {
		c.equal(data, bodyOf(0, medium), "the former entry, after one that outgrew the tier")
	}
	c.that(c.present(s, keys) == before, c.present(s, keys), before, "keys that Open finds after a body that outgrew the tier")
}
