package strategy_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/oxtoacart/bpool"
	"github.com/valyala/bytebufferpool"

	"github.com/daramjwee/daramjwee/strategy"
)

// BenchmarkGetPut borrows 32 KiB, touches it and puts it back. Beside the
// strategies stand what they are compared with: floor, a bare sync.Pool of array
// pointers that neither counts nor knows sizes; make; and the libraries behind two
// of them as they come, bytebufferpool and bpool.
func BenchmarkGetPut(b *testing.B) {
	const size = 32 << 10
	cycles := map[string]func(){}
	floor := sync.Pool{New: func() any { return new([size]byte) }}
	cycles["floor"] = func() { buf := floor.Get().(*[size]byte); buf[9]++; floor.Put(buf) }
	for _, name := range []string{"syncpool", "bytebuffer", "channel", "noop"} {
		p, err := strategy.New(strategy.BufferPoolConfig{Enabled: true, Strategy: name})
		if err != nil {
			b.Fatal(err)
		}
		cycles[name] = func() { buf := p.Get(size); buf[9]++; p.Put(buf) }
	}
	var buffers bytebufferpool.Pool
	cycles["bytebufferpool"] = func() {
		buf := buffers.Get()
		if cap(buf.B) < size {
			buf.B = make([]byte, size)
		}
		buf.B = buf.B[:size]
		buf.B[9]++
		buffers.Put(buf)
	}
	slices := bpool.NewBytePool(256, size)
	cycles["bpool"] = func() { buf := slices.Get(); buf[9]++; slices.Put(buf) }
	cycles["make"] = func() { buf := make([]byte, unknown); buf[9]++ }
	for _, name := range []string{"floor", "syncpool", "bytebuffer", "channel", "noop", "bytebufferpool", "bpool", "make"} {
		cycle := cycles[name]
		b.Run(fmt.Sprintf("strategy=%s/procs=1", name), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				cycle()
			}
		})
		b.Run(fmt.Sprintf("strategy=%s/procs=all", name), func(b *testing.B) {
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					cycle()
				}
			})
		})
	}
}

// unknown is a size that the compiler does not know: what is made of it is on the heap.
var unknown = 32 << 10
