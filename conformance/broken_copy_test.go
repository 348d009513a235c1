package conformance

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/daramjwee/daramjwee/strategy"
)

func brokenCopies() []broken {
	copying := func(cp func(l *liar, dst io.Writer, src io.Reader) (int64, error)) strategy.Factory {
		return bent(func(l *liar) {
			l.copy = func(dst io.Writer, src io.Reader) (int64, error) { return cp(l, dst, src) }
		})
	}
	// masked hides src behind a Read of the liar's.
	masked := func(read func(src io.Reader, p []byte) (int, error)) strategy.Factory {
		return copying(func(l *liar, dst io.Writer, src io.Reader) (int64, error) {
			return l.DefaultBufferPool.CopyBuffer(dst, readFunc(func(p []byte) (int, error) { return read(src, p) }))
		})
	}
	return []broken{
		{"counts in 20 bits", "copy/equal", copying(func(l *liar, dst io.Writer, src io.Reader) (int64, error) {
			n, err := l.DefaultBufferPool.CopyBuffer(dst, src)
			return n & (1<<20 - 1), err
		}), honest},
		{"counts in 20 bits what goes to a descriptor", "copy/equal", copying(func(l *liar, dst io.Writer, src io.Reader) (int64, error) {
			n, err := l.DefaultBufferPool.CopyBuffer(dst, src)
			if _, ok := dst.(syscall.Conn); ok {
				n &= 1<<20 - 1
			}
			return n, err
		}), honest},
		{"drops data that comes with EOF", "copy/equal copy/errors", masked(func(src io.Reader, p []byte) (int, error) {
			n, err := src.Read(p)
			if err != nil {
				n = 0
			}
			return n, err
		}), honest},
		{"wraps the reader's error", "copy/errors", copying(func(l *liar, dst io.Writer, src io.Reader) (int64, error) {
			n, err := l.DefaultBufferPool.CopyBuffer(dst, src)
			if err == errSource {
				err = fmt.Errorf("copy: %w", err)
			}
			return n, err
		}), honest},
		{"says nothing of a short write", "copy/errors", copying(func(l *liar, dst io.Writer, src io.Reader) (int64, error) {
			n, err := l.DefaultBufferPool.CopyBuffer(dst, src)
			if err == io.ErrShortWrite {
				err = nil
			}
			return n, err
		}), honest},
		{"reads on after a write error", "copy/position", copying(func(l *liar, dst io.Writer, src io.Reader) (int64, error) {
			n, err := l.DefaultBufferPool.CopyBuffer(dst, src)
			if err == errSink {
				_, _ = src.Read(make([]byte, 1))
			}
			return n, err
		}), honest},
		{"believes every count of the writer", "copy/lying", copying(func(l *liar, dst io.Writer, src io.Reader) (int64, error) {
			return l.DefaultBufferPool.CopyBuffer(writeFunc(func(p []byte) (int, error) {
				n, err := dst.Write(p)
				return min(n, len(p)), err
			}), src)
		}), honest},
		{"panics when a reader counts below zero", "copy/lying", masked(func(src io.Reader, p []byte) (int, error) {
			n, err := src.Read(p)
			if n < 0 {
				panic(errors.New("negative count"))
			}
			return n, err
		}), honest},
		{"cuts the reader's count to the buffer", "copy/private", masked(func(src io.Reader, p []byte) (int, error) {
			n, err := src.Read(p)
			return min(n, len(p)), err
		}), honest},
		{"reads into all but the last byte", "copy/buffer", masked(func(src io.Reader, p []byte) (int, error) {
			part := p[:max(1, len(p)-1)]
			n, err := src.Read(part)
			if n > len(part) {
				panic(errors.New("impossible count"))
			}
			return n, err
		}), honest},
		{"loses its buffer to a panic", "copy/counts", copying(func(l *liar, dst io.Writer, src io.Reader) (int64, error) {
			return loop(l, l.Get(0), dst, src)
		}), honest},
		{"puts its buffer twice", "copy/counts stats/calls stats/load model", copying(func(l *liar, dst io.Writer, src io.Reader) (int64, error) {
			n, err := l.DefaultBufferPool.CopyBuffer(dst, src)
			l.Put(make([]byte, 1))
			return n, err
		}), honest},
		{"turns a panic into an error", "copy/panics", copying(func(l *liar, dst io.Writer, src io.Reader) (n int64, err error) {
			defer func() {
				if v := recover(); v != nil {
					err = fmt.Errorf("copy: %v", v)
				}
			}()
			return l.DefaultBufferPool.CopyBuffer(dst, src)
		}), honest},
		{"lends the buffer in use to its own caller", "copy/reentrant", bent(func(l *liar) {
			var running atomic.Int64
			var mu sync.Mutex
			inUse := make(map[int][]byte) // by goroutine
			l.copy = func(dst io.Writer, src io.Reader) (int64, error) {
				me := goroutine()
				running.Add(1)
				defer func() {
					running.Add(-1)
					mu.Lock()
					delete(inUse, me)
					mu.Unlock()
				}()
				return l.DefaultBufferPool.CopyBuffer(dst, readFunc(func(p []byte) (int, error) {
					mu.Lock()
					inUse[me] = p
					mu.Unlock()
					return src.Read(p)
				}))
			}
			l.get = func(n int) []byte {
				buf := l.DefaultBufferPool.Get(n)
				if n != 4<<10 || running.Load() == 0 {
					return buf
				}
				mu.Lock()
				defer mu.Unlock()
				if used := inUse[goroutine()]; cap(used) >= n {
					return used[:n]
				}
				return buf
			}
		}), honest},
		{"holds a lock while it copies", "copy/reentrant copy/concurrent", bent(func(l *liar) {
			var mu sync.Mutex
			l.copy = func(dst io.Writer, src io.Reader) (int64, error) {
				mu.Lock()
				defer mu.Unlock()
				return l.DefaultBufferPool.CopyBuffer(dst, src)
			}
		}), hanging},
		{"shares one buffer between more than eight copies", "copy/concurrent", bent(func(l *liar) {
			var running atomic.Int64
			shared := make([]byte, l.cfg.DefaultBufferSize)
			l.copy = func(dst io.Writer, src io.Reader) (int64, error) {
				defer running.Add(-1)
				if running.Add(1) > 8 {
					l.Get(0)
					return loop(l, shared, dst, src)
				}
				return l.DefaultBufferPool.CopyBuffer(dst, src)
			}
		}), honest},
		{"allocates for each copy", "copy/allocations", copying(func(l *liar, dst io.Writer, src io.Reader) (int64, error) {
			fresh := make([]byte, l.cfg.DefaultBufferSize)
			sinkhole.Store(&fresh)
			sinkhole.Store(nil)
			return l.DefaultBufferPool.CopyBuffer(dst, src)
		}), honest},
	}
}

