package cache_test

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/daramjwee/daramjwee/cache"
	"github.com/daramjwee/daramjwee/cache/store"
	"github.com/daramjwee/daramjwee/cache/store/disk"
	"github.com/daramjwee/daramjwee/internal/race"
)

// TestModel drives a cache with random operations over one to three tiers, which
// fail now and then, and an origin that changes and fails, and checks every answer
// against what the model allows:
//
//   - A body is whole, of its key, and one value from its first byte to its last.
//   - It began after the last Delete of its key, and not before the last Set.
//   - The origin vouched for it within freshness and the longest stale window.
//   - An error is the origin's, "not found", or that of a body that was cut.
func TestModel(t *testing.T) {
	want := 50_000
	if race.Enabled {
		want = 5_000
	}
	require.NoError(t, flag.Set("rapid.steps", "200"))
	var done int
	synctest.Test(t, func(t *testing.T) {
		for done < want { // rapid ends early: it looks at the clock, which runs fast here
			// Without Deadline, which a bubble does not have.
			rapid.Check(struct{ testing.TB }{t}, func(rt *rapid.T) {
				m := newModel(rt)
				defer m.end()
				rt.Repeat(map[string]func(*rapid.T){
					"":        func(*rapid.T) { done++ },
					"get":     m.get,
					"begin":   m.begin,
					"read on": m.readOn,
					"close":   m.close,
					"set":     m.set,
					"delete":  m.delete,
					"refresh": m.refresh,
					"wait":    m.wait,
					"change":  m.change,
					"origin":  m.toggleOrigin,
					"tier":    m.toggleTier,
					"settle":  func(*rapid.T) { synctest.Wait() },
					"restart": m.restart,
					"vanish":  m.vanish,
				})
			})
			if t.Failed() {
				return
			}
		}
	})
}

const (
	modelFresh  = time.Minute
	modelWindow = 10 * time.Minute
)

// value is what the origin or a Set made: the text is repeated to its length.
type value struct {
	seq, version int
	vouched      time.Time // when the origin said so last
}

type model struct {
	t     *rapid.T
	dir   string
	kinds []string // of the tiers
	pool  cache.Option
	tiers []*moody
	c     *cache.DaramjweeCache
	open  []*heldResponse

	mu      sync.Mutex // guards the following 7 fields against refreshes
	seq     int
	values  map[int]*value
	floor   map[string]int // by key: the least seq that may be returned
	version map[string]int // the origin's
	gone    map[string]bool
	broken  bool
	mended  time.Time // a refresh of this very moment may still have met a broken origin
}

// moody is a tier that fails at every call while it is down.
type moody struct {
	store.Store
	down atomic.Bool
}

func (m *moody) Open(ctx context.Context, key string) (store.Entry, error) {
	if m.down.Load() {
		return nil, errTier
	}
	return m.Store.Open(ctx, key)
}

func (m *moody) Create(ctx context.Context, key string, meta store.Metadata) (store.Writer, error) {
	if m.down.Load() {
		return nil, errTier
	}
	return m.Store.Create(ctx, key, meta)
}

func (m *moody) Stat(ctx context.Context, key string) (*store.Metadata, error) {
	if m.down.Load() {
		return nil, errTier
	}
	return m.Store.Stat(ctx, key)
}

func (m *moody) Delete(ctx context.Context, key string) error {
	if m.down.Load() {
		return errTier
	}
	return m.Store.Delete(ctx, key)
}

func (m *moody) UpdateMetadata(ctx context.Context, key string, gen uint64, meta store.Metadata) error {
	if m.down.Load() {
		return errTier
	}
	return m.Store.(store.MetadataUpdater).UpdateMetadata(ctx, key, gen, meta)
}

type heldResponse struct {
	*cache.Response
	key string
	got strings.Builder
}

func newModel(rt *rapid.T) *model {
	dir, err := os.MkdirTemp("", "model")
	require.NoError(rt, err)
	m := &model{t: rt, dir: dir, values: map[int]*value{}, floor: map[string]int{}, version: map[string]int{}, gone: map[string]bool{}}
	m.kinds = rapid.SliceOfN(rapid.SampledFrom([]string{"memory", "disk", "blind"}), 1, 3).Draw(rt, "tiers")
	m.pool = withStrategy(rapid.SampledFrom(strategies).Draw(rt, "strategy"))
	m.start()
	return m
}

