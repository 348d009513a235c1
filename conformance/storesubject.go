package conformance

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/daramjwee/daramjwee/cache/store"
)

// leastLimit is the least StoreOptions.MaxBytes: a body of medium bytes has to
// fit in many times.
const leastLimit = 1 << 20

// medium is the length of bodies that have to be long, but not how long.
const medium = 40_000

// patience is how often an entry is put again that a tier evicts at once. To
// evict is always legal.
const patience = 64

// storeCheck is a check of a tier's rule, with the means to open tiers.
type storeCheck struct {
	*check
	o      StoreOptions
	open   func() (store.Store, error)
	bodies bool        // entries are opened by OpenBody
	opener atomic.Bool // the tier is a store.BodyOpener
}

// check runs the rule, and on a store.BodyOpener that it finds nothing wrong with once
// more, on its bodies.
func (r *storeRule) check(open func() (store.Store, error), o StoreOptions) (found []*Violation, absent string) {
	for _, bodies := range []bool{false, true} {
		c := &storeCheck{check: &check{rule: r.Rule, mend: r.mend}, o: o, open: open, bodies: bodies}
		found = c.run(func() { r.run(c) }, o.common().timeout())
		c.mu.Lock()
		absent = c.absent
		c.mu.Unlock()
		if bodies {
			for _, v := range found {
				v.Where = strings.TrimPrefix(v.Where+", by OpenBody", ", ")
			}
		}
		if len(found) > 0 || !c.opener.Load() {
			break
		}
	}
	return found, absent
}

var background = context.Background()

// unsized is the metadata of a body whose size is not declared.
var unsized = store.Metadata{Size: -1}

// sized declares a size.
func sized(n int) store.Metadata { return store.Metadata{Size: int64(n)} }

// declaring is both ways to stage a body of n bytes.
func declaring(n int) []store.Metadata { return []store.Metadata{unsized, sized(n)} }

// bodyOf is n bytes of which no eight in a row are those of another seed, or of
// another place. None is zero, so that fresh memory is not taken for it.
func bodyOf(seed uint64, n int) []byte {
	b := make([]byte, 0, n+8)
	for x := seed << 32; len(b) < n; x++ {
		z := (x + 1) * 0x9e3779b97f4a7c15
		z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
		b = binary.LittleEndian.AppendUint64(b, (z^z>>27)|0x0101010101010101)
	}
	return b[:n:n]
}

// fresh opens an empty tier that is closed when the rule is over.
func (c *storeCheck) fresh() store.Store { return c.opened(c.open()) }

func (c *storeCheck) opened(s store.Store, err error) store.Store {
	if err != nil || s == nil {
		c.must(false, []any{s, err}, "a tier and no error", "opening it")
	}
	c.cleanup(func() { _ = s.Close() })
	return s
}

// most is the length of the largest body that the suite stores.
func (c *storeCheck) most() int {
	if c.o.MaxBytes > 0 {
		return int(min(c.o.MaxBytes/16, megabyte))
	}
	return megabyte
}

// create stages an entry that is aborted when the rule is over.
func (c *storeCheck) create(s store.Store, key string, m store.Metadata) store.Writer {
	w, err := s.Create(background, key, m)
	if err != nil || w == nil {
		c.must(false, []any{w, err}, "a writer and no error", "Create(%s, Size: %d)", keyText(key), m.Size)
	}
	c.cleanup(func() { _ = w.Abort() })
	return w
}

// write appends data in chunks.
func (c *storeCheck) write(w io.Writer, data []byte, chunk int) {
	for at := 0; at < len(data); at += chunk {
		end := min(at+chunk, len(data))
		if _, err := w.Write(data[at:end:end]); err != nil {
			c.must(false, err, nil, "Write of bytes %d to %d", at, end)
		}
	}
}

func (c *storeCheck) commit(w store.Writer) {
	if err := w.Commit(background); err != nil {
		c.must(false, err, nil, "Commit")
	}
}

