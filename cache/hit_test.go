package cache_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/daramjwee/daramjwee/cache"
	"github.com/daramjwee/daramjwee/cache/store"
	"github.com/daramjwee/daramjwee/cache/store/disk"
)

// crumbling is a tier whose entries cannot be read from a place on.
type crumbling struct {
	store.Store
	at     int64
	with   error  // io.EOF: they just end there
	beside bool   // Read says so beside the last bytes
	writes bool   // they are io.WriterTo
	first  func() // is called before a Read fails

	verdict bool // at is the end, and what Read says there in place of io.EOF is with
	open    atomic.Int64
}

func (c *crumbling) Open(ctx context.Context, key string) (store.Entry, error) {
	e, err := c.Store.Open(ctx, key)
	if err != nil {
		return nil, err
	}
	c.open.Add(1)
	ce := &crumblingEntry{Entry: e, of: c, left: c.at}
	if c.writes {
		return &crumblingWriterTo{ce}, nil
	}
	return ce, nil
}

type crumblingEntry struct {
	store.Entry
	of   *crumbling
	left int64
	shut bool
}

func (e *crumblingEntry) Read(p []byte) (int, error) {
	if e.of.at == e.Size() && !e.of.verdict {
		return e.Entry.Read(p)
	}
	if e.left == 0 {
		if e.of.first != nil {
			e.of.first()
		}
		return 0, e.of.with
	}
	n, err := e.Entry.Read(p[:min(int64(len(p)), e.left)])
	if e.left -= int64(n); e.left == 0 && e.of.beside {
		err = e.of.with
	}
	return n, err
}

func (e *crumblingEntry) Close() error {
	if !e.shut {
		e.shut = true
		e.of.open.Add(-1)
	}
	return e.Entry.Close()
}

type crumblingWriterTo struct{ *crumblingEntry }

func (e *crumblingWriterTo) WriteTo(dst io.Writer) (int64, error) {
	n, err := io.CopyBuffer(struct{ io.Writer }{dst}, struct{ io.Reader }{e.crumblingEntry}, make([]byte, 1000))
	if errors.Is(err, errTier) {
		err = fmt.Errorf("%w: %w", store.ErrUnreadable, err)
	}
	return n, err
}

// page is more than a nearer tier takes, and than a buffer of a pool.
var page = digits[:70_000]

// ways are those in which a body can be read.
var ways = map[string]func(r *cache.Response, into *bytes.Buffer) error{
	"Read": func(r *cache.Response, into *bytes.Buffer) error {
		_, err := into.ReadFrom(struct{ io.Reader }{r})
		return err
	},
	"WriteTo": func(r *cache.Response, into *bytes.Buffer) error {
		_, err := r.WriteTo(struct{ io.Writer }{into})
		return err
	},
	"WriteTo a ReaderFrom": func(r *cache.Response, into *bytes.Buffer) error {
		_, err := r.WriteTo(into)
		return err
	},
	"Read, then WriteTo": func(r *cache.Response, into *bytes.Buffer) error {
		if _, err := io.CopyN(into, struct{ io.Reader }{r}, 2000); err != nil {
			return err
		}
		_, err := r.WriteTo(into)
		return err
	},
}

// crumbled runs a test on hits that are read where they lie, in a tier that is the only
// one, and in one whose entries nothing moves up from.
func crumbled(t *testing.T, test func(t *testing.T, tier *crumbling, open func() *cache.DaramjweeCache)) {
	for place := range 2 {
		for _, writes := range []bool{false, true} {
			for _, beside := range []bool{false, true} {
				t.Run(fmt.Sprintf("tier %d/WriterTo=%t/beside=%t", place, writes, beside), func(t *testing.T) {
					tier := &crumbling{writes: writes, beside: beside, with: errTier}
					test(t, tier, func() *cache.DaramjweeCache {
						tier.Store = memoryTier(t)
						tiers := []store.Store{tier}
						if place == 1 {
							tiers = []store.Store{memoryOf(t, 4<<10), tier}
						}
						return opened(t, cache.WithTiers(tiers...))
					})
				})
			}
		}
	}
}

