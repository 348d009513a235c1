package cache_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/daramjwee/daramjwee/cache"
	"github.com/daramjwee/daramjwee/cache/store"
)

// brittle is a tier of which call n fails, counted from 0, and no other.
type brittle struct {
	store.Store
	left atomic.Int64
}

func (b *brittle) fault() error {
	if b.left.Add(-1) == -1 {
		return errTier
	}
	return nil
}

func (b *brittle) Open(ctx context.Context, key string) (store.Entry, error) {
	if err := b.fault(); err != nil {
		return nil, err
	}
	e, err := b.Store.Open(ctx, key)
	if err != nil {
		return nil, err
	}
	return &brittleEntry{e, b}, nil
}

func (b *brittle) Create(ctx context.Context, key string, m store.Metadata) (store.Writer, error) {
	if err := b.fault(); err != nil {
		return nil, err
	}
	w, err := b.Store.Create(ctx, key, m)
	if err != nil {
		return nil, err
	}
	bw := &brittleWriter{w, w.(store.StagedReader), w.(store.StagedHolder), b}
	if d, ok := w.(store.DirectWriter); ok {
		return &brittleDirect{bw, d}, nil
	}
	return bw, nil
}

func (b *brittle) Stat(ctx context.Context, key string) (*store.Metadata, error) {
	if err := b.fault(); err != nil {
		return nil, err
	}
	return b.Store.Stat(ctx, key)
}

func (b *brittle) Delete(ctx context.Context, key string) error {
	if err := b.fault(); err != nil {
		return err
	}
	return b.Store.Delete(ctx, key)
}

type brittleEntry struct {
	store.Entry
	b *brittle
}

func (e *brittleEntry) Close() error { return errors.Join(e.b.fault(), e.Entry.Close()) }

type brittleWriter struct {
	store.Writer
	store.StagedReader
	store.StagedHolder
	b *brittle
}

func (w *brittleWriter) Write(p []byte) (int, error) {
	if err := w.b.fault(); err != nil {
		n, _ := w.Writer.Write(p[:len(p)/2])
		return n, err
	}
	return w.Writer.Write(p)
}

func (w *brittleWriter) ReadAt(p []byte, off int64) (int, error) {
	if err := w.b.fault(); err != nil {
		return 0, err
	}
	return w.StagedReader.ReadAt(p, off)
}

func (w *brittleWriter) Commit(ctx context.Context) error {
	if err := w.b.fault(); err != nil {
		return err
	}
	return w.Writer.Commit(ctx)
}

func (w *brittleWriter) Abort() error { return errors.Join(w.b.fault(), w.Writer.Abort()) }

type brittleDirect struct {
	*brittleWriter
	direct store.DirectWriter
}

func (w *brittleDirect) Next() []byte {
	if w.b.fault() != nil {
		return nil
	}
	return w.direct.Next()
}

func (w *brittleDirect) Advance(n int) error {
	if err := w.b.fault(); err != nil {
		return err
	}
	return w.direct.Advance(n)
}

// TestTierThatFailsOnce, at every call in turn, while three callers read the same
// fill at different places: each of them gets the whole body, by asking the
// origin again where it must; or the documented error where the origin's second
// answer cannot be spliced to the first.
func TestTierThatFailsOnce(t *testing.T) {
	const size = 200_000
	whole := pattern(size)
	for _, etag := range []string{`"strong"`, `W/"weak"`, "", "changes"} {
		for name, tier := range tiers {
			t.Run(fmt.Sprintf("%s/etag=%s", name, etag), func(t *testing.T) {
				for n := 0; ; n++ {
					var failed bool
					synctest.Test(t, func(t *testing.T) { failed = failOnce(t, tier(t), n, etag, whole) })
					if !failed {
						require.Greater(t, n, 10, "calls that failed")
						return
					}
				}
			})
		}
	}
}

func failOnce(t *testing.T, tier store.Store, n int, etag string, whole []byte) (failed bool) {
	b := &brittle{Store: tier}
	b.left.Store(int64(n))
	c, err := cache.New(cache.WithTiers(b, memoryTier(t)))
	require.NoError(t, err)
	var fetches int
	f := cache.FetcherFunc(func(context.Context, *store.Metadata) (*cache.FetchResult, error) {
		fetches++
		tag := etag
		if tag == "changes" {
			tag = fmt.Sprintf(`"%d"`, fetches)
		}
		return &cache.FetchResult{
			Body:     io.NopCloser(&pieces{bytes.NewReader(whole), 16 << 10}),
			Metadata: store.Metadata{ETag: tag, Size: int64(len(whole))},
		}, nil
	})
	var readers [3]*cache.Response
	var got [3]bytes.Buffer
	var ended [3]error
	for i := range readers {
		r, err := c.Get(ctx, "k", f)
		require.NoError(t, err, "call %d", n)
		readers[i] = r
		_, ended[i] = io.CopyN(&got[i], struct{ io.Reader }{r}, int64(len(whole)/4*i))
	}
	for i, r := range readers {
		if ended[i] == nil {
			_, ended[i] = r.WriteTo(&got[i])
		}
	}
	for i, r := range readers {
		require.True(t, bytes.HasPrefix(whole, got[i].Bytes()), "call %d: reader %d got other bytes", n, i)
		if ended[i] != nil {
			require.ErrorIs(t, ended[i], io.ErrUnexpectedEOF, "call %d", n)
			require.NotEqual(t, `"strong"`, etag, "call %d: %v", n, ended[i])
		} else {
			require.Equal(t, len(whole), got[i].Len(), "call %d: reader %d", n, i)
		}
		r.Close()
	}
	synctest.Wait()
	again, _ := read(t, c, "k", f) // and the cache works on
	require.True(t, string(whole) == again)
	if err := c.Delete(ctx, "other"); err != nil {
		require.ErrorIs(t, err, errTier)
	}
	c.Close()
	require.Zero(t, c.Stats().BufferPool.ActiveBuffers)
	return b.left.Load() < 0
}

// pieces reads no more than size bytes at once.
type pieces struct {
	io.Reader
	size int
}

func (p *pieces) Read(b []byte) (int, error) { return p.Reader.Read(b[:min(len(b), p.size)]) }
