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
	"time"

	"github.com/stretchr/testify/require"

	"github.com/daramjwee/daramjwee/cache"
	"github.com/daramjwee/daramjwee/cache/store"
)

// brittle is a tier of which call n fails, counted from 0, and no other.
type brittle struct {
	store.Store
	left atomic.Int64
	call string // that failed
}

func (b *brittle) fault(call string) error {
	if b.left.Add(-1) == -1 {
		b.call = call
		return errTier
	}
	return nil
}

func (b *brittle) Open(ctx context.Context, key string) (store.Entry, error) {
	if err := b.fault("Open"); err != nil {
		return nil, err
	}
	e, err := b.Store.Open(ctx, key)
	if err != nil {
		return nil, err
	}
	return &brittleEntry{e, b}, nil
}

func (b *brittle) Create(ctx context.Context, key string, m store.Metadata) (store.Writer, error) {
	if err := b.fault("Create"); err != nil {
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
	if err := b.fault("Stat"); err != nil {
		return nil, err
	}
	return b.Store.Stat(ctx, key)
}

func (b *brittle) Delete(ctx context.Context, key string) error {
	if err := b.fault("Delete"); err != nil {
		return err
	}
	return b.Store.Delete(ctx, key)
}

func (b *brittle) UpdateMetadata(ctx context.Context, key string, gen uint64, m store.Metadata) error {
	if err := b.fault("UpdateMetadata"); err != nil {
		return err
	}
	return b.Store.(store.MetadataUpdater).UpdateMetadata(ctx, key, gen, m)
}

func (b *brittle) Close() error { return errors.Join(b.fault("Close"), b.Store.Close()) }

type brittleEntry struct {
	store.Entry
	b *brittle
}

func (e *brittleEntry) Read(p []byte) (int, error) {
	if err := e.b.fault("entry.Read"); err != nil {
		return 0, err
	}
	return e.Entry.Read(p)
}

func (e *brittleEntry) Close() error { return errors.Join(e.b.fault("entry.Close"), e.Entry.Close()) }

type brittleWriter struct {
	store.Writer
	store.StagedReader
	store.StagedHolder
	b *brittle
}

func (w *brittleWriter) Write(p []byte) (int, error) {
	if err := w.b.fault("writer.Write"); err != nil {
		n, _ := w.Writer.Write(p[:len(p)/2])
		return n, err
	}
	return w.Writer.Write(p)
}

func (w *brittleWriter) ReadAt(p []byte, off int64) (int, error) {
	if err := w.b.fault("writer.ReadAt"); err != nil {
		return 0, err
	}
	return w.StagedReader.ReadAt(p, off)
}

func (w *brittleWriter) Commit(ctx context.Context) error {
	if err := w.b.fault("writer.Commit"); err != nil {
		return err
	}
	return w.Writer.Commit(ctx)
}

func (w *brittleWriter) Abort() error {
	return errors.Join(w.b.fault("writer.Abort"), w.Writer.Abort())
}

type brittleDirect struct {
	*brittleWriter
	direct store.DirectWriter
}

func (w *brittleDirect) Next() []byte {
	if w.b.fault("writer.Next") != nil {
		return nil
	}
	return w.direct.Next()
}

func (w *brittleDirect) Advance(n int) error {
	if err := w.b.fault("writer.Advance"); err != nil {
		return err
	}
	return w.direct.Advance(n)
}

// TestTierThatFailsOnce, at every call in turn, while three callers read the same
// fill at different places: each of them gets the whole body, by asking the
// origin again where it must; or the documented error where the origin's second
// answer cannot be spliced to the first. Then the entry is read, promoted where the
// tier is the lower one, called current for a caller and in the background, and
// the cache is closed.
func TestTierThatFailsOnce(t *testing.T) {
	const size = 200_000
	whole := pattern(size)
	combination := 0
	for _, etag := range []string{`"strong"`, `W/"weak"`, "", "changes"} {
		for name, tier := range tiers {
			for place := range 2 {
				combination++
				t.Run(fmt.Sprintf("%s/etag=%s/tier-%d", name, etag, place), func(t *testing.T) {
					failed := map[string]bool{}
					for n := 0; !t.Failed(); n++ {
						s := withStrategy(strategies[(combination+n)%len(strategies)]) // each has its share
						var call string
						synctest.Test(t, func(t *testing.T) { call = failOnce(t, s, tier(t), place, n, etag, whole) })
						if call == "" {
							break
						}
						failed[call] = true
					}
					for _, call := range []string{"Open", "entry.Read", "entry.Close", "Create", "writer.Commit", "Stat", "UpdateMetadata", "Delete", "Close"} {
						require.True(t, failed[call], "%s never failed", call)
					}
				})
			}
		}
	}
}

func failOnce(t *testing.T, s cache.Option, tier store.Store, place, n int, etag string, whole []byte) (failed string) {
	b := &brittle{Store: tier}
	b.left.Store(int64(n))
	near := memoryTier(t)
	both := []store.Store{b, near}
	if place == 1 {
		both = []store.Store{near, b}
	}
	c, err := cache.New(s, cache.WithTiers(both...), cache.WithFreshness(time.Hour, 0), cache.WithStaleWhileRevalidate(-1))
	require.NoError(t, err)
	var fetches int
	var current bool // the origin says so of what it is asked about
	f := cache.FetcherFunc(func(_ context.Context, old *store.Metadata) (*cache.FetchResult, error) {
		fetches++
		if old != nil && current {
			return nil, cache.ErrNotModified
		}
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
	// and the cache works on
	settle := func() { time.Sleep(time.Minute); synctest.Wait() } // past every further try
	settle()
	again := func() {
		t.Helper()
		before := b.left.Load()
		r, err := c.Get(ctx, "k", f)
		require.NoError(t, err, "call %d", n)
		defer r.Close()
		body, err := io.ReadAll(r)
		require.True(t, bytes.HasPrefix(whole, body), "call %d", n)
		if err == nil {
			require.Len(t, body, len(whole), "call %d", n)
			return
		}
		if len(body) < len(whole) { // what a tier says after that is about all of it
			require.ErrorIs(t, err, io.ErrUnexpectedEOF, "call %d", n)
			require.NotEqual(t, `"strong"`, etag, "call %d: %v", n, err)
		}
		require.True(t, before >= 0 && b.call == "entry.Read", "call %d, %s: %v", n, b.call, err)
	}
	again()
	_ = near.Delete(ctx, "k")
	again()
	settle()
	current = true
	time.Sleep(time.Hour)
	again()
	settle()
	require.NoError(t, c.ScheduleRefresh(ctx, "k", f))
	settle()
	again()
	if err := c.Delete(ctx, "other"); err != nil {
		require.ErrorIs(t, err, errTier)
	}
	if err := c.Close(); err != nil {
		require.ErrorIs(t, err, errTier)
		require.ErrorContains(t, err, fmt.Sprintf("tier-%d", place))
	}
	require.Zero(t, c.Stats().BufferPool.ActiveBuffers)
	return b.call
}

// pieces reads no more than size bytes at once.
type pieces struct {
	io.Reader
	size int
}

func (p *pieces) Read(b []byte) (int, error) { return p.Reader.Read(b[:min(len(b), p.size)]) }