// TestHitWhoseTierFails is whole all the same: the origin has the rest of it.
func TestHitWhoseTierFails(t *testing.T) {
	crumbled(t, func(t *testing.T, tier *crumbling, open func() *cache.DaramjweeCache) {
		for name, way := range ways {
			for _, with := range []error{errTier, io.EOF} {
				for _, declared := range []int64{0, int64(len(page))} {
					for _, at := range []int64{0, 1, 2000, 23_456, int64(len(page)) - 1, int64(len(page))} {
						c := open()
						o := &origin{body: page, meta: store.Metadata{ETag: `"e"`, Size: declared}}
						tier.at, tier.with = at, with
						read(t, c, "k", o)
						r, err := c.Get(ctx, "k", o)
						require.NoError(t, err)
						var got bytes.Buffer
						require.NoError(t, way(r, &got), "%s, %v at %d", name, with, at)
						require.True(t, got.String() == page, "%s, %v at %d", name, with, at)
						n, err := r.Read(make([]byte, 1))
						require.Zero(t, n)
						require.Equal(t, io.EOF, err)
						require.NoError(t, r.Close())
						failed := int64(1)
						if at == int64(len(page)) {
							failed = 0
						}
						stats := c.Stats()
						require.Equal(t, 1+failed, o.fetches.Load())
						require.Equal(t, failed, stats.Resumes)
						require.Equal(t, failed, stats.Tiers[len(stats.Tiers)-1].Errors)
						require.Zero(t, stats.ResumeFailures)
						require.EqualValues(t, 1, stats.Hits)
					}
				}
			}
		}
	})
}

// TestHitThatCannotBeReadOn ends where its tier failed, and says why.
func TestHitThatCannotBeReadOn(t *testing.T) {
	stored := store.Metadata{ETag: `"e"`, Size: int64(len(page))}
	for name, then := range map[string]*origin{
		"weak":    {body: page, meta: store.Metadata{ETag: `W/"e"`, Size: stored.Size}},
		"none":    {body: page},
		"another": {body: page, meta: store.Metadata{ETag: `"f"`, Size: stored.Size}},
		"shorter": {body: page[1:], meta: store.Metadata{ETag: `"e"`, Size: stored.Size - 1}},
		"cut":     {body: page[:1000], meta: stored},
		"fails":   {err: errOrigin},
	} {
		t.Run(name, func(t *testing.T) {
			crumbled(t, func(t *testing.T, tier *crumbling, open func() *cache.DaramjweeCache) {
				for _, way := range ways {
					c := open()
					o := &origin{body: page, meta: stored}
					if name == "weak" || name == "none" {
						o.meta.ETag = then.meta.ETag
					}
					tier.at = 23_456
					read(t, c, "k", o)
					o.body, o.meta, o.err = then.body, then.meta, then.err
					r, err := c.Get(ctx, "k", o)
					require.NoError(t, err)
					var got bytes.Buffer
					err = way(r, &got)
					require.ErrorIs(t, err, errTier)
					require.ErrorIs(t, err, io.ErrUnexpectedEOF)
					require.ErrorContains(t, err, `"k" cannot be read on from byte 23456`)
					if then.err != nil {
						require.ErrorIs(t, err, then.err)
					}
					require.True(t, got.String() == page[:tier.at])
					fetches := o.fetches.Load()
					_, again := r.Read(make([]byte, 1))
					require.Equal(t, err, again)
					require.Equal(t, fetches, o.fetches.Load())
					require.NoError(t, r.Close())
					require.EqualValues(t, 1, c.Stats().ResumeFailures)
				}
			})
		})
	}
}

// TestHitWhoseClientFails: that is not the tier's trouble, and no reason to ask the origin.
func TestHitWhoseClientFails(t *testing.T) {
	crumbled(t, func(t *testing.T, tier *crumbling, open func() *cache.DaramjweeCache) {
		for at := range int64(3) { // the tier would fail later
			c := open()
			tier.at = int64(len(page)) - at
			o := &origin{body: page, meta: store.Metadata{ETag: `"e"`}}
			read(t, c, "k", o)
			fetches := o.fetches.Load()
			r, err := c.Get(ctx, "k", o)
			require.NoError(t, err)
			gone := errors.New("the client is gone")
			_, err = r.WriteTo(writerFunc(func(p []byte) (int, error) { return len(p) / 2, gone }))
			require.ErrorIs(t, err, gone)
			require.NoError(t, r.Close())
			require.Equal(t, fetches, o.fetches.Load())
			require.Zero(t, c.Stats().Resumes)
		}
	})
}

