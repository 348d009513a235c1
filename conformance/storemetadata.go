package conformance

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/daramjwee/daramjwee/cache/store"
)

// metadataText prints all that tells two Metadata apart: instants, not zones.
func metadataText(m store.Metadata) string {
	var pairs []string
	for name, value := range m.Header.All() {
		pairs = append(pairs, name, value)
	}
	instant := func(t time.Time) string {
		if t.IsZero() {
			return "zero"
		}
		return fmt.Sprintf("%d.%09d", t.Unix(), t.Nanosecond())
	}
	return fmt.Sprintf("ETag %q, LastModified %s, StoredAt %s, TTL %d, StaleWhileRevalidate %d, StaleIfError %d, Size %d, Negative %t, Generation %d, Header %q",
		m.ETag, instant(m.LastModified), instant(m.StoredAt), m.TTL, m.StaleWhileRevalidate, m.StaleIfError, m.Size, m.Negative, m.Generation, pairs)
}

// sameMetadata compares all but Size, which is that of the body.
func (c *storeCheck) sameMetadata(got *store.Metadata, want store.Metadata, size int, where string, args ...any) {
	if got == nil {
		c.that(false, nil, "metadata", where, args...)
		return
	}
	want.Size = int64(size)
	now := *got
	now.Size = want.Size // metadata/size looks at it
	c.that(metadataText(now) == metadataText(want), metadataText(now), metadataText(want), where, args...)
}

// fullMetadata are values that one or another way to store them loses.
func fullMetadata() []store.Metadata {
	at := func(ns int) time.Time { return time.Date(2024, 2, 29, 23, 59, 59, ns, time.UTC) }
	return []store.Metadata{
		{},
		{ETag: `W/"a"`, LastModified: at(1), StoredAt: at(999_999_999), TTL: 1, StaleWhileRevalidate: 2, StaleIfError: 3, Negative: true, Generation: 4,
			Header: store.NewHeader("B", "1", "A", "2", "b", "3", "B", "1", "", "", "Empty", "")},
		{ETag: "\xff\x00<&>\u2028\\\"\n", TTL: -1, StaleWhileRevalidate: -1, StaleIfError: -1, Generation: math.MaxUint64,
			Header: store.NewHeader("\xfe", "\x80\x00", "한글", "é"), StoredAt: time.Now().In(time.FixedZone("east", 9*3600))},
		{TTL: math.MaxInt64, StaleWhileRevalidate: math.MinInt64, StaleIfError: math.MaxInt64, LastModified: time.Unix(0, 0), StoredAt: time.Unix(-1, 5)},
		{LastModified: time.Date(1, 1, 2, 3, 4, 5, 6, time.UTC), StoredAt: time.Date(12026, 1, 2, 3, 4, 5, 6, time.UTC), Header: store.NewHeader(manyPairs()...)},
	}
}

func manyPairs() (pairs []string) {
	for i := range 100 {
		pairs = append(pairs, fmt.Sprint("X-", i%7), fmt.Sprint("value ", i))
	}
	return pairs
}

func metadataKept(c *storeCheck) {
	s := c.fresh()
	for i, m := range fullMetadata() {
		for _, declared := range []bool{true, false} {
			body := bodyOf(uint64(i), 1000*i)
			m.Size = -1
			if declared {
				m.Size = int64(len(body))
			}
			e := c.kept(s, fmt.Sprint(i, declared), body, m)
			c.sameMetadata(e.Metadata(), m, len(body), "Metadata of an open entry")
			_ = e.Close()
		}
	}
}

func metadataSize(c *storeCheck) {
	s := c.fresh()
	for _, n := range []int{0, 1, 5000, medium, c.most()} {
		for _, m := range declaring(n) {
			e := c.kept(s, fmt.Sprint(n, m.Size), bodyOf(1, n), m)
			c.that(e.Size() == int64(n), e.Size(), n, "Size() of %d bytes, declared as %d", n, m.Size)
			c.that(e.Metadata().Size == int64(n), e.Metadata().Size, n, "Metadata().Size of %d bytes, declared as %d", n, m.Size)
			if m, err := s.Stat(background, fmt.Sprint(n, m.Size)); err == nil && m != nil {
				c.that(m.Size == int64(n), m.Size, n, "Size of Stat for %d bytes", n)
			}
			_ = e.Close()
		}
	}
}

func statAgrees(c *storeCheck) {
	s := c.fresh()
	agree := func(where string) {
		e := c.find(s, "k")
		m, err := s.Stat(background, "k")
		if e == nil {
			c.that(errors.Is(err, store.ErrNotFound), err, store.ErrNotFound, "Stat %s, when Open finds nothing", where)
			return
		}
		defer e.Close()
		if !c.that(err == nil && m != nil, err, "metadata", "Stat %s, when Open finds an entry", where) {
			return
		}
		c.that(metadataText(*m) == metadataText(*e.Metadata()), metadataText(*m), metadataText(*e.Metadata()), "Stat %s, against Open", where)
	}
	agree("of a key never stored")
	for i, m := range slices.Backward(fullMetadata()) {
		m.Size = -1
		_ = c.kept(s, "k", bodyOf(uint64(i), 100*i), m).Close()
		agree("after a Commit")
	}
	err := s.Delete(background, "k")
	c.that(err == nil, err, nil, "Delete")
	agree("after Delete")
}