// put stores an entry; whether the tier keeps it is its own matter.
func (c *storeCheck) put(s store.Store, key string, data []byte, m store.Metadata) {
	w, err := s.Create(background, key, m)
	if err != nil || w == nil {
		c.must(false, []any{w, err}, "a writer and no error", "Create(%s, Size: %d)", keyText(key), m.Size)
	}
	c.write(w, data, max(1, len(data)))
	c.commit(w)
}

// find opens the entry of a key, or returns nil when there is none.
func (c *storeCheck) find(s store.Store, key string) store.Entry {
	e, err := c.openEntry(background, s, key)
	switch {
	case err == nil && e != nil:
		return e
	case !errors.Is(err, store.ErrNotFound):
		c.must(false, []any{e, err}, "an entry, or ErrNotFound", "Open(%s)", keyText(key))
	}
	return nil
}

// kept puts an entry until the tier has it, and opens it.
func (c *storeCheck) kept(s store.Store, key string, data []byte, m store.Metadata) store.Entry {
	for range patience {
		c.put(s, key, data, m)
		if e := c.find(s, key); e != nil {
			c.cleanup(func() { _ = e.Close() })
			return e
		}
	}
	c.must(false, "ErrNotFound, each time", "an entry", "Open(%s) after each of %d Commits", keyText(key), patience)
	return nil
}

// value reads the entry of a key whole, if there is one.
func (c *storeCheck) value(s store.Store, key string) (data []byte, m *store.Metadata, found bool) {
	e := c.find(s, key)
	if e == nil {
		return nil, nil, false
	}
	defer e.Close()
	return c.read(e, "Read of the entry "+keyText(key)), e.Metadata(), true
}

// read reads to the end.
func (c *storeCheck) read(r io.Reader, where string) []byte {
	data, err := io.ReadAll(maskReader{r})
	if err != nil {
		c.must(false, err, nil, "%s, after %d bytes", where, len(data))
	}
	return data
}

// equal compares bodies.
func (c *storeCheck) equal(got, want []byte, where string, args ...any) bool {
	if bytes.Equal(got, want) {
		c.count(1)
		return true
	}
	at := 0
	for at < min(len(got), len(want)) && got[at] == want[at] {
		at++
	}
	return c.that(false, fmt.Sprintf("%d bytes, other from byte %d on", len(got), at), fmt.Sprintf("the %d bytes that were written", len(want)), where, args...)
}

// holds asserts on the body of a key, if the tier has one.
func (c *storeCheck) holds(s store.Store, key string, want []byte, where string, args ...any) (found bool) {
	data, _, found := c.value(s, key)
	if found {
		c.equal(data, want, where, args...)
	}
	return found
}

// gone asserts that a key has no entry.
func (c *storeCheck) gone(s store.Store, key, where string) {
	e, err := c.openEntry(background, s, key)
	if e != nil {
		_ = e.Close()
	}
	c.that(errors.Is(err, store.ErrNotFound), err, store.ErrNotFound, "Open %s", where)
}

// beside runs f on a goroutine of its own. wait waits for its end.
func (c *storeCheck) beside(f func()) (wait func()) {
	var wg sync.WaitGroup
	wg.Go(func() { c.guard(f) })
	return wg.Wait
}

// promptly runs a call that is to wait for nobody, and ends the rule if it does.
func (c *storeCheck) promptly(name string, call func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.guard(call)
	}()
	late := time.NewTimer(c.o.common().timeout() / 4)
	defer late.Stop()
	select {
	case <-done:
		c.count(1)
	case <-late.C:
		c.must(false, "still waiting after "+(c.o.common().timeout()/4).String(), "a return", "%s, while a reader stands still and a writer is not done", name)
	}
}

// keyText prints a key, of any length.
func keyText(key string) string {
	if len(key) > 40 {
		return fmt.Sprintf("%.40q… of %d bytes", key, len(key))
	}
	return fmt.Sprintf("%q", key)
}