// TestHitThatEndsWhileItWaits for its tier, for an answer of the origin, or for the bytes
// that it has already.
func TestHitThatEndsWhileItWaits(t *testing.T) {
	closed := func(r *cache.Response, _ func()) error { r.Close(); return cache.ErrResponseClosed }
	cancelled := func(_ *cache.Response, cancel func()) error { cancel(); return context.Canceled }
	for name, at := range map[string]struct {
		tier, origin, body bool
		has                string // is there of the body
		end                func(r *cache.Response, cancel func()) error
	}{
		"in the tier":              {tier: true, origin: true, end: closed},
		"asking":                   {origin: true, end: closed},
		"skipping":                 {body: true, end: closed},
		"cancelled before":         {tier: true, end: cancelled},
		"cancelled while asking":   {origin: true, end: cancelled},
		"cancelled while skipping": {body: true, end: cancelled},
		"cancelled while reading":  {body: true, has: page[:2000], end: cancelled},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tier := &crumbling{Store: memoryTier(t), with: errTier, at: 1000}
				c := opened(t, cache.WithTiers(tier), cache.WithOpTimeout(time.Hour))
				meta := store.Metadata{ETag: `"e"`}
				read(t, c, "k", &origin{body: page, meta: meta})
				pass := make(chan struct{})
				tier.first = func() {
					if at.tier {
						<-pass
					}
				}
				body := &silentBody{Reader: strings.NewReader(at.has)}
				own, cancel := context.WithCancel(ctx)
				defer cancel()
				fetches := 0
				r, err := c.Get(own, "k", cache.FetcherFunc(func(ctx context.Context, old *store.Metadata) (*cache.FetchResult, error) {
					fetches++
					if at.origin {
						<-ctx.Done()
						return nil, ctx.Err()
					}
					body.ctx = ctx
					return &cache.FetchResult{Body: body, Metadata: meta}, nil
				}))
				require.NoError(t, err)
				result := make(chan error)
				go func() {
					_, err := io.Copy(io.Discard, r)
					result <- err
				}()
				synctest.Wait()
				want := at.end(r, cancel)
				close(pass)
				require.ErrorIs(t, <-result, want)
				r.Close()
				require.Equal(t, at.body, body.closed)
				if name == "cancelled before" {
					require.Zero(t, fetches)
					require.Zero(t, c.Stats().Tiers[0].Errors, "its end is not the tier's trouble")
				}
			})
		})
	}
}

// silentBody waits for the end of its context where it has no more.
type silentBody struct {
	io.Reader
	ctx    context.Context
	closed bool
}

func (b *silentBody) Read(p []byte) (int, error) {
	if n, _ := b.Reader.Read(p); n > 0 {
		return n, nil
	}
	<-b.ctx.Done()
	return 0, b.ctx.Err()
}

func (b *silentBody) Close() error { b.closed = true; return nil }

// TestHitWhoseOriginUnwinds leaves nothing behind: the cache closes without complaint.
func TestHitWhoseOriginUnwinds(t *testing.T) {
	meta := store.Metadata{ETag: `"e"`}
	for name, body := range map[string]io.ReadCloser{
		"Goexit in Read": io.NopCloser(readerFunc(func([]byte) (int, error) { runtime.Goexit(); return 0, nil })),
		"panic in Read":  io.NopCloser(readerFunc(func([]byte) (int, error) { panic("Read") })),
		"panic in Close": &countedBody{Reader: strings.NewReader(page), panics: true},
	} {
		t.Run(name, func(t *testing.T) {
			tier := &crumbling{Store: memoryTier(t), with: errTier, at: 1000}
			c := opened(t, cache.WithTiers(tier))
			read(t, c, "k", &origin{body: page, meta: meta})
			var all sync.WaitGroup
			all.Go(func() {
				defer func() { recover() }()
				r, err := c.Get(ctx, "k", cache.FetcherFunc(func(context.Context, *store.Metadata) (*cache.FetchResult, error) {
					return &cache.FetchResult{Body: body, Metadata: meta}, nil
				}))
				if err == nil {
					defer r.Close()
					io.Copy(io.Discard, r)
				}
			})
			all.Wait()
			require.EqualValues(t, 1, c.Stats().Resumes)
			require.Zero(t, tier.open.Load())
		})
	}
}

// TestVerdictOfATier: what it says after the last byte may be about all of them.
func TestVerdictOfATier(t *testing.T) {
	for _, writes := range []bool{false, true} {
		for _, way := range ways {
			tier := &crumbling{Store: memoryTier(t), with: errTier, at: int64(len(page)), verdict: true, writes: writes}
			c := opened(t, cache.WithTiers(tier))
			o := &origin{body: page, meta: store.Metadata{ETag: `"e"`}}
			read(t, c, "k", o)
			r, err := c.Get(ctx, "k", o)
			require.NoError(t, err)
			var got bytes.Buffer
			require.ErrorIs(t, way(r, &got), errTier)
			require.True(t, got.String() == page)
			require.NoError(t, r.Close())
			require.EqualValues(t, 1, o.fetches.Load())
		}
	}
}

// TestHitInsteadOfItsOrigin, which is not asked again for the rest of it.
func TestHitInsteadOfItsOrigin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tier := &crumbling{Store: memoryTier(t), with: errTier, at: 1000}
		c := opened(t, cache.WithTiers(tier), cache.WithFreshness(time.Minute, 0), cache.WithStaleWhileRevalidate(-1), cache.WithStaleIfError(24*time.Hour))
		o := &origin{body: page, meta: store.Metadata{ETag: `"e"`}}
		read(t, c, "k", o)
		time.Sleep(time.Hour)
		o.err = errOrigin
		r, err := c.Get(ctx, "k", o)
		require.NoError(t, err)
		_, err = io.Copy(io.Discard, r)
		require.ErrorIs(t, err, errTier)
		require.ErrorContains(t, err, "the origin has failed")
		require.NoError(t, r.Close())
		require.EqualValues(t, 2, o.fetches.Load())
	})
}

