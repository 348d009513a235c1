package conformance

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/daramjwee/daramjwee/cache/store"
)

func commitKept(c *storeCheck) {
	s := c.fresh()
	for i := range 200 {
		key := fmt.Sprint(i)
		c.put(s, key, bodyOf(uint64(i), 100), unsized)
		if e := c.find(s, key); e != nil {
			_ = e.Close()
			c.count(1)
			return
		}
	}
	c.that(false, 0, "one or more", "entries out of 200 that Open found just after their Commit")
}

// lengths are those of bodies where a tier may change its mind.
func (c *storeCheck) lengths() []int {
	lengths := []int{0, 1, 2}
	for _, n := range []int{512, 4096, 32 << 10, 64 << 10, 128 << 10, 1 << 20} {
		for _, n := range []int{n - 1, n, n + 1} {
			if n <= c.most() {
				lengths = append(lengths, n)
			}
		}
	}
	return append(lengths, c.most())
}

func commitWhole(c *storeCheck) {
	s := c.fresh()
	for i, n := range c.lengths() {
		data := bodyOf(uint64(i), n)
		for _, m := range declaring(n) {
			for _, chunk := range []int{1, 333, 4096, 100_003, n} {
				if chunk <= 0 || n/chunk > 5000 {
					continue
				}
				key := fmt.Sprint(n, chunk)
				for range patience {
					w := c.create(s, key, m)
					c.write(w, data, chunk)
					c.commit(w)
					if c.holds(s, key, data, "body of %d bytes, declared as %d, in Writes of %d", n, m.Size, chunk) {
						break
					}
				}
				_ = s.Delete(background, key) // 40 MB in all
			}
		}
	}
}

func commitIncomplete(c *storeCheck) {
	s := c.fresh()
	for _, declared := range []int{0, 1, 1000, medium} {
		for _, n := range []int{0, declared - 1, declared + 1, declared / 2, 2*declared + 10, declared + 4096} {
			if n == declared || n < 0 {
				continue
			}
			c.formers(s, "", func(key string, former []byte) {
				m := sized(declared)
				m.Generation = 2
				w := c.create(s, key, m)
				_, early := w.Write(bodyOf(2, n))
				err := w.Commit(background)
				c.that(errors.Is(err, store.ErrIncomplete) || err != nil && errors.Is(early, store.ErrIncomplete), []error{early, err}, store.ErrIncomplete,
					"errors of Write and Commit of %d bytes, declared as %d", n, declared)
				c.unseen(s, key, former, fmt.Sprintf("after Commit of %d bytes, declared as %d", n, declared))
			})
		}
	}
}

// commitEnded ends writers in every way, and goes on.
func commitEnded(c *storeCheck) {
	s := c.fresh()
	for name, end := range map[string]func(store.Writer) error{
		"Commit": func(w store.Writer) error { return w.Commit(background) },
		"Abort":  func(w store.Writer) error { return w.Abort() },
		"a Commit that failed": func(w store.Writer) error {
			if w.Commit(background) == nil {
				return errors.New("no error of an incomplete Commit")
			}
			return nil
		},
	} {
		m := unsized
		if name == "a Commit that failed" {
			m = sized(1000)
		}
		w := c.create(s, "k", m)
		c.write(w, bodyOf(1, 500), 500)
		if err := end(w); err != nil {
			c.must(false, err, nil, "%s", name)
		}
		_ = s.Delete(background, "k")
		n, err := w.Write(bodyOf(2, 500))
		c.that(n == 0 && errors.Is(err, store.ErrClosed), []any{n, err}, []any{0, store.ErrClosed}, "Write after %s", name)
		err = w.Commit(background)
		c.that(errors.Is(err, store.ErrClosed), err, store.ErrClosed, "Commit after %s", name)
		c.gone(s, "k", "after "+name+", Delete and another Commit")
	}
}

func abortAgain(c *storeCheck) {
	s := c.fresh()
	body := bodyOf(1, 500)
	kept := false
	for i := range patience {
		w := c.create(s, "k", declaring(len(body))[i%2])
		c.write(w, body, 500)
		c.commit(w)
		before := c.find(s, "k")
		if before != nil {
			_ = before.Close()
		}
		for range 2 {
			err := w.Abort()
			c.that(err == nil, err, nil, "Abort after Commit")
		}
		if before != nil {
			kept = true
			c.that(c.holds(s, "k", body, "body after Commit and Abort"), "ErrNotFound", "the entry", "Open after Commit and Abort")
		}
		w = c.create(s, "k", unsized)
		c.write(w, bodyOf(2, 500), 500)
		for range 2 {
			err := w.Abort()
			c.that(err == nil, err, nil, "Abort, and again")
		}
		if kept && i > 2 {
			return
		}
	}
}

func writeBorrows(c *storeCheck) {
	s := c.fresh()
	for i, chunk := range []int{1, 100, 5000, medium, c.most()} {
		data := bodyOf(uint64(i), max(chunk, 5000))
		for _, m := range declaring(len(data)) {
			key := fmt.Sprint(chunk)
			for range patience {
				w := c.create(s, key, m)
				for at := 0; at < len(data); at += chunk {
					piece := data[at:min(at+chunk, len(data))]
					buf := bytes.Clone(append(piece[:len(piece):len(piece)], 0xEE)) // something behind
					if _, err := w.Write(buf[:len(piece)]); err != nil {
						c.must(false, err, nil, "Write of %d bytes", len(piece))
					}
					c.that(bytes.Equal(buf[:len(piece)], piece) && buf[len(piece)] == 0xEE, "other bytes", "the same bytes", "what was given to a Write of %d bytes", len(piece))
					fill(buf, 0xEE)
				}
				c.commit(w)
				if c.holds(s, key, data, "body whose buffers were written to after each Write of %d bytes", chunk) {
					break
				}
			}
		}
	}
}

func writeCounts(c *storeCheck) {
	s := c.fresh()
	for _, m := range declaring(medium) {
		w := c.create(s, "k", m)
		data := bodyOf(1, medium)
		at := 0
		for _, n := range []int{0, 1, 0, 4095, 4096, 9000, 1, medium - 17193, 0} {
			k, err := w.Write(data[at : at+n : at+n])
			c.that(k == n && err == nil, []any{k, err}, []any{n, nil}, "Write of %d bytes, behind %d", n, at)
			at += n
		}
		err := w.Commit(background)
		c.that(err == nil && at == medium, []any{at, err}, []any{medium, nil}, "Commit of all of it")
	}
}
