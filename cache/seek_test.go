package cache_test

import (
	"bytes"
	"context"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/daramjwee/daramjwee/cache"
	"github.com/daramjwee/daramjwee/cache/store"
	"github.com/daramjwee/daramjwee/cache/store/disk"
)

func diskTier(t *testing.T) *disk.Store {
	t.Helper()
	s, err := disk.Open(t.TempDir(), disk.Options{MaxBytes: 64 << 20})
	require.NoError(t, err)
	return s
}

// seekable runs a test on a hit of each tier that keeps whole bodies in place.
func seekable(t *testing.T, body string, test func(t *testing.T, c *cache.DaramjweeCache, r *cache.Response)) {
	for name, tier := range map[string]func() store.Store{
		"memory": func() store.Store { return memoryTier(t) },
		"disk":   func() store.Store { return diskTier(t) },
	} {
		t.Run(name, func(t *testing.T) {
			c := opened(t, cache.WithTiers(tier()))
			o := &origin{body: body}
			read(t, c, "k", o)
			r, err := c.Get(ctx, "k", o)
			require.NoError(t, err)
			defer r.Close()
			test(t, c, r)
		})
	}
}

var digits = strings.Repeat("0123456789", 30_000)

func TestReadSeeker(t *testing.T) {
	seekable(t, digits, func(t *testing.T, c *cache.DaramjweeCache, r *cache.Response) {
		rs, ok := r.ReadSeeker()
		require.True(t, ok)
		require.NoError(t, iotest.TestReader(rs, []byte(digits)))

		for _, c := range []struct {
			offset int64
			whence int
			at     int64
		}{{5, io.SeekStart, 5}, {-7, io.SeekEnd, int64(len(digits)) - 7}, {-3, io.SeekCurrent, int64(len(digits)) - 10}, {0, io.SeekStart, 0}} {
			at, err := rs.Seek(c.offset, c.whence)
			require.NoError(t, err)
			require.Equal(t, c.at, at)
		}
		for _, c := range []struct {
			offset int64
			whence int
		}{{-1, io.SeekStart}, {-1, io.SeekCurrent}, {-1 - int64(len(digits)), io.SeekEnd}, {0, 3}} {
			_, err := rs.Seek(c.offset, c.whence)
			require.Error(t, err)
		}
		at, err := rs.Seek(0, io.SeekCurrent)
		require.NoError(t, err)
		require.Zero(t, at, "what fails does not move")

		past, err := rs.Seek(10, io.SeekEnd)
		require.NoError(t, err)
		require.EqualValues(t, len(digits)+10, past)
		n, err := rs.Read(make([]byte, 1))
		require.Zero(t, n)
		require.Equal(t, io.EOF, err)
		written, err := rs.(io.WriterTo).WriteTo(io.Discard)
		require.Zero(t, written)
		require.NoError(t, err)
	})
}

func TestReadSeekerWritesTheRest(t *testing.T) {
	seekable(t, digits, func(t *testing.T, c *cache.DaramjweeCache, r *cache.Response) {
		rs, _ := r.ReadSeeker()
		_, err := rs.Seek(123_456, io.SeekStart)
		require.NoError(t, err)
		var dst bytes.Buffer
		gets := c.Stats().BufferPool.TotalGets
		n, err := io.Copy(struct{ io.Writer }{&dst}, rs)
		require.NoError(t, err)
		require.EqualValues(t, len(digits)-123_456, n)
		require.True(t, dst.String() == digits[123_456:])
		require.Greater(t, c.Stats().BufferPool.TotalGets, gets, "the pool's buffers")
		require.Zero(t, c.Stats().BufferPool.ActiveBuffers)
		at, err := rs.Seek(0, io.SeekCurrent)
		require.NoError(t, err)
		require.EqualValues(t, len(digits), at)
	})
}