// TestHitReadOnIsClosed: the origin's body too, and at once when its client leaves.
func TestHitReadOnIsClosed(t *testing.T) {
	for _, n := range []int64{2000, int64(len(page))} {
		tier := &crumbling{Store: memoryTier(t), with: errTier, at: 1000}
		c := opened(t, cache.WithTiers(tier))
		meta := store.Metadata{ETag: `"e"`}
		read(t, c, "k", &origin{body: page, meta: meta})
		body := &countedBody{Reader: strings.NewReader(page)}
		r, err := c.Get(ctx, "k", cache.FetcherFunc(func(context.Context, *store.Metadata) (*cache.FetchResult, error) {
			return &cache.FetchResult{Body: body, Metadata: meta}, nil
		}))
		require.NoError(t, err)
		_, err = io.CopyN(io.Discard, r, n)
		require.NoError(t, err)
		require.NoError(t, r.Close())
		require.NoError(t, r.Close())
		require.Equal(t, 1, body.closed)
	}
}

type countedBody struct {
	io.Reader
	closed int
	panics bool
}

func (b *countedBody) Close() error {
	b.closed++
	if b.panics {
		panic("Close")
	}
	return nil
}

// TestHitsOfOtherWaysAreReadOn: those of a LookupStale, and those whose validator the
// origin has renewed.
func TestHitsOfOtherWaysAreReadOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, way := range ways {
			tier := &crumbling{Store: memoryTier(t), with: errTier, at: 2500}
			c := opened(t, cache.WithTiers(tier), cache.WithFreshness(time.Minute, 0), cache.WithStaleWhileRevalidate(-1))
			o := &origin{body: page, meta: store.Metadata{ETag: `"e"`}}
			renewed := cache.FetcherFunc(func(ctx context.Context, old *store.Metadata) (*cache.FetchResult, error) {
				res, err := o.Fetch(ctx, old)
				if old != nil {
					res, err = &cache.FetchResult{Metadata: res.Metadata}, cache.ErrNotModified
				}
				return res, err
			})
			read(t, c, "k", o)
			for i, get := range []func() (*cache.Response, error){
				func() (*cache.Response, error) { return c.LookupStale(ctx, "k", o) },
				func() (*cache.Response, error) {
					time.Sleep(time.Hour)
					o.meta.ETag = `"f"`
					return c.Get(ctx, "k", renewed)
				},
			} {
				r, err := get()
				require.NoError(t, err)
				var got bytes.Buffer
				require.NoError(t, way(r, &got))
				require.True(t, got.String() == page)
				require.NoError(t, r.Close())
				require.EqualValues(t, i+1, c.Stats().Resumes)
			}
		}
	})
}

type readerFunc func(p []byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// TestFileCutUnderACopy: the disk tier's own entries, in the middle of what may be a sendfile.
func TestFileCutUnderACopy(t *testing.T) {
	dir := t.TempDir()
	tier, err := disk.Open(dir, disk.Options{MaxBytes: 64 << 20})
	require.NoError(t, err)
	c := opened(t, cache.WithTiers(tier))
	o := &origin{body: digits, meta: store.Metadata{ETag: `"e"`}}
	read(t, c, "k", o)
	read(t, c, "k", o) // from now on its blocks are not checked again
	files, err := filepath.Glob(filepath.Join(dir, "*.entry"))
	require.NoError(t, err)
	require.Len(t, files, 1)
	r, err := c.Get(ctx, "k", o)
	require.NoError(t, err)
	dst := &copier{first: func() { require.NoError(t, os.Truncate(files[0], 100_000)) }}
	n, err := r.WriteTo(dst)
	require.NoError(t, err)
	require.EqualValues(t, len(digits), n)
	require.True(t, dst.String() == digits)
	require.NoError(t, r.Close())
	require.EqualValues(t, 1, c.Stats().Resumes)
	got, status := read(t, c, "k", o)
	require.True(t, got == digits)
	require.False(t, status.Hit)
	require.EqualValues(t, 3, o.fetches.Load())
}

// copier is a destination that copies for itself. In the middle of its first copy it calls
// first.
type copier struct {
	bytes.Buffer
	first func()
}

func (c *copier) ReadFrom(src io.Reader) (n int64, err error) {
	if c.first != nil {
		if n, err = io.CopyN(struct{ io.Writer }{&c.Buffer}, src, 90_000); err != nil {
			return n, err
		}
		c.first()
		c.first = nil
	}
	m, err := c.Buffer.ReadFrom(src)
	return n + m, err
}
