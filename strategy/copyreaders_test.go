package strategy_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"math"
	"net"
	"os"
	"strings"
	"testing/iotest"
)

var errPlanted = errors.New("planted")

// plainReader and plainWriter have one method, whatever is inside.
type plainReader struct{ r io.Reader }

func (p plainReader) Read(b []byte) (int, error) { return p.r.Read(b) }

type plainWriter struct{ w io.Writer }

func (p plainWriter) Write(b []byte) (int, error) { return p.w.Write(b) }

// drip gives at most n bytes at a time, so that nothing depends on the buffer.
type drip struct {
	r io.Reader
	n int
}

func (d drip) Read(p []byte) (int, error) { return d.r.Read(p[:min(len(p), d.n)]) }

// lenReader says how much it has, and is wrong by off.
type lenReader struct {
	drip
	left *bytes.Reader
	off  int
}

func (l lenReader) Len() int { return l.left.Len() + l.off }

// stalling brings nothing for a while before each end of file.
type stalling struct {
	r     io.Reader
	empty int
}

func (s *stalling) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if err == io.EOF && s.empty > 0 {
		s.empty--
		return 0, nil
	}
	return n, err
}

// source is a reader and what is left of it.
type source struct {
	io.Reader
	rest   io.Reader // nil: the reader itself
	stream bool      // how much a Read brings is the kernel's to decide
	parts  bool      // has parts that would rather be asked to write
}

