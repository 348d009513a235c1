package disk

import (
	"fmt"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/daramjwee/daramjwee/cache/store"
	"github.com/daramjwee/daramjwee/strategy"
	_ "github.com/daramjwee/daramjwee/strategy/syncpool"
)

var sizesToMeasure = []int{1 << 10, 64 << 10, 1 << 20}

func label(n int) string { return fmt.Sprintf("size=%dKiB", n>>10) }

func openReal(b *testing.B) *Store {
	pool, err := strategy.New(strategy.DefaultConfig())
	require.NoError(b, err)
	s, err := Open(b.TempDir(), Options{BufferPool: pool})
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, s.Close()) })
	return s
}

// plain hides what else a destination can do.
type plain struct{ io.Writer }

// BenchmarkHit opens, copies and closes an entry. With check=first the blocks
// are checked as on the first read after a write; with check=done they were
// before, as on all others.
func BenchmarkHit(b *testing.B) {
	for _, n := range sizesToMeasure {
		for _, check := range []string{"first", "done"} {
			b.Run(label(n)+"/check="+check, func(b *testing.B) {
				s := openReal(b)
				put(b, s, "k", noise(1, n), unknown)
				b.SetBytes(int64(n))
				b.ReportAllocs()
				for b.Loop() {
					if check == "first" {
						s.index["k"].blocks.reset()
					}
					e, err := s.Open(ctx, "k")
					if err != nil {
						b.Fatal(err)
					}
					if m, err := io.Copy(plain{io.Discard}, e); err != nil || m != int64(n) {
						b.Fatal(m, err)
					}
					e.Close()
				}
			})
		}
	}
}

// BenchmarkWrite creates, writes and commits an entry in 32 KiB pieces, each
// over one of a hundred that are there: ext4 for one is slower at that.
func BenchmarkWrite(b *testing.B) {
	for _, n := range sizesToMeasure {
		for _, durable := range []bool{false, true} {
			b.Run(fmt.Sprintf("%s/durable=%t", label(n), durable), func(b *testing.B) {
				s := openReal(b)
				s.durable = durable
				body := noise(1, n)
				b.SetBytes(int64(n))
				b.ReportAllocs()
				for i := 0; b.Loop(); i++ {
					w, err := s.Create(ctx, fmt.Sprint(i%100), store.Metadata{Size: int64(n)})
					if err != nil {
						b.Fatal(err)
					}
					for rest := body; len(rest) > 0; rest = rest[min(len(rest), 32<<10):] {
						if _, err := w.Write(rest[:min(len(rest), 32<<10)]); err != nil {
							b.Fatal(err)
						}
					}
					if err := w.Commit(ctx); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// BenchmarkUpdate answers "not modified" for an entry of 1 MiB.
func BenchmarkUpdate(b *testing.B) {
	s := openReal(b)
	put(b, s, "k", noise(1, 1<<20), unknown)
	b.ReportAllocs()
	for b.Loop() {
		if err := s.UpdateMetadata(ctx, "k", 0, store.Metadata{ETag: "e"}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkOpen opens a directory of so many entries.
func BenchmarkOpen(b *testing.B) {
	for _, n := range []int{1_000, 20_000} {
		b.Run(fmt.Sprintf("entries=%d", n), func(b *testing.B) {
			dir := b.TempDir()
			s, err := Open(dir, Options{})
			require.NoError(b, err)
			m := store.Metadata{Size: 5, ETag: `"0123456789abcdef"`, Header: store.NewHeader(
				"Content-Type", "text/html; charset=utf-8", "Cache-Control", "max-age=3600, public", "Vary", "Accept-Encoding")}
			for i := range n {
				put(b, s, fmt.Sprintf("https://example.org/some/path/%d", i), []byte("hello"), m)
			}
			require.NoError(b, s.Close())
			for b.Loop() {
				s, err := Open(dir, Options{})
				if err != nil || s.Stats().Entries != int64(n) {
					b.Fatal(err)
				}
				b.StopTimer()
				s.Close()
				b.StartTimer()
			}
		})
	}
}
