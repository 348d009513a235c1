package strategy_test

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"os"
)

// destination is a writer and what it holds in the end.
type destination struct {
	io.Writer
	held func() []byte
}

var writers = map[string]func(r *rig) destination{
	"plain":      into(func(w io.Writer) io.Writer { return plainWriter{w} }),
	"buffer":     into(func(w io.Writer) io.Writer { return w }),
	"discard":    into(func(io.Writer) io.Writer { return io.Discard }),
	"short":      into(func(w io.Writer) io.Writer { return shortWriter{w} }),
	"failsAt0":   into(func(w io.Writer) io.Writer { return &failAfter{w, 0} }),
	"failsAt999": into(func(w io.Writer) io.Writer { return &failAfter{w, 999} }),
	"negative":   into(func(io.Writer) io.Writer { return countWriter(-1) }),
	"tooMany":    into(func(io.Writer) io.Writer { return countWriter(1 << 30) }),

	"readerFrom":      into(func(w io.Writer) io.Writer { return &readerFrom{w: w} }),
	"readerFromFails": into(func(w io.Writer) io.Writer { return &readerFrom{w: w, most: 3} }),
	"readerFromAsks":  into(func(w io.Writer) io.Writer { return &readerFrom{w: w, asks: true} }),
	"response":        into(func(w io.Writer) io.Writer { return &response{readerFrom{w: w}} }),
	"responseAsks":    into(func(w io.Writer) io.Writer { return &response{readerFrom{w: w, asks: true}} }),

	"bufio":      buffered(func(*rig) destination { return into(func(w io.Writer) io.Writer { return plainWriter{w} })(nil) }),
	"bufioFails": buffered(func(*rig) destination { return into(func(w io.Writer) io.Writer { return &failAfter{w, 999} })(nil) }),
	"bufioFile":  buffered(func(r *rig) destination { return fileTo(r, os.O_WRONLY) }),
	"bufioRead":  buffered(func(r *rig) destination { return fileTo(r, os.O_RDONLY) }),
	"bufioTCP":   buffered(func(r *rig) destination { return connTo(r, "tcp") }),

	"file":       func(r *rig) destination { return fileTo(r, os.O_WRONLY) },
	"append":     func(r *rig) destination { return fileTo(r, os.O_WRONLY|os.O_APPEND) },
	"readOnly":   func(r *rig) destination { return fileTo(r, os.O_RDONLY) },
	"closedFile": func(r *rig) destination { s := fileTo(r, os.O_WRONLY); s.Writer.(io.Closer).Close(); return s },
	"nilFile":    func(*rig) destination { return destination{(*os.File)(nil), none} },
	"pipe":       pipeTo,
	"tcp":        func(r *rig) destination { return connTo(r, "tcp") },
	"tcpClosed":  func(r *rig) destination { s := connTo(r, "tcp"); s.Writer.(io.Closer).Close(); return s },
	"tcpUnset":   func(*rig) destination { return destination{new(net.TCPConn), none} },
	"unix":       func(r *rig) destination { return connTo(r, "unix") },
	"middleware": func(r *rig) destination {
		s := connTo(r, "tcp")
		return destination{middleware{middleware{s.Writer}}, s.held}
	},
}

func none() []byte { return nil }

func into(wrap func(io.Writer) io.Writer) func(*rig) destination {
	return func(*rig) destination {
		b := new(bytes.Buffer)
		return destination{wrap(b), b.Bytes}
	}
}

// buffered has something in its buffer already, and 512 bytes of it.
func buffered(under func(*rig) destination) func(*rig) destination {
	return func(r *rig) destination {
		s := under(r)
		w := bufio.NewWriterSize(s.Writer, 512)
		w.WriteString("head")
		return destination{w, func() []byte { w.Flush(); return s.held() }}
	}
}

func fileTo(r *rig, flags int) destination {
	f := r.file(nil, flags)
	return destination{f, func() []byte { b, _ := os.ReadFile(f.Name()); return b }}
}

func pipeTo(r *rig) destination {
	out, in, err := os.Pipe()
	if err != nil {
		r.t.Fatal(err)
	}
	r.atEnd(out)
	all := drained(out)
	return destination{in, func() []byte { in.Close(); return all() }}
}

func connTo(r *rig, network string) destination {
	ours, theirs := r.conns(network)
	all := drained(theirs)
	return destination{ours, func() []byte { ours.Close(); return all() }}
}

// failAfter writes n bytes, then fails.
type failAfter struct {
	w io.Writer
	n int
}

func (f *failAfter) Write(p []byte) (int, error) {
	if len(p) > f.n {
		n, _ := f.w.Write(p[:f.n])
		f.n = 0
		return n, errPlanted
	}
	f.n -= len(p)
	return f.w.Write(p)
}

// shortWriter writes two thirds, at least one byte: a bufio.Reader would never
// end on one that wrote none.
type shortWriter struct{ w io.Writer }

func (s shortWriter) Write(p []byte) (int, error) { return s.w.Write(p[:len(p)-len(p)/3]) }

type countWriter int

func (c countWriter) Write([]byte) (int, error) { return int(c), nil }

// readerFrom reads by itself, in its own way, and may stop with its own error. One
// that asks prefers a source's WriteTo, and hands it itself.
type readerFrom struct {
	w    io.Writer
	most int64
	asks bool
}

func (f *readerFrom) Write(p []byte) (int, error) { return f.w.Write(p) }

func (f *readerFrom) ReadFrom(r io.Reader) (n int64, err error) {
	if wt, ok := r.(io.WriterTo); ok && f.asks {
		return wt.WriteTo(f)
	}
	buf := make([]byte, 777)
	for {
		m, err := r.Read(buf)
		if m > 0 {
			f.w.Write(buf[:m])
			n += int64(m)
		}
		if f.most > 0 && n >= f.most {
			return n, errPlanted
		}
		if err == io.EOF {
			return n, nil
		}
		if err != nil {
			return n, err
		}
	}
}

type response struct{ readerFrom }

func (*response) WriteHeader(int) {}

func (f *response) ReadFrom(r io.Reader) (int64, error) {
	if wt, ok := r.(io.WriterTo); ok && f.asks {
		return wt.WriteTo(f) // itself, not what it embeds
	}
	return f.readerFrom.ReadFrom(r)
}

// middleware is what many handlers wrap an http.ResponseWriter in.
type middleware struct{ io.Writer }

func (middleware) WriteHeader(int) {}

func (m middleware) ReadFrom(r io.Reader) (int64, error) { return io.Copy(m.Writer, r) }
