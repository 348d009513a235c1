package conformance

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/daramjwee/daramjwee/cache/store"
)

// churn stores entries of n bytes, which take up what was freed too early.
func (c *storeCheck) churn(s store.Store, times, n int) {
	for i := range times {
		c.put(s, fmt.Sprint("churn ", i%16), bodyOf(uint64(1000+i), n), sized(n))
	}
}

// crowd stores others until an entry is evicted, or that cannot be hoped for.
func (c *storeCheck) crowd(s store.Store, key string, n int) {
	most := 16
	if limited(c.o) {
		most = int(4 * c.o.MaxBytes / int64(n))
	}
	body := bodyOf(5, n)
	for i := range most {
		if _, err := s.Stat(background, key); err != nil {
			return
		}
		c.put(s, fmt.Sprint("crowd ", i), body, sized(n))
	}
}

func entryOutlives(c *storeCheck) {
	n := min(300_000, c.most())
	data := bodyOf(1, n)
	for name, event := range map[string]func(s store.Store){
		"a replacement": func(s store.Store) { c.put(s, "k", bodyOf(2, n), sized(n)) },
		"Delete":        func(s store.Store) { _ = s.Delete(background, "k") },
		"eviction":      func(s store.Store) { c.crowd(s, "k", n) },
		"Close of the tier": func(s store.Store) {
			err := s.Close()
			c.that(err == nil, err, nil, "Close of the tier with an open entry")
		},
	} {
		s := c.fresh()
		e := c.kept(s, "k", data, store.Metadata{Size: int64(n), Generation: 1})
		got := make([]byte, 1000)
		if _, err := io.ReadFull(maskReader{e}, got); err != nil {
			c.must(false, err, nil, "Read")
		}
		event(s)
		if name != "Close of the tier" {
			c.churn(s, 8, n)
		}
		rest, err := io.ReadAll(maskReader{e})
		c.that(err == nil, err, nil, "Read after %s", name)
		c.equal(append(got, rest...), data, "an open entry, read on after %s", name)
		c.that(e.Size() == int64(n) && e.Metadata().Generation == 1, []any{e.Size(), e.Metadata().Generation}, []any{n, 1}, "Size and Generation after %s", name)
		err = e.Close()
		c.that(err == nil, err, nil, "Close of the entry after %s", name)
	}
}

func entryClosed(c *storeCheck) {
	s := c.fresh()
	data := bodyOf(1, medium)
	for _, first := range []int{0, 1000, medium} { // read before
		e := c.kept(s, "k", data, unsized)
		if _, err := io.ReadFull(maskReader{e}, make([]byte, first)); err != nil {
			c.must(false, err, nil, "Read")
		}
		err := e.Close()
		c.that(err == nil, err, nil, "Close")
		p := make([]byte, 100)
		refused := func(name string, n int64, err error) {
			c.that(n == 0 && errors.Is(err, store.ErrClosed) && bytes.Equal(p, make([]byte, 100)), []any{n, err}, []any{0, store.ErrClosed},
				"%s after %d bytes and Close", name, first)
		}
		n, err := e.Read(p)
		refused("Read", int64(n), err)
		if r, ok := e.(io.ReaderAt); ok {
			n, err := r.ReadAt(p, 5)
			refused("ReadAt", int64(n), err)
		}
		if from, ok := e.(io.WriterTo); ok {
			w := &onlyWriter{}
			n, err := from.WriteTo(w)
			refused("WriteTo", n+int64(len(w.got)), err)
		}
		c.that(e.Size() == medium, e.Size(), medium, "Size() after Close")
	}
}

func entryAgain(c *storeCheck) {
	s := c.fresh()
	n := min(300_000, c.most())
	data := bodyOf(1, n)
	first := c.kept(s, "k", data, sized(n))
	second := c.find(s, "k")
	if second == nil {
		second = c.kept(s, "k", data, sized(n))
	}
	for range 3 {
		err := first.Close()
		c.that(err == nil, err, nil, "Close, and again")
	}
	_ = s.Delete(background, "k")
	c.churn(s, 8, n)
	got, err := io.ReadAll(maskReader{second})
	c.that(err == nil, err, nil, "Read of an entry whose key another has open, and closed three times")
	c.equal(got, data, "an entry whose key another has open, and closed three times")
	_ = second.Close()
}

// entryClosing closes entries at every stage of a read that goes on.
func entryClosing(c *storeCheck) {
	s := c.fresh()
	n := min(200_000, c.most())
	data := bodyOf(1, n)
	for round := range 60 {
		e := c.kept(s, "k", data, sized(n))
		if round%2 == 0 {
			_ = s.Delete(background, "k")
		}
		var taken atomic.Int64
		wait := c.beside(func() {
			for taken.Load() < int64(round*n/60) {
				c.yield()
			}
			err := e.Close()
			c.that(err == nil, err, nil, "Close beside a read")
			c.churn(s, 2, n)
		})
		var got []byte
		var err error
		from, ok := e.(io.WriterTo)
		if ok && round%4 < 2 {
			_, err = from.WriteTo(writeFunc(func(p []byte) (int, error) {
				got = append(got, p...)
				taken.Store(int64(len(got)))
				yieldNow()
				return len(p), nil
			}))
		} else {
			for buf := make([]byte, 3000); err == nil; c.yield() {
				var k int
				k, err = e.Read(buf)
				got = append(got, buf[:k]...)
				taken.Store(int64(len(got)))
			}
		}
		taken.Store(int64(n))
		wait()
		c.that(err == nil || err == io.EOF || errors.Is(err, store.ErrClosed), err, "the end, or ErrClosed", "a read beside Close")
		c.that(bytes.HasPrefix(data, got), fmt.Sprintf("%d bytes, some of them wrong", len(got)), "bytes of the entry", "a read beside Close")
		if err == nil || err == io.EOF {
			c.equal(got, data, "a read beside Close that came to the end")
		}
	}
}