// twoFaces has a Read of one reader and a WriteTo of another one.
type twoFaces struct {
	io.Reader
	writeTo io.WriterTo
}

func (t twoFaces) WriteTo(w io.Writer) (int64, error) { return t.writeTo.WriteTo(w) }

// heldReader has a buffer for as long as it is not at its end.
type heldReader struct {
	io.Reader
	done func()
}

func (h heldReader) Read(p []byte) (int, error) {
	n, err := h.Reader.Read(p)
	if err == io.EOF {
		h.done()
	}
	return n, err
}

func (h heldReader) WriteTo(w io.Writer) (int64, error) {
	defer h.done()
	return h.Reader.(io.WriterTo).WriteTo(w)
}

func brokenTees() []broken {
	return []broken{
		{"hides what was teed before the writer failed", "tee/equal", bent(func(l *liar) {
			l.tee = func(r io.Reader, w io.Writer) io.Reader {
				tee := l.DefaultBufferPool.TeeReader(r, w)
				read := readFunc(func(p []byte) (int, error) {
					n, err := tee.Read(p)
					if err == errSink {
						n = 0
					}
					return n, err
				})
				return twoFaces{read, tee.(io.WriterTo)}
			}
		}), honest},
		{"drops what was teed when the writer fails in WriteTo", "tee/copy", bent(func(l *liar) {
			l.tee = func(r io.Reader, w io.Writer) io.Reader {
				tee := l.DefaultBufferPool.TeeReader(r, w)
				dropping := &dropsOnError{l, r, w}
				return twoFaces{tee, dropping}
			}
		}), honest},
		{"holds a buffer until its end", "tee/held", bent(func(l *liar) {
			l.tee = func(r io.Reader, w io.Writer) io.Reader {
				buf := l.Get(0)
				return heldReader{l.DefaultBufferPool.TeeReader(r, w), sync.OnceFunc(func() { l.Put(buf) })}
			}
		}), honest},
		{"tees what the source says that it read", "tee/private", bent(func(l *liar) {
			l.tee = func(r io.Reader, w io.Writer) io.Reader {
				return l.DefaultBufferPool.TeeReader(readFunc(func(p []byte) (int, error) {
					n, err := r.Read(p)
					return min(n, len(p)), err
				}), w)
			}
		}), honest},
		{"its tee believes a source's WriterTo", "tee/copy", bent(func(l *liar) {
			l.tee = func(r io.Reader, w io.Writer) io.Reader {
				tee := l.DefaultBufferPool.TeeReader(r, w)
				if untold, ok := r.(io.WriterTo); ok {
					return twoFaces{tee, untold} // w never hears of it
				}
				return tee
			}
		}), honest},
		{"its tee lets a writer's ReaderFrom do the copying", "tee/copy", bent(func(l *liar) {
			l.tee = func(r io.Reader, w io.Writer) io.Reader {
				tee := l.DefaultBufferPool.TeeReader(r, w)
				if to, ok := w.(io.ReaderFrom); ok {
					return twoFaces{tee, &copiesAside{to, r}}
				}
				return tee
			}
		}), honest},
		{"its tee reads ahead in what is no plain Reader", "tee/equal", bent(func(l *liar) {
			l.tee = func(r io.Reader, w io.Writer) io.Reader {
				if _, ok := r.(io.WriterTo); ok {
					r = bufio.NewReader(r)
				}
				return l.DefaultBufferPool.TeeReader(r, w)
			}
		}), honest},
		{"leaves tees to the standard library", "tee/allocations", bent(func(l *liar) { l.tee = io.TeeReader }), honest},
	}
}

// copiesAside has the tee's writer read, and tees what it reads to the copy.
type copiesAside struct {
	w io.ReaderFrom
	r io.Reader
}

func (c *copiesAside) WriteTo(dst io.Writer) (int64, error) {
	return c.w.ReadFrom(io.TeeReader(c.r, dst))
}

// dropsOnError tees and copies, and hands nothing on once the tee's writer fails.
type dropsOnError struct {
	pool strategy.BufferPool
	r    io.Reader
	w    io.Writer
}

func (d *dropsOnError) WriteTo(dst io.Writer) (int64, error) {
	return d.pool.CopyBuffer(maskWriter{dst}, readFunc(func(p []byte) (int, error) {
		n, err := d.r.Read(p)
		if n > 0 {
			if _, e := d.w.Write(p[:n]); e != nil {
				return 0, e
			}
		}
		return n, err
	}))
}