func (m *model) start() {
	m.tiers = nil
	var stores []store.Store
	for i, kind := range m.kinds {
		var s store.Store
		var err error
		if kind == "disk" {
			s, err = disk.Open(fmt.Sprintf("%s/%d", m.dir, i), disk.Options{MaxBytes: 1 << 20})
		} else {
			s, err = smallMemory()
		}
		require.NoError(m.t, err)
		m.tiers = append(m.tiers, &moody{Store: s})
		stores = append(stores, m.tiers[i])
		if kind == "blind" {
			stores[i] = blind{m.tiers[i]}
		}
	}
	var err error
	m.c, err = cache.New(m.pool, cache.WithTiers(stores...), cache.WithFreshness(modelFresh, modelFresh),
		cache.WithStaleWhileRevalidate(modelFresh), cache.WithStaleIfError(modelWindow), cache.WithBackoff(modelFresh), cache.WithFinish(1000, 50))
	require.NoError(m.t, err)
}

func (m *model) end() {
	for _, h := range m.open {
		h.Close()
	}
	synctest.Wait()
	for _, t := range m.tiers {
		t.down.Store(false)
	}
	require.NoError(m.t, m.c.Close())
	require.Zero(m.t, m.c.Stats().BufferPool.ActiveBuffers)
	require.NoError(m.t, os.RemoveAll(m.dir))
}

var modelKeys = rapid.SampledFrom([]string{"a", "b", ""})

func (m *model) text(key string, seq int) string {
	return strings.Repeat(fmt.Sprintf("%q %d;", key, seq), 1+seq*37%600)
}

// fetcher is the origin for one key.
func (m *model) fetcher(key string) cache.Fetcher {
	return cache.FetcherFunc(func(ctx context.Context, old *store.Metadata) (*cache.FetchResult, error) {
		m.mu.Lock()
		defer m.mu.Unlock()
		switch {
		case m.broken:
			return nil, errOrigin
		case m.gone[key]:
			return nil, cache.ErrNotFound
		}
		version := m.version[key]
		if old != nil {
			var of, seq int
			if n, _ := fmt.Sscanf(old.ETag, `"%d-%d"`, &of, &seq); n == 2 && of == version {
				m.values[seq].vouched = time.Now()
				return nil, cache.ErrNotModified
			}
		}
		v := m.make(version)
		text := m.text(key, v.seq)
		meta := store.Metadata{ETag: fmt.Sprintf(`"%d-%d"`, version, v.seq)}
		if v.seq%3 > 0 {
			meta.Size = int64(len(text))
		}
		return &cache.FetchResult{Body: io.NopCloser(&pieces{strings.NewReader(text), 700}), Metadata: meta}, nil
	})
}

// make wants mu.
func (m *model) make(version int) *value {
	m.seq++
	v := &value{m.seq, version, time.Now()}
	m.values[v.seq] = v
	return v
}

// ask is a Get whose error, if any, is one that the model allows.
func (m *model) ask(key string) *cache.Response {
	r, err := m.c.Get(ctx, key, m.fetcher(key))
	if err != nil {
		m.mu.Lock()
		defer m.mu.Unlock()
		require.True(m.t, (m.broken || m.mended.Equal(time.Now())) && err == errOrigin || err == cache.ErrNotFound, "get %q: %v", key, err)
		return nil
	}
	return r
}

// check looks at a text that a new Get returned, or the beginning of one.
func (m *model) check(key, text string, whole bool) {
	if text == "" {
		require.False(m.t, whole, "an empty body")
		return
	}
	var name string
	var seq int
	_, err := fmt.Sscanf(text, "%q %d;", &name, &seq)
	if err != nil && !whole {
		return // too little of it
	}
	require.NoError(m.t, err, "%.40q", text)
	require.Equal(m.t, key, name)
	want := m.text(key, seq)
	if whole {
		require.True(m.t, text == want, "%d of %d bytes", len(text), len(want))
	}
	require.True(m.t, strings.HasPrefix(want, text), "mixed values")
	m.mu.Lock()
	defer m.mu.Unlock()
	require.GreaterOrEqual(m.t, seq, m.floor[key], "came back after a Delete or Set")
	require.LessOrEqual(m.t, time.Since(m.values[seq].vouched), modelFresh+modelWindow, "too old")
}

