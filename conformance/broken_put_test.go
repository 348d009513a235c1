package conformance

import (
	"sync"
	"sync/atomic"
)

var sinkhole atomic.Pointer[[]byte] // what is stored here is allocated

func brokenPuts() []broken {
	bend := func(put func(l *liar, buf []byte)) func(l *liar) {
		return func(l *liar) { l.put = func(buf []byte) { put(l, buf) } }
	}
	return []broken{
		{"counts a Put of nothing", "put/nothing", bent(bend(func(l *liar, buf []byte) {
			if buf != nil && cap(buf) == 0 {
				buf = make([]byte, 1)
			}
			l.DefaultBufferPool.Put(buf)
		})), honest},
		{"counts a Put of nil", "put/nothing model", bent(bend(func(l *liar, buf []byte) {
			if buf == nil {
				buf = make([]byte, 1)
			}
			l.DefaultBufferPool.Put(buf)
		})), honest},
		{"loses a buffer put without its last byte", "put/prefix", bent(bend(func(l *liar, buf []byte) {
			if len(buf) != cap(buf)-1 || cap(buf) < 4096 {
				l.DefaultBufferPool.Put(buf)
			}
		})), honest},
		{"takes a buffer put as b[:0] for nothing", "put/prefix model", bent(bend(func(l *liar, buf []byte) {
			if len(buf) > 0 {
				l.DefaultBufferPool.Put(buf)
			}
		})), honest},
		{"panics on a capacity between its classes", "put/foreign", bent(bend(func(l *liar, buf []byte) {
			if c := cap(buf); c > 1024 && c < l.cfg.MaxBufferSize && c&(c-1) != 0 {
				panic("no class")
			}
			l.DefaultBufferPool.Put(buf)
		})), honest},
		{"panics on a tiny slice", "put/foreign stats/misuse", bent(bend(func(l *liar, buf []byte) {
			if cap(buf) > 0 && cap(buf) < 8 {
				panic("too small")
			}
			l.DefaultBufferPool.Put(buf)
		})), honest},
		{"panics when one buffer is put too often", "put/repeated", bent(func(l *liar) {
			var mu sync.Mutex
			var last uintptr
			var times int
			l.put = func(buf []byte) {
				mu.Lock()
				if last != address(buf) {
					last, times = address(buf), 0
				}
				times++
				often := times > 50 && cap(buf) > 0
				mu.Unlock()
				if often {
					panic("put again and again")
				}
				l.DefaultBufferPool.Put(buf)
			}
			l.get = func(n int) []byte {
				mu.Lock()
				times = 0
				mu.Unlock()
				return l.DefaultBufferPool.Get(n)
			}
		}), honest},
		{"panics on a repeated Put", "put/repeated put/refused put/foreign stats/misuse stats/repeats model", bent(bend(func(l *liar, buf []byte) {
			before := l.DefaultBufferPool.Stats().DoublePuts
			l.DefaultBufferPool.Put(buf)
			if l.DefaultBufferPool.Stats().DoublePuts > before {
				panic("put twice")
			}
		})), honest},
		{"lends a buffer twice that was put twice", "put/refused", bent(func(l *liar) {
			var mu sync.Mutex
			var twice []byte
			l.put = func(buf []byte) {
				before := l.DefaultBufferPool.Stats().DoublePuts
				l.DefaultBufferPool.Put(buf)
				if l.DefaultBufferPool.Stats().DoublePuts > before && cap(buf) >= 32<<10 {
					mu.Lock()
					twice = buf
					mu.Unlock()
				}
			}
			l.get = func(n int) []byte {
				buf := l.DefaultBufferPool.Get(n)
				mu.Lock()
				defer mu.Unlock()
				if twice != nil && cap(twice) == cap(buf) && address(twice) != address(buf) {
					buf, twice = twice[:n], nil
				}
				return buf
			}
		}), honest},
		{"refuses to lend more than 300", "put/many", bent(func(l *liar) {
			var out atomic.Int64
			l.get = func(n int) []byte {
				if n == 4<<10 && out.Add(1) > 300 {
					panic("pool exhausted")
				}
				return l.DefaultBufferPool.Get(n)
			}
			l.put = func(buf []byte) {
				if cap(buf) == 4<<10 {
					out.Add(-1)
				}
				l.DefaultBufferPool.Put(buf)
			}
		}), honest},
		{"waits when 256 are out", "put/many", bent(func(l *liar) {
			places := make(chan struct{}, 256)
			l.get = func(n int) []byte {
				if n == 4<<10 {
					places <- struct{}{}
				}
				return l.DefaultBufferPool.Get(n)
			}
			l.put = func(buf []byte) {
				if cap(buf) == 4<<10 {
					select {
					case <-places:
					default:
					}
				}
				l.DefaultBufferPool.Put(buf)
			}
		}), hanging},
		{"boxes the header on Put", "put/allocations", bent(bend(func(l *liar, buf []byte) {
			sinkhole.Store(&buf)
			sinkhole.Store(nil)
			l.DefaultBufferPool.Put(buf)
		})), honest},
	}
}
