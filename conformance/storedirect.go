package conformance

import (
	"bytes"
	"fmt"

	"github.com/daramjwee/daramjwee/cache/store"
)

func (c *storeCheck) direct(w store.Writer) store.DirectWriter {
	d, ok := w.(store.DirectWriter)
	if !ok {
		c.lacks("store.DirectWriter on its writers")
	}
	return d
}

// room is Next, when there has to be room.
func (c *storeCheck) room(d store.DirectWriter, at, n int) []byte {
	room := d.Next()
	if len(room) == 0 {
		c.must(false, 0, "room for a byte or more", "length of Next behind %d of %d bytes", at, n)
	}
	return room
}

func (c *storeCheck) advance(d store.DirectWriter, n int) {
	if err := d.Advance(n); err != nil {
		c.must(false, err, nil, "Advance(%d)", n)
	}
}

func directAppends(c *storeCheck) {
	s := c.fresh()
	for i, n := range []int{1, 100, 4096, 32 << 10, 70_000, c.most()} {
		data := bodyOf(uint64(i), n)
		for _, m := range declaring(n) {
			for _, step := range []int{1, 1000, n} { // at most
				if n/step > 5000 {
					continue
				}
				for range patience {
					w := c.create(s, "k", m)
					d := c.direct(w)
					for at, turn := 0, 0; at < n; turn++ {
						k := min(step, n-at)
						litter := func() { // in all of the room would take most of the rule's time
							room := c.room(d, at, n)
							fill(room[:min(len(room), max(4*k, 4096))], 0xEE)
						}
						switch turn % 4 {
						case 0:
							c.write(w, data[at:at+k], k)
						case 1: // nothing came
							litter()
							c.advance(d, 0)
							k = 0
						case 2: // asked again
							litter()
							fallthrough
						default:
							k = copy(c.room(d, at, n), data[at:at+k])
							c.advance(d, k)
						}
						at += k
					}
					c.commit(w)
					if c.holds(s, "k", data, "body of %d bytes, declared as %d, appended %d at a time by Write, and by Next and Advance", n, m.Size, step) {
						break
					}
				}
			}
		}
	}
}

func directBeyond(c *storeCheck) {
	s := c.fresh()
	first := bodyOf(1, 100)
	for name, wrong := range map[string]func(w store.Writer, d store.DirectWriter) error{
		"Advance(1) without Next":          func(_ store.Writer, d store.DirectWriter) error { return d.Advance(1) },
		"Advance(-1)":                      func(_ store.Writer, d store.DirectWriter) error { d.Next(); return d.Advance(-1) },
		"Advance beyond Next by one":       func(_ store.Writer, d store.DirectWriter) error { return d.Advance(len(d.Next()) + 1) },
		"Advance(1) after Next and Write":  func(w store.Writer, d store.DirectWriter) error { d.Next(); _, _ = w.Write(nil); return d.Advance(1) },
		"a second Advance(1) after a Next": func(_ store.Writer, d store.DirectWriter) error { d.Next(); c.advance(d, 0); return d.Advance(1) },
	} {
		_ = s.Delete(background, "k")
		w := c.create(s, "k", unsized)
		d := c.direct(w)
		c.write(w, first, 100)
		err := wrong(w, d)
		c.that(err != nil, err, "an error", "%s", name)
		if w.Commit(background) == nil {
			c.holds(s, "k", first, "body of 100 bytes, then %s", name)
		} else {
			c.gone(s, "k", "after a Commit that failed")
		}
	}
}

// directMemory keeps every slice that was advanced over, and looks at all of
// them as the writer goes on.
func directMemory(c *storeCheck) {
	s := c.fresh()
	for i := range 6 {
		size := []int{64 << 10, min(100_000, c.most()), 5000}[i/2] // the first ends with a block, wherever blocks end
		m := declaring(size)[i%2]
		data := bodyOf(uint64(i), size)
		w := c.create(s, "k", m)
		d := c.direct(w)
		_, readable := w.(store.StagedReader)
		if h, ok := w.(store.StagedHolder); ok {
			h.Hold()
			c.cleanup(h.Release)
		}
		var pieces [][]byte
		intact := func(where string) {
			c.equal(bytes.Join(pieces, nil), data[:len(bytes.Join(pieces, nil))], "memory that was advanced over, %s", where)
		}
		for at, turn := 0, 1; at < size; turn++ {
			room := c.room(d, at, size)
			room = room[:min(len(room), turn*977, size-at)]
			copy(room, data[at:])
			c.advance(d, len(room))
			pieces = append(pieces, room)
			at += len(room)
			intact(fmt.Sprintf("at byte %d of %d", at, size))
			fill(d.Next(), 0xEE) // a source that has nothing
			c.advance(d, 0)
			intact(fmt.Sprintf("at byte %d of %d, after another Next", at, size))
		}
		c.commit(w)
		if !readable {
			continue
		}
		intact("after Commit")
		_ = s.Delete(background, "k")
		c.churn(s, 8, size)
		intact("after Commit and Delete")
	}
}