func (m *model) get(rt *rapid.T) {
	key := modelKeys.Draw(rt, "key")
	r := m.ask(key)
	if r == nil {
		return
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err == nil {
		m.check(key, string(b), true)
	}
	require.NoError(rt, err)
}

func (m *model) begin(rt *rapid.T) {
	if len(m.open) == 5 {
		return
	}
	key := modelKeys.Draw(rt, "key")
	r := m.ask(key)
	if r == nil {
		return
	}
	h := &heldResponse{Response: r, key: key}
	m.open = append(m.open, h)
	_, err := io.CopyN(&h.got, r, int64(rapid.IntRange(1, 3000).Draw(rt, "bytes")))
	if err != io.EOF {
		require.NoError(rt, err)
	}
	m.check(key, h.got.String(), err == io.EOF)
}

// take removes one of the open responses.
func (m *model) take(rt *rapid.T) *heldResponse {
	if len(m.open) == 0 {
		return nil
	}
	i := rapid.IntRange(0, len(m.open)-1).Draw(rt, "response")
	h := m.open[i]
	m.open = append(m.open[:i], m.open[i+1:]...)
	return h
}

// readOn may be of any age, but is the one value that it began as.
func (m *model) readOn(rt *rapid.T) {
	h := m.take(rt)
	if h == nil {
		return
	}
	defer h.Close()
	_, err := h.WriteTo(&h.got)
	require.NoError(rt, err)
	var seq int
	var name string
	_, err = fmt.Sscanf(h.got.String(), "%q %d;", &name, &seq)
	require.NoError(rt, err)
	require.True(rt, h.got.String() == m.text(h.key, seq))
}

func (m *model) close(rt *rapid.T) {
	if h := m.take(rt); h != nil {
		require.NoError(rt, h.Close())
	}
}

func (m *model) set(rt *rapid.T) {
	key := modelKeys.Draw(rt, "key")
	m.mu.Lock()
	v := m.make(-1) // the origin has no such version
	m.mu.Unlock()
	text := m.text(key, v.seq)
	w, err := m.c.Set(ctx, key, store.Metadata{Size: int64(len(text))})
	if err == nil {
		if _, err = io.WriteString(w, text); err == nil {
			err = w.Commit(ctx)
		}
		w.Abort()
	}
	if err != nil {
		return // tiers that are down; the key may or may not have been cleared
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.floor[key] = v.seq
}

func (m *model) delete(rt *rapid.T) {
	key := modelKeys.Draw(rt, "key")
	m.mu.Lock()
	floor := m.seq + 1
	m.mu.Unlock()
	_ = m.c.Delete(ctx, key) // a tier that failed to delete may hold it, and Get ignores it
	m.mu.Lock()
	defer m.mu.Unlock()
	m.floor[key] = max(m.floor[key], floor)
}

func (m *model) refresh(rt *rapid.T) {
	key := modelKeys.Draw(rt, "key")
	require.NoError(rt, m.c.ScheduleRefresh(ctx, key, m.fetcher(key)))
}

func (m *model) wait(rt *rapid.T) {
	time.Sleep(time.Duration(rapid.IntRange(1, 400).Draw(rt, "seconds")) * time.Second)
}

func (m *model) change(rt *rapid.T) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.version[modelKeys.Draw(rt, "key")]++
}

func (m *model) vanish(rt *rapid.T) {
	m.mu.Lock()
	defer m.mu.Unlock()
	key := modelKeys.Draw(rt, "key")
	m.gone[key] = !m.gone[key]
}

func (m *model) toggleOrigin(*rapid.T) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.broken = !m.broken; !m.broken {
		m.mended = time.Now()
	}
}

func (m *model) toggleTier(rt *rapid.T) {
	synctest.Wait() // no worker looks at it now
	t := m.tiers[rapid.IntRange(0, len(m.tiers)-1).Draw(rt, "tier")]
	t.down.Store(!t.down.Load())
}

func (m *model) restart(rt *rapid.T) {
	for _, h := range m.open {
		require.NoError(rt, h.Close())
	}
	m.open = nil
	synctest.Wait()
	for _, t := range m.tiers {
		t.down.Store(false) // what is left over is deleted by Close
	}
	require.NoError(rt, m.c.Close())
	time.Sleep(time.Second) // numbers go on from the clock, where a tier cannot list what it has
	m.start()
}
