package conformance

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"testing/iotest"

	"github.com/daramjwee/daramjwee/cache/store"
)

func openMissing(c *storeCheck) {
	s := c.fresh()
	missing := func(key, where string) {
		e, err := c.openEntry(background, s, key)
		if e != nil && err == nil {
			_ = e.Close()
		}
		c.that(errors.Is(err, store.ErrNotFound), err, store.ErrNotFound, "Open(%q) of %s", key, where)
		_, err = s.Stat(background, key)
		c.that(errors.Is(err, store.ErrNotFound), err, store.ErrNotFound, "Stat(%q) of %s", key, where)
	}
	missing("k", "an empty tier")
	missing("", "an empty tier")
	c.put(s, "key", bodyOf(1, 100), unsized)
	missing("k", "a tier with another key")
	missing("key2", "a tier with another key")
}

func readEqual(c *storeCheck) {
	s := c.fresh()
	for i, n := range []int{0, 1, 1000, 4096, medium, 70_000, c.most()} {
		data := bodyOf(uint64(i), n)
		key := fmt.Sprint(n)
		if n < 100_000 { // its messages print the body
			e := c.kept(s, key, data, unsized)
			err := iotest.TestReader(readable(e), data)
			c.that(err == nil, fmt.Sprintf("%.200v", err), nil, "iotest.TestReader of an entry of %d bytes", n)
			_ = e.Close()
		}
		for _, size := range []int{1, 7, 4095, 100_000, n, n + 1} {
			if size == 0 || n/size > 5000 {
				continue
			}
			e := c.kept(s, key, data, unsized)
			var got []byte
			var err error
			for buf, idle := make([]byte, size), 0; err == nil && idle < 100; idle++ {
				var k int
				if k, err = e.Read(buf); k < 0 || k > size {
					c.must(false, k, size, "count of a Read of %d bytes", size)
				}
				if k > 0 {
					idle = 0
				}
				got = append(got, buf[:k]...)
			}
			c.equal(got, data, "Reads of %d bytes from an entry of %d", size, n)
			c.that(err == io.EOF, err, io.EOF, "the last Read of %d bytes from an entry of %d", size, n)
			_ = e.Close()
		}
	}
}

// readable hides what TestReader would hold a tier to beyond the contract, and
// what has rules of its own.
func readable(e store.Entry) io.Reader { return struct{ io.Reader }{e} }

func readApart(c *storeCheck) {
	s := c.fresh()
	data := bodyOf(1, medium)
	entries := []store.Entry{c.kept(s, "k", data, unsized)}
	for range 3 {
		if e := c.find(s, "k"); e != nil {
			c.cleanup(func() { _ = e.Close() })
			entries = append(entries, e)
		}
	}
	got := make([][]byte, len(entries))
	for at := 0; at < medium; at += 1000 { // in turn
		for i, e := range entries {
			buf := make([]byte, 1000)
			n, err := io.ReadFull(maskReader{e}, buf)
			if err != nil {
				c.must(false, err, nil, "Read of open entry %d of %d of one key, from byte %d on", i, len(entries), at)
			}
			got[i] = append(got[i], buf[:n]...)
		}
	}
	for i := range entries {
		c.equal(got[i], data, "open entry %d of %d of one key, read in turn", i, len(entries))
	}
	c.parallel(4, func(int) {
		for range 20 {
			c.holds(s, "k", data, "one entry, read by four at once")
		}
	})
}

func readAt(c *storeCheck) {
	s := c.fresh()
	for i, n := range []int{0, 1, 5000, min(300_000, c.most())} {
		data := bodyOf(uint64(i), n)
		e := c.kept(s, fmt.Sprint(n), data, unsized)
		r, ok := e.(io.ReaderAt)
		if !ok {
			c.lacks("io.ReaderAt on its entries")
		}
		half, err := io.ReadFull(maskReader{e}, make([]byte, n/2))
		c.that(half == n/2 && err == nil, []any{half, err}, n/2, "Read of the first half of %d bytes", n)
		c.parallel(4, func(g int) {
			for _, size := range []int{0, 1, 100, 4096, n/2 + 1, n, n + 10} {
				for _, off := range []int{0, 1, g * n / 4, n / 2, n - 1, n - size, n, n + 1} {
					if off < 0 {
						continue
					}
					c.readsAt(r, data, size, int64(off), "entry")
				}
				c.readsAt(r, data, size, 1<<40, "entry")
			}
		})
		k, err := r.ReadAt(make([]byte, 1), -1)
		c.that(k == 0 && err != nil && err != io.EOF, []any{k, err}, "0 and an error that is not io.EOF", "ReadAt of an entry at offset -1")
		c.equal(c.read(e, "Read after ReadAt"), data[half:], "the second half of %d bytes, after ReadAt", n)
		_ = e.Close()
	}
}

