package memory_test

import (
	"bytes"
	"fmt"
	"io"
	"testing"

	"github.com/daramjwee/daramjwee/cache/store"
	"github.com/daramjwee/daramjwee/cache/store/memory"
	"github.com/daramjwee/daramjwee/strategy"
)

// benchmark runs a benchmark per strategy and size, the pool at its defaults.
// After the loop the counts say that it measured what it names.
func benchmark(b *testing.B, run func(b *testing.B, s *memory.Store, data []byte)) {
	for _, name := range strategy.Names() {
		for _, size := range []int{1 << 10, 32 << 10, 1 << 20} {
			b.Run(fmt.Sprintf("strategy=%s/size=%dKiB", name, size>>10), func(b *testing.B) {
				s, err := memory.New(memory.Options{BufferPool: strategy.BufferPoolConfig{Enabled: true, Strategy: name}})
				if err != nil {
					b.Fatal(err)
				}
				defer s.Close()
				b.SetBytes(int64(size))
				b.ReportAllocs()
				run(b, s, pattern(1, size))
				if got := s.Stats(); got.Entries != 1 || got.StagedBytes != 0 || got.PinnedBytes != 0 {
					b.Fatalf("%+v", got)
				}
			})
		}
	}
}

func fill(b *testing.B, s *memory.Store, data []byte, r *bytes.Reader) {
	r.Reset(data)
	w, err := s.Create(ctx, "k", store.Metadata{Size: int64(len(data))})
	if err != nil {
		b.Fatal(err)
	}
	if _, err := w.(io.ReaderFrom).ReadFrom(r); err != nil {
		b.Fatal(err)
	}
	if err := w.Commit(ctx); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkHit is Open, WriteTo and Close. The destination only counts, as a
// socket's copy would be the same for every tier.
func BenchmarkHit(b *testing.B) {
	benchmark(b, func(b *testing.B, s *memory.Store, data []byte) {
		fill(b, s, data, bytes.NewReader(nil))
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				e, err := s.Open(ctx, "k")
				if err != nil {
					b.Error(err)
					return
				}
				if n, err := e.(io.WriterTo).WriteTo(io.Discard); err != nil || n != int64(len(data)) {
					b.Errorf("%d bytes: %v", n, err)
				}
				e.Close()
			}
		})
	})
}

// BenchmarkFill is Create, ReadFrom and Commit of a declared size; each fill
// replaces the last one, whose blocks it may reuse.
func BenchmarkFill(b *testing.B) {
	benchmark(b, func(b *testing.B, s *memory.Store, data []byte) {
		r := bytes.NewReader(nil)
		for b.Loop() {
			fill(b, s, data, r)
		}
	})
}