// Readers of one response move neither it nor each other, also at the same time.
func TestReadSeekersAreIndependent(t *testing.T) {
	seekable(t, digits, func(t *testing.T, c *cache.DaramjweeCache, r *cache.Response) {
		head := make([]byte, 7)
		_, err := io.ReadFull(r, head)
		require.NoError(t, err)
		var readers sync.WaitGroup
		for i := range 8 {
			readers.Go(func() {
				rs, _ := r.ReadSeeker()
				from := int64(i * 12_345)
				rs.Seek(from, io.SeekStart)
				if b, err := io.ReadAll(rs); err != nil || string(b) != digits[from:] {
					t.Errorf("from %d: %d bytes, %v", from, len(b), err)
				}
			})
		}
		readers.Wait()
		rest, err := io.ReadAll(r)
		require.NoError(t, err)
		require.True(t, string(rest) == digits[7:])
	})
}

func TestReadSeekerAfterClose(t *testing.T) {
	seekable(t, digits, func(t *testing.T, c *cache.DaramjweeCache, r *cache.Response) {
		rs, _ := r.ReadSeeker()
		require.NoError(t, r.Close())
		buf := make([]byte, 10)
		n, err := rs.Read(buf)
		require.ErrorIs(t, err, cache.ErrResponseClosed)
		require.Zero(t, n)
		require.Equal(t, make([]byte, 10), buf)
		written, err := rs.(io.WriterTo).WriteTo(io.Discard)
		require.ErrorIs(t, err, cache.ErrResponseClosed)
		require.Zero(t, written)
		_, err = rs.Seek(0, io.SeekStart)
		require.ErrorIs(t, err, cache.ErrResponseClosed)
	})
}

// A Close beside a copy never waits for it, and takes nothing from under it.
func TestReadSeekerDuringClose(t *testing.T) {
	seekable(t, digits, func(t *testing.T, c *cache.DaramjweeCache, r *cache.Response) {
		rs, _ := r.ReadSeeker()
		var dst bytes.Buffer
		closing := writerFunc(func(p []byte) (int, error) {
			require.NoError(t, r.Close())
			require.NoError(t, c.Delete(ctx, "k")) // nothing but this reader holds the bytes
			return dst.Write(p)
		})
		_, err := rs.(io.WriterTo).WriteTo(closing)
		require.NoError(t, err)
		require.True(t, dst.String() == digits)
	})
}

type writerFunc func(p []byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// What is still on its way cannot be read from anywhere.
func TestNoReadSeeker(t *testing.T) {
	far := memoryTier(t)
	c := opened(t, cache.WithTiers(memoryTier(t), far))
	private := cache.FetcherFunc(func(context.Context, *store.Metadata) (*cache.FetchResult, error) {
		return &cache.FetchResult{Body: io.NopCloser(strings.NewReader("x")), NoStore: true}, nil
	})
	require.NoError(t, put(far, "far", "x"))
	for key, f := range map[string]cache.Fetcher{"fill": &origin{body: "x"}, "private": private, "far": private} {
		r, err := c.Get(ctx, key, f)
		require.NoError(t, err)
		_, ok := r.ReadSeeker()
		require.False(t, ok, key)
		b, err := io.ReadAll(r)
		require.NoError(t, err)
		require.Equal(t, "x", string(b))
		require.NoError(t, r.Close())
	}
	plain := opened(t, cache.WithTiers(noReaderAt{memoryTier(t)}))
	read(t, plain, "k", &origin{body: "x"})
	r, err := plain.Get(ctx, "k", private)
	require.NoError(t, err)
	defer r.Close()
	require.True(t, r.Status().Hit)
	_, ok := r.ReadSeeker()
	require.False(t, ok)
}

func put(s store.Store, key, body string) error {
	w, err := s.Create(ctx, key, store.Metadata{Size: int64(len(body)), StoredAt: time.Now(), Generation: 1})
	if err != nil {
		return err
	}
	if _, err := io.WriteString(w, body); err != nil {
		return err
	}
	return w.Commit(ctx)
}

type noReaderAt struct{ store.Store }

func (s noReaderAt) Open(ctx context.Context, key string) (store.Entry, error) {
	e, err := s.Store.Open(ctx, key)
	if err != nil {
		return nil, err
	}
	return struct{ store.Entry }{e}, nil
}
