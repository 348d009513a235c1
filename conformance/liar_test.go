package conformance

import (
	"io"
	"runtime"
	"strconv"
	"strings"
	"sync"

	"github.com/daramjwee/daramjwee/strategy"
)

// liar is a correct pool of which some methods are replaced. What it embeds
// copies through its own Get and Put, so that a bent Get bends no copy.
type liar struct {
	*strategy.DefaultBufferPool
	cfg strategy.BufferPoolConfig

	get   func(size int) []byte
	put   func(buf []byte)
	copy  copyFunc
	tee   func(r io.Reader, w io.Writer) io.Reader
	stats func() strategy.BufferPoolStats
	close func() error
}

func (l *liar) Get(size int) []byte {
	if l.get != nil {
		return l.get(size)
	}
	return l.DefaultBufferPool.Get(size)
}

func (l *liar) Put(buf []byte) {
	if l.put != nil {
		l.put(buf)
		return
	}
	l.DefaultBufferPool.Put(buf)
}

func (l *liar) CopyBuffer(dst io.Writer, src io.Reader) (int64, error) {
	if l.copy != nil {
		return l.copy(dst, src)
	}
	return l.DefaultBufferPool.CopyBuffer(dst, src)
}

func (l *liar) TeeReader(r io.Reader, w io.Writer) io.Reader {
	if l.tee != nil {
		return l.tee(r, w)
	}
	return l.DefaultBufferPool.TeeReader(r, w)
}

func (l *liar) Stats() strategy.BufferPoolStats {
	if l.stats != nil {
		return l.stats()
	}
	return l.DefaultBufferPool.Stats()
}

func (l *liar) Close() error {
	if l.close != nil {
		return l.close()
	}
	return l.DefaultBufferPool.Close()
}

// bent opens pools that are bent unless they are disabled.
func bent(bend func(*liar)) strategy.Factory {
	return func(cfg strategy.BufferPoolConfig) (strategy.BufferPool, error) {
		p, err := strategy.NewPool(cfg, func(int) strategy.Backend { return &stack{max: 1 << 20} })
		if err != nil {
			return nil, err
		}
		l := &liar{DefaultBufferPool: p, cfg: cfg}
		if cfg.Enabled {
			bend(l)
		}
		return l, nil
	}
}

// straight is the honest pool that liars are bent from.
var straight = bent(func(*liar) {})

// stack is an honest backend.
type stack struct {
	max int
	mu  sync.Mutex // guards buf
	buf [][]byte
}

func (s *stack) Take() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	last := len(s.buf) - 1
	if last < 0 {
		return nil
	}
	b := s.buf[last]
	s.buf[last] = nil
	s.buf = s.buf[:last]
	return b
}

func (s *stack) Keep(b []byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.buf) >= s.max {
		return false
	}
	s.buf = append(s.buf, b)
	return true
}

func (s *stack) Idle() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.buf)
}

// goroutine is the number of the caller's goroutine: some liars lie to one and
// not to another.
func goroutine() int {
	var buf [64]byte
	fields := strings.Fields(string(buf[:runtime.Stack(buf[:], false)]))
	n, _ := strconv.Atoi(fields[1])
	return n
}

// loop is a copy loop of a pool's own. It forgets its buffer when it unwinds.
func loop(p strategy.BufferPool, buf []byte, dst io.Writer, src io.Reader) (n int64, err error) {
	for {
		nr, er := src.Read(buf)
		if nr > 0 {
			nw, ew := dst.Write(buf[0:nr])
			if nw < 0 || nr < nw {
				nw = 0
				if ew == nil {
					_, ew = io.CopyBuffer(&lyingWriter{count: func([]byte) int { return -1 }}, &onlyReader{data: payload(1)}, make([]byte, 1))
				}
			}
			n += int64(nw)
			if ew != nil {
				err = ew
				break
			}
			if nr != nw {
				err = io.ErrShortWrite
				break
			}
		}
		if er != nil {
			if er != io.EOF {
				err = er
			}
			break
		}
	}
	p.Put(buf)
	return n, err
}