// readers are what io.Copy treats differently, made of the same bytes. Those with
// a size of their own drip, so that it makes no difference how much is read at once.
var readers = map[string]func(r *rig, b []byte) source{
	"plain":    func(_ *rig, b []byte) source { return source{Reader: plainReader{bytes.NewReader(b)}} },
	"drip":     func(_ *rig, b []byte) source { return source{Reader: drip{bytes.NewReader(b), 4999}} },
	"bytes":    func(_ *rig, b []byte) source { return source{Reader: bytes.NewReader(b)} },
	"buffer":   func(_ *rig, b []byte) source { return source{Reader: bytes.NewBuffer(bytes.Clone(b))} },
	"strings":  func(_ *rig, b []byte) source { return source{Reader: strings.NewReader(string(b))} },
	"dataErr":  func(_ *rig, b []byte) source { return source{Reader: iotest.DataErrReader(bytes.NewReader(b))} },
	"stalling": func(_ *rig, b []byte) source { return source{Reader: &stalling{bytes.NewReader(b), 120}} },
	"section": func(_ *rig, b []byte) source {
		return source{Reader: io.NewSectionReader(bytes.NewReader(b), 0, int64(len(b)))}
	},
	"noCloser":  func(r *rig, b []byte) source { return source{Reader: io.NopCloser(r.file(b, os.O_RDONLY))} },
	"writerTo":  func(_ *rig, b []byte) source { return source{Reader: writerTo{bytes.NewReader(b)}} },
	"tee":       func(_ *rig, b []byte) source { return source{Reader: io.TeeReader(bytes.NewReader(b), io.Discard)} },
	"lenShort":  lenOff(-10),
	"lenLong":   lenOff(100_000),
	"lenAbsurd": lenOff(math.MinInt / 2),

	"fails":    func(_ *rig, b []byte) source { return source{Reader: &failing{bytes.NewReader(b), 0}} },
	"negative": func(_ *rig, b []byte) source { return source{Reader: &failing{bytes.NewReader(b), -1}} },
	"timeout":  func(_ *rig, b []byte) source { return source{Reader: iotest.TimeoutReader(bytes.NewReader(b))} },

	"limited": func(_ *rig, b []byte) source {
		all := drip{bytes.NewReader(b), 999}
		return source{Reader: io.LimitReader(all, int64(len(b)*2/3)), rest: all}
	},
	"limitedLittle": func(_ *rig, b []byte) source {
		all := plainReader{bytes.NewReader(b)}
		return source{Reader: io.LimitReader(all, 5000), rest: all}
	},
	"limitedTwice": func(r *rig, b []byte) source {
		f := r.file(b, os.O_RDONLY)
		return source{Reader: io.LimitReader(io.LimitReader(f, int64(len(b)/2)), 30_000), rest: f}
	},
	"limitedFile": func(r *rig, b []byte) source {
		f := r.file(b, os.O_RDONLY)
		return source{Reader: io.LimitReader(f, int64(min(len(b)*2/3, 30_000))), rest: f}
	},

	"multi": func(_ *rig, b []byte) source {
		return source{Reader: io.MultiReader(plainReader{bytes.NewReader(b[:len(b)/2])}, plainReader{bytes.NewReader(b[len(b)/2:])})}
	},
	"multiFails": func(_ *rig, b []byte) source {
		return source{Reader: io.MultiReader(plainReader{bytes.NewReader(b)}, iotest.ErrReader(errPlanted))}
	},
	"multiStrings": func(_ *rig, b []byte) source {
		return source{Reader: io.MultiReader(strings.NewReader(string(b[:len(b)/2])), strings.NewReader(string(b[len(b)/2:]))), parts: true}
	},
	"multiFile": func(r *rig, b []byte) source {
		return source{Reader: io.MultiReader(plainReader{bytes.NewReader(b[:len(b)/2])}, r.file(b[len(b)/2:], os.O_RDONLY))}
	},

	"bufio":      func(_ *rig, b []byte) source { return peeked(plainReader{bytes.NewReader(b)}) },
	"bufioFails": func(_ *rig, b []byte) source { return peeked(&failing{bytes.NewReader(b), 0}) },
	"bufioStall": func(_ *rig, b []byte) source { return peeked(&stalling{bytes.NewReader(b), 120}) },
	"bufioBytes": func(_ *rig, b []byte) source { return peeked(bytes.NewReader(b)) },
	"bufioFile":  func(r *rig, b []byte) source { return peeked(r.file(b, os.O_RDONLY)) },
	"bufioTCP":   func(r *rig, b []byte) source { s := peeked(r.from("tcp", b)); s.stream = true; return s },
	"bufioUnix":  func(r *rig, b []byte) source { s := peeked(r.from("unix", b)); s.stream = true; return s },

	"file":       func(r *rig, b []byte) source { return source{Reader: r.file(b, os.O_RDONLY)} },
	"closedFile": func(r *rig, b []byte) source { f := r.file(b, os.O_RDONLY); f.Close(); return source{Reader: f} },
	"nilFile":    func(*rig, []byte) source { return source{Reader: (*os.File)(nil)} },
	"writeOnly":  func(r *rig, b []byte) source { return source{Reader: r.file(b, os.O_WRONLY)} },
	"pipe":       func(r *rig, b []byte) source { return source{Reader: r.pipe(b), stream: true} },
	"ioPipe": func(_ *rig, b []byte) source {
		out, in := io.Pipe()
		go func() { in.Write(b); in.CloseWithError(errPlanted) }()
		return source{Reader: out, rest: strings.NewReader("")} // what is left blocks
	},
	"tcp":       func(r *rig, b []byte) source { return source{Reader: r.from("tcp", b), stream: true} },
	"tcpClosed": func(r *rig, b []byte) source { c := r.from("tcp", b); c.Close(); return source{Reader: c} },
	"tcpUnset":  func(*rig, []byte) source { return source{Reader: new(net.TCPConn)} },
	"unix":      func(r *rig, b []byte) source { return source{Reader: r.from("unix", b), stream: true} },
}

func lenOff(off int) func(*rig, []byte) source {
	return func(_ *rig, b []byte) source {
		all := bytes.NewReader(b)
		return source{Reader: lenReader{drip{all, 3000}, all, off}}
	}
}

// peeked has read ahead, as one who looked at a header has.
func peeked(r io.Reader) source {
	b := bufio.NewReaderSize(r, 512)
	b.Peek(1)
	return source{Reader: b}
}

// failing returns an error instead of an end, with an odd count.
type failing struct {
	r io.Reader
	n int
}

func (f *failing) Read(p []byte) (int, error) {
	n, err := f.r.Read(p)
	if err == io.EOF {
		return f.n, errPlanted
	}
	return n, err
}

// writerTo stops after three bytes with an error of its own.
type writerTo struct{ io.Reader }

func (f writerTo) WriteTo(w io.Writer) (int64, error) {
	if n, err := io.CopyN(w, f.Reader, 3); err != nil {
		return n, err
	}
	return 3, errPlanted
}
