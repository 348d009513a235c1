package conformance

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"sync"
)

// The errors that the suite's own streams fail with: they must come out as they are.
var (
	errSource = errors.New("conformance: the source failed")
	errSink   = errors.New("conformance: the destination failed")
)

const megabyte = 1<<20 + 1

var stream = sync.OnceValue(func() []byte {
	r := rand.New(rand.NewPCG(1, 2))
	data := make([]byte, megabyte)
	for i := range data {
		data[i] = byte(r.Uint32()) | 1 // never zero, so that fresh memory is not taken for it
	}
	return data
})

// payload is the first n bytes of a stream that no rule writes to.
func payload(n int) []byte { return stream()[:n:n] }

// onlyReader reads data and has no method but Read.
type onlyReader struct {
	data   []byte
	before func(p []byte) // nil, or called first in every Read
	at     int            // bytes read so far
}

func (r *onlyReader) Read(p []byte) (int, error) {
	if r.before != nil {
		r.before(p)
	}
	if len(p) == 0 {
		return 0, nil
	}
	if r.at == len(r.data) {
		return 0, io.EOF
	}
	n := copy(p, r.data[r.at:])
	r.at += n
	return n, nil
}

// onlyWriter collects, and has no method but Write.
type onlyWriter struct {
	got    []byte
	before func(p []byte) // nil, or called first in every Write
}

func (w *onlyWriter) Write(p []byte) (int, error) {
	if w.before != nil {
		w.before(p)
	}
	w.got = append(w.got, p...)
	return len(p), nil
}

// probe stands before a reader and hides all its methods but Read. It notes the
// lengths that it is read with, and can be told to see the same ones again: only
// then do two copies with buffers of different lengths compare to the letter.
type probe struct {
	r      io.Reader
	limits []int // lengths for the first Reads; none: as they come
	seen   []int
	taken  int // bytes that Reads returned
}

func (p *probe) Read(b []byte) (int, error) {
	if i := len(p.seen); i < len(p.limits) && p.limits[i] < len(b) {
		b = b[:p.limits[i]]
	}
	p.seen = append(p.seen, len(b))
	n, err := p.r.Read(b)
	if n > 0 {
		p.taken += n
	}
	return n, err
}

// failAfter accepts n bytes in all, then ends as end says.
type failAfter struct {
	n   int
	err error
	got []byte
}

func (w *failAfter) Write(p []byte) (int, error) {
	if room := w.n - len(w.got); len(p) > room {
		w.got = append(w.got, p[:room]...)
		return room, w.err // a short write where err is nil
	}
	w.got = append(w.got, p...)
	return len(p), nil
}

// lyingWriter reports a count that cannot be.
type lyingWriter struct {
	count func(p []byte) int
	err   error
}

func (w *lyingWriter) Write(p []byte) (int, error) { return w.count(p), w.err }

// pauses returns nothing and no error on every second Read.
type pauses struct {
	r     io.Reader
	calls int
}

func (p *pauses) Read(b []byte) (int, error) {
	if p.calls++; p.calls%2 == 1 {
		return 0, nil
	}
	return p.r.Read(b)
}

// writesItself is an io.WriterTo that stops after n bytes, with err.
type writesItself struct {
	onlyReader
	n   int
	err error
}

func (s *writesItself) WriteTo(w io.Writer) (int64, error) {
	n, err := w.Write(s.data[s.at:min(s.n, len(s.data))])
	s.at += n
	if err == nil {
		err = s.err
	}
	return int64(n), err
}

// readsItself is an io.ReaderFrom that stops after n bytes, with err.
type readsItself struct {
	onlyWriter
	n   int
	err error
}

func (d *readsItself) ReadFrom(r io.Reader) (int64, error) {
	b := bytes.NewBuffer(d.got)
	n, err := b.ReadFrom(io.LimitReader(r, int64(d.n)))
	d.got = b.Bytes()
	if err == nil {
		err = d.err
	}
	return n, err
}

// maskReader and maskWriter hide all methods but one.
type maskReader struct{ io.Reader }
type maskWriter struct{ io.Writer }
