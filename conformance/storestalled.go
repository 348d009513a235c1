package conformance

import (
	"bytes"
	"io"
	"runtime"
	"sync"

	"github.com/daramjwee/daramjwee/cache/store"
)

func yieldNow() { runtime.Gosched() }

// standing is a reader that stands still within WriteTo. An entry without
// io.WriterTo is read to the half instead.
type standing struct {
	release func() // lets it go on and waits for its end
	got     []byte // the following 2 after release
	err     error
}

func (c *storeCheck) stall(e store.Entry, n int) *standing {
	r := &standing{}
	from, ok := e.(io.WriterTo)
	if !ok {
		r.got = make([]byte, n/2)
		if _, err := io.ReadFull(maskReader{e}, r.got); err != nil {
			c.must(false, err, nil, "Read")
		}
		r.release = sync.OnceFunc(func() {
			var rest []byte
			rest, r.err = io.ReadAll(maskReader{e})
			r.got = append(r.got, rest...)
		})
		return r
	}
	inside, free := make(chan struct{}), make(chan struct{})
	begun := sync.OnceFunc(func() { close(inside) })
	wait := c.beside(func() {
		defer begun()
		_, r.err = from.WriteTo(writeFunc(func(p []byte) (int, error) {
			begun()
			<-free
			r.got = append(r.got, p...)
			return len(p), nil
		}))
	})
	<-inside
	r.release = sync.OnceFunc(func() { close(free); wait() })
	c.cleanup(r.release)
	return r
}

// ends lets the reader go on to the end of its body.
func (c *storeCheck) ends(r *standing, data []byte, where string) {
	r.release()
	c.that(r.err == nil, r.err, nil, "a reader that stood still, %s", where)
	c.equal(r.got, data, "a reader that stood still, %s", where)
}

func stalledDelete(c *storeCheck) {
	s := c.fresh()
	n := min(200_000, c.most())
	data := bodyOf(1, n)
	r := c.stall(c.kept(s, "k", data, sized(n)), n)
	w := c.create(s, "k", unsized)
	c.write(w, bodyOf(2, 1000), 1000)
	c.promptly("Delete", func() {
		err := s.Delete(background, "k")
		c.that(err == nil, err, nil, "Delete")
		c.gone(s, "k", "after Delete")
	})
	c.ends(r, data, "after Delete")
	_ = w.Abort()
}

func stalledCalls(c *storeCheck) {
	s := c.fresh()
	n := min(200_000, c.most())
	data := bodyOf(1, n)
	r := c.stall(c.kept(s, "k", data, store.Metadata{Size: int64(n), Generation: 1}), n)
	w := c.create(s, "k", unsized)
	c.write(w, bodyOf(2, 1000), 1000)
	c.promptly("Stat", func() { _, _ = s.Stat(background, "k") })
	c.promptly("Open and Read", func() { c.holds(s, "k", data, "body beside a reader that stands still") })
	if u, ok := s.(store.MetadataUpdater); ok {
		c.promptly("UpdateMetadata", func() { _ = u.UpdateMetadata(background, "k", 1, store.Metadata{Generation: 2}) })
	}
	if l, ok := s.(store.Lister); ok {
		c.promptly("List", func() {
			for range l.List() {
			}
		})
	}
	c.promptly("Create, Write and Commit of the same key", func() { c.put(s, "k", bodyOf(3, 1000), unsized) })
	c.promptly("Create, Write and Commit of another key", func() { c.put(s, "other", bodyOf(4, 1000), unsized) })
	c.promptly("Delete of another key", func() { _ = s.Delete(background, "other") })
	c.promptly("Close of the tier", func() { _ = s.Close() })
	c.ends(r, data, "after all the calls")
}

func stalledClose(c *storeCheck) {
	s := c.fresh()
	n := min(200_000, c.most())
	data := bodyOf(1, n)
	e := c.kept(s, "k", data, sized(n))
	if _, ok := e.(io.WriterTo); !ok {
		c.lacks("io.WriterTo on its entries")
	}
	_ = s.Delete(background, "k") // so that the reader alone holds it
	r := c.stall(e, n)
	c.promptly("Close of the entry", func() {
		err := e.Close()
		c.that(err == nil, err, nil, "Close of an entry within WriteTo")
	})
	c.churn(s, 8, n)
	r.release()
	c.that(bytes.HasPrefix(data, r.got), "other bytes", "bytes of the entry", "WriteTo, closed while it stood still")
	if r.err == nil {
		c.equal(r.got, data, "WriteTo, closed while it stood still, that came to the end")
	}
	k, err := e.Read(make([]byte, 1))
	c.that(k == 0 && err != nil, []any{k, err}, []any{0, store.ErrClosed}, "Read after Close")
}
