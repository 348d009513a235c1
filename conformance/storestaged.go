package conformance

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/daramjwee/daramjwee/cache/store"
)

// staged is a writer that can be followed.
type staged struct {
	store.Writer
	store.StagedReader
	hold, release func() // nothing where a writer is held from the start
}

func (c *storeCheck) followed(s store.Store, key string, m store.Metadata) *staged {
	w := c.create(s, key, m)
	r, ok := w.(store.StagedReader)
	if !ok {
		c.lacks("store.StagedReader on its writers")
	}
	f := &staged{Writer: w, StagedReader: r, hold: func() {}, release: func() {}}
	if h, ok := w.(store.StagedHolder); ok {
		f.hold, f.release = h.Hold, h.Release
	}
	return f
}

func (w *staged) holder() bool { _, ok := w.Writer.(store.StagedHolder); return ok }

// ends are the ways in which a writer ends.
var ends = map[string]func(store.Writer) error{
	"Commit": func(w store.Writer) error { return w.Commit(background) },
	"Abort":  func(w store.Writer) error { return w.Abort() },
}

func (c *storeCheck) end(w store.Writer, how string) {
	if err := ends[how](w); err != nil {
		c.must(false, err, nil, "%s", how)
	}
}

func stagedFrontier(c *storeCheck) {
	s := c.fresh()
	n := min(200_000, c.most())
	data := bodyOf(1, n)
	for _, m := range declaring(n) {
		w := c.followed(s, "k", m)
		at := 0
		for i := 0; ; i++ {
			for _, size := range []int{0, 1, 777, at, at + 1} {
				for _, off := range []int{0, 1, at / 2, at - 1, at, at + 1} {
					if off >= 0 {
						c.readsAt(w, data[:at], size, int64(off), "staged body")
					}
				}
				c.readsAt(w, data[:at], size, 1<<40, "staged body")
			}
			k, err := w.ReadAt(make([]byte, 1), -1)
			c.that(k == 0 && err != nil && err != io.EOF, []any{k, err}, "0 and an error that is not io.EOF", "ReadAt of a writer at offset -1")
			if at == n {
				break
			}
			step := min([]int{1, 100, 4095, 40_000}[i%4], n-at)
			c.write(w, data[at:at+step], step)
			at += step
		}
		_ = w.Abort()
	}
}

func stagedFollowers(c *storeCheck) {
	s := c.fresh()
	n := min(150_000, c.most())
	for round := range 24 {
		size := n - round*n/48
		data := bodyOf(uint64(round), size)
		w := c.followed(s, "k", declaring(size)[round%2])
		if round%3 != 0 {
			w.hold()
		}
		var ending, over atomic.Bool
		var readers []func()
		for range 3 {
			readers = append(readers, c.beside(func() { c.follow(w, data, &ending, &over) }))
		}
		for at, step := 0, 100+round*200; at < size; at += step {
			c.write(w, data[at:min(at+step, size)], step)
			yieldNow()
		}
		ending.Store(true)
		if round%5 == 4 && round%3 != 0 {
			w.release()
		}
		c.end(w, []string{"Commit", "Abort"}[round%4/2])
		if round%5 != 4 && round%3 != 0 {
			yieldNow()
			w.release()
		}
		_ = s.Delete(background, "k")
		c.churn(s, 2, size)
		over.Store(true)
		for _, wait := range readers {
			wait()
		}
	}
}

// follow reads a staged body again and again, until it is over.
func (c *storeCheck) follow(w io.ReaderAt, data []byte, ending, over *atomic.Bool) {
	p := make([]byte, 5000)
	for off := 0; ; c.yield() {
		last := over.Load()
		ended := ending.Load()
		n, err := w.ReadAt(p, int64(off))
		ended = ended || ending.Load()
		switch {
		case n < 0 || off+n > len(data) || !bytes.Equal(p[:n], data[off:off+n]):
			c.must(false, []any{n, "bytes, some of them wrong", err}, "bytes that were written", "ReadAt of a follower at %d, beside the writer", off)
		case errors.Is(err, store.ErrClosed):
			c.that(n == 0 && ended, []any{n, err}, "bytes, until Commit or Abort", "ReadAt of a follower at %d", off)
			return
		case err != nil && err != io.EOF:
			c.must(false, err, "nil, io.EOF or ErrClosed", "ReadAt of a follower at %d, beside the writer", off)
		}
		c.count(1)
		if off += n; off == len(data) {
			off = 0
		}
		if last {
			return
		}
	}
}

func stagedHeld(c *storeCheck) {
	n := min(200_000, c.most())
	for how := range ends {
		for i, n := range []int{n, n - n/3, 100} {
			s := c.fresh()
			data := bodyOf(uint64(i), n)
			w := c.followed(s, "k", declaring(n)[i%2])
			w.hold()
			c.write(w, data, 3000)
			c.end(w.Writer, how)
			c.readsAt(w, data, n+1, 0, "held body after "+how)
			c.crowd(s, "k", c.most())
			c.readsAt(w, data, n, 0, "held body after "+how+" and eviction")
			c.put(s, "k", bodyOf(9, n), sized(n))
			c.churn(s, 4, n)
			c.readsAt(w, data, n-1, 1, "held body after "+how+" and a replacement")
			_ = s.Delete(background, "k")
			c.churn(s, 4, n)
			c.readsAt(w, data, 50, int64(n/2), "held body after "+how+" and Delete")
			w.release()
			_ = s.Close()
		}
	}
}

func stagedReleased(c *storeCheck) {
	s := c.fresh()
	data := bodyOf(1, medium)
	for how := range ends {
		for _, when := range []string{"not held", "released before", "released after"} {
			w := c.followed(s, "k", declaring(medium)[0])
			if !w.holder() {
				c.lacks("store.StagedHolder on its writers")
			}
			if when != "not held" {
				w.hold()
			}
			c.write(w, data, medium)
			if when == "released before" {
				w.release()
				c.readsAt(w, data, 1000, 10, "body that was released, and is still being written")
			}
			c.end(w.Writer, how)
			if when == "released after" {
				c.readsAt(w, data, 1000, 10, "held body after "+how)
				w.release()
			}
			p := make([]byte, 100)
			n, err := w.ReadAt(p, 0)
			c.that(n == 0 && errors.Is(err, store.ErrClosed) && bytes.Equal(p, make([]byte, 100)), []any{n, err}, []any{0, store.ErrClosed},
				"%s", fmt.Sprintf("ReadAt of a writer after %s, %s", how, when))
		}
	}
}