// readsAt compares one ReadAt with what io.ReaderAt says of data.
func (c *storeCheck) readsAt(r io.ReaderAt, data []byte, size int, off int64, what string) {
	p := make([]byte, size)
	n, err := r.ReadAt(p, off)
	end, all := off+int64(size), int64(len(data))
	want := data[min(off, all):min(end, all)]
	ok := n == len(want) && bytes.Equal(p[:max(0, min(n, size))], want)
	switch {
	case n < size:
		ok = ok && err == io.EOF
	case end >= all:
		ok = ok && (err == nil || err == io.EOF)
	default:
		ok = ok && err == nil
	}
	if !ok {
		c.that(false, []any{n, err}, []any{len(want), "these bytes, io.EOF where they end"}, "ReadAt of %d bytes at %d from the %s of %d", size, off, what, len(data))
	}
	c.count(1)
}

func writeToEqual(c *storeCheck) {
	s := c.fresh()
	for i, n := range []int{0, 1, 5000, 70_000, c.most()} {
		data := bodyOf(uint64(i), n)
		for _, first := range []int{0, 1, n / 2, n} {
			if first > n {
				continue
			}
			e := c.kept(s, fmt.Sprint(n), data, unsized)
			from, ok := e.(io.WriterTo)
			if !ok {
				c.lacks("io.WriterTo on its entries")
			}
			if _, err := io.ReadFull(maskReader{e}, make([]byte, first)); err != nil {
				c.must(false, err, nil, "Read of the first %d of %d bytes", first, n)
			}
			for _, want := range [][]byte{data[first:], nil} {
				w := &onlyWriter{}
				k, err := from.WriteTo(w)
				c.that(k == int64(len(want)) && err == nil, []any{k, err}, []any{len(want), nil}, "WriteTo of %d bytes, %d of them read before", n, first)
				c.equal(w.got, want, "WriteTo of %d bytes, %d of them read before", n, first)
			}
			k, err := e.Read(make([]byte, 1))
			c.that(k == 0 && err == io.EOF, []any{k, err}, []any{0, io.EOF}, "Read after WriteTo")
			_ = e.Close()
		}
	}
}

// stubborn are destinations that do not take everything, and the errors that
// have to come of it; nil is any.
func stubborn() map[string]struct {
	w    io.Writer
	want error
} {
	type bad = struct {
		w    io.Writer
		want error
	}
	return map[string]bad{
		"fails at once":         {&failAfter{n: 0, err: errSink}, errSink},
		"fails after 700 bytes": {&failAfter{n: 700, err: errSink}, errSink},
		"takes 700 bytes":       {&failAfter{n: 700}, io.ErrShortWrite},
		"counts too many":       {&lyingWriter{count: func(p []byte) int { return len(p) + 1 }}, nil},
		"counts less than none": {&lyingWriter{count: func([]byte) int { return -1 }}, nil},
	}
}

func writeToFaults(c *storeCheck) {
	s := c.fresh()
	data := bodyOf(1, min(200_000, c.most()))
	open := func() (store.Entry, io.WriterTo) {
		e := c.kept(s, "k", data, unsized)
		from, ok := e.(io.WriterTo)
		if !ok {
			c.lacks("io.WriterTo on its entries")
		}
		return e, from
	}
	for name, bad := range stubborn() {
		e, from := open()
		n, err := from.WriteTo(bad.w)
		c.that(err != nil && (bad.want == nil || errors.Is(err, bad.want)), err, bad.want, "WriteTo a destination that %s", name)
		if w, ok := bad.w.(*failAfter); ok {
			c.that(n == int64(len(w.got)), n, len(w.got), "count of WriteTo a destination that %s", name)
			c.equal(w.got, data[:len(w.got)], "what a destination took that %s", name)
		}
		c.usable(s, e, data, "WriteTo a destination that "+name)
	}
	e, from := open()
	panicked := ending(func() { _, _ = from.WriteTo(writeFunc(func([]byte) (int, error) { panic(errSink) })) }).panicked
	c.that(panicked == errSink, panicked, errSink, "panic of WriteTo a destination that panics")
	c.usable(s, e, data, "WriteTo a destination that panics")
}

// usable wants an entry to go on with some rest of its body, and the tier to be
// as it was.
func (c *storeCheck) usable(s store.Store, e store.Entry, data []byte, where string) {
	rest := c.read(e, "Read after "+where)
	c.that(bytes.HasSuffix(data, rest), fmt.Sprintf("%d other bytes", len(rest)), "the rest of the body", "Read after %s", where)
	c.promptly("Close of the entry after "+where, func() {
		err := e.Close()
		c.that(err == nil, err, nil, "Close after %s", where)
	})
	c.promptly("a read after "+where, func() { c.holds(s, "k", data, "body after %s", where) })
}
