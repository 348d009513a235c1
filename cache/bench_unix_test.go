//go:build unix

package cache_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/daramjwee/daramjwee/cache"
	"github.com/daramjwee/daramjwee/cache/store"
	"github.com/daramjwee/daramjwee/cache/store/disk"
	"github.com/daramjwee/daramjwee/cache/store/memory"
	"github.com/daramjwee/daramjwee/strategy"
)

// BenchmarkCache is what one operation costs, in a memory tier of 64 MiB (promotes of
// 1 KiB: 2 MiB) that is full, after 10,000 of them, or as many as move 2.5 GB; persists
// after a tenth of that. Hits, refreshes and promotes go round over up to 512 entries,
// promotes over twice as many as there is room for. Persists of more clients than half
// the tier has room for are left out. strategy=floor is the least that moves the same bytes, measured in the
// same run: what is read goes into a ring of 64 KiB blocks as large as the tier,
// what is written comes out of it. The origin's body is there already and comes in
// reads of 16 KiB, the client only counts. strategy=noop is the cache without
// pooling, for streams and for blocks. cpu-ns/op is of the whole process.
func BenchmarkCache(b *testing.B) {
	for _, op := range benchOps {
		for _, size := range []int{1 << 10, 32 << 10, 256 << 10, 1 << 20, 4 << 20} {
			for _, clients := range []int{1, 8, 64, 512} {
				if testing.Short() && clients > 8 || op.name == "persist" && clients*size > limit()/2 { // or some would go to disk at once
					continue
				}
				for _, name := range []string{"floor", "noop", "syncpool", "bytebuffer", "channel"} {
					b.Run(fmt.Sprintf("op=%s/size=%s/clients=%d/strategy=%s", op.name, sizeText(size), clients, name), func(b *testing.B) {
						r := &bench{b: b, size: size, clients: clients, strategy: name, limit: limit()}
						if op.name == "promote" && size < 32<<10 {
							r.limit /= 32 // so that a few thousand files are twice as much
						}
						if name == "floor" {
							op.floor(r)
						} else {
							op.run(r)
						}
					})
				}
			}
		}
	}
}

func sizeText(n int) string {
	if n >= 1<<20 {
		return strconv.Itoa(n>>20) + "MiB"
	}
	return strconv.Itoa(n>>10) + "KiB"
}

const benchLimit = 64 << 20

func limit() int {
	if testing.Short() {
		return benchLimit / 4
	}
	return benchLimit
}

var benchOps = []struct {
	name       string
	run, floor func(r *bench)
}{
	{"hit", func(r *bench) {
		keys := r.fill()
		r.loop(func() func(i int) {
			client, origin := new(counter), newReady(r.size)
			return func(i int) { r.get(keys[i%len(keys)], origin, client) }
		})
		r.must(r.c.Stats().Hits >= int64(r.b.N), "hits")
	}, floorOfHit},
	{"stale-hit", func(r *bench) {
		r.stale = true
		keys := r.fill()
		r.loop(func() func(i int) {
			client := new(counter)
			down := cache.FetcherFunc(func(context.Context, *store.Metadata) (*cache.FetchResult, error) { return nil, errOrigin })
			return func(i int) { r.get(keys[i%len(keys)], down, client) }
		})
		r.must(r.c.Stats().StaleHits >= int64(r.b.N), "stale hits")
	}, floorOfHit},
	{"miss", func(r *bench) {
		r.fill()
		r.loop(func() func(i int) {
			client, origin := new(counter), newReady(r.size)
			return func(int) { r.get(r.freshKey(), origin, client) }
		})
		r.must(r.c.Stats().Fetches >= int64(r.b.N), "fetches")
		r.all(r.c.Stats().Fills, "fills")
	}, func(r *bench) {
		r.loop(func() func(i int) {
			client, origin, ring := new(counter), newReady(r.size), r.newRing()
			return func(int) {
				origin.body.left = r.size
				ring.read(&origin.body, client)
			}
		})
	}},
	{"promote", func(r *bench) {
		r.two = true
		keys := r.onDisk(2 * r.limit / r.size)
		client, origin := new(counter), newReady(r.size)
		for _, key := range keys { // the near tier is full of the later half, so each is found below
			r.get(key, origin, client)
		}
		r.loop(func() func(i int) {
			client := new(counter)
			return func(i int) { r.get(keys[i%len(keys)], origin, client) }
		})
		r.all(r.c.Stats().Promotes, "promotes")
	}, func(r *bench) {
		names := make([]string, 2*r.limit/r.size) // as many as above: one file alone would lie in the processor's cache
		dir := r.b.TempDir()
		for i := range names {
			names[i] = filepath.Join(dir, strconv.Itoa(i))
			if err := os.WriteFile(names[i], make([]byte, r.size), 0o600); err != nil {
				r.b.Fatal(err)
			}
		}
		r.loop(func() func(i int) {
			client, ring := new(counter), r.newRing()
			return func(i int) {
				f, err := os.Open(names[i%len(names)])
				if err != nil {
					panic(err)
				}
				ring.read(f, client)
				f.Close()
			}
		})
	}},
	{"refresh", func(r *bench) {
		r.observed = true
		keys, origin := r.fill(), newReady(r.size) // one worker refreshes
		r.loop(func() func(i int) {
			return func(int) {
				n := r.refreshing.begin(max(1, len(keys)/2))
				if err := r.c.ScheduleRefresh(ctx, keys[n%len(keys)], origin); err != nil {
					panic(err)
				}
			}
		})
		r.must(r.c.Stats().RefreshFailures == 0, "refreshes")
	}, func(r *bench) {
		r.loop(func() func(i int) {
			origin, ring := newReady(r.size), r.newRing()
			return func(int) {
				origin.body.left = r.size
				ring.read(&origin.body, io.Discard)
			}
		})
	}},
	{"persist", func(r *bench) {
		r.two, r.observed, r.slow = true, true, true
		r.start()
		for range r.limit / r.size {
			r.put(r.near)
		}
		r.loop(func() func(i int) {
			client, origin := new(counter), newReady(r.size)
			return func(int) {
				if r.get(r.freshKey(), origin, client) {
					<-r.persisted
				}
			}
		})
		r.all(r.c.Stats().Persists, "persists")
	}, func(r *bench) {
		dir := r.b.TempDir()
		r.loop(func() func(i int) {
			client, origin, ring := new(counter), newReady(r.size), r.newRing()
			return func(i int) {
				origin.body.left = r.size
				ring.read(&origin.body, client)
				f, err := os.Create(dir + "/" + strconv.Itoa(i%64))
				if err != nil {
					panic(err)
				}
				ring.write(f, r.size)
				f.Close()
			}
		})
	}},
}

func floorOfHit(r *bench) {
	r.loop(func() func(i int) {
		client, ring := new(counter), r.newRing()
		return func(int) { ring.write(client, r.size) }
	})
}

// bench is one benchmark.
type bench struct {
	b             *testing.B
	size, clients int
	strategy      string
	stale, two    bool
	observed      bool // somebody waits for what is done in the background
	slow          bool // a tenth of the warm-up will do
	limit         int  // of the near tier, bytes

	c          *cache.DaramjweeCache
	near       *memory.Store
	far        *disk.Store
	refreshing batches
	persisted  chan struct{}
	next       atomic.Int64
}

func (r *bench) must(ok bool, what string) {
	if !ok {
		r.b.Fatalf("%s: %+v", what, r.c.Stats())
	}
}

// all is must for what every operation does, but for those of many clients, whose bodies
// may find no room beside each other.
func (r *bench) all(n int64, what string) {
	r.must(n >= int64(r.b.N) || r.clients > 1 && n > 0, what)
}

// start opens the cache.
func (r *bench) start() {
	r.persisted = make(chan struct{}, r.clients)
	pool := strategy.BufferPoolConfig{Enabled: true, Strategy: r.strategy, MaxIdle: 2048}
	blocks := pool
	var err error
	if r.near, err = memory.New(memory.Options{MaxBytes: int64(r.limit), BufferPool: blocks}); err != nil {
		r.b.Fatal(err)
	}
	tiers := []store.Store{r.near}
	if r.two {
		if r.far, err = disk.Open(r.b.TempDir(), disk.Options{MaxBytes: 4 * benchLimit}); err != nil {
			r.b.Fatal(err)
		}
		tiers = append(tiers, r.far)
	}
	opts := []cache.Option{cache.WithTiers(tiers...), cache.WithBufferPoolAdvanced(pool), cache.WithWorkers(1, 4096)}
	if r.observed {
		opts = append(opts, cache.WithObserver(cache.ObserverFunc(r.observe)))
	}
	if r.stale {
		opts = append(opts, cache.WithFreshness(-1, 0), cache.WithBackoff(time.Hour), cache.WithStaleWhileRevalidate(time.Hour))
	}
	if r.c, err = cache.New(opts...); err != nil {
		r.b.Fatal(err)
	}
	r.b.Cleanup(func() { r.c.Close() })
}

// observe tells whoever waits.
func (r *bench) observe(_ context.Context, e cache.Event) {
	switch {
	case e.Kind == cache.EventRefresh:
		r.refreshing.end()
	case e.Kind == cache.EventPersist:
		select {
		case r.persisted <- struct{}{}:
		default: // nobody waits
		}
	}
}

// fill has the nearest tier full before anything is counted, and returns keys of
// entries that are there.
func (r *bench) fill() []string {
	r.start()
	keys := make([]string, r.limit/r.size)
	client, origin := new(counter), newReady(r.size)
	for i := range keys {
		keys[i] = r.freshKey()
		r.get(keys[i], origin, client)
	}
	r.must(r.near.Stats().Evictions > 0, "evictions")
	return keys[len(keys)-min(512, max(2, len(keys)/3)):] // two: a refresh that is told of may not have ended
}

// onDisk has n entries in the lower tier only.
func (r *bench) onDisk(n int) []string {
	r.start()
	keys := make([]string, n)
	for i := range keys {
		keys[i] = r.put(r.far)
	}
	return keys
}

// put has an entry in one tier.
func (r *bench) put(tier store.Store) (key string) {
	key = r.freshKey()
	w, err := tier.Create(ctx, key, store.Metadata{Size: int64(r.size), StoredAt: time.Now(), Generation: 1})
	if err == nil {
		_, err = io.Copy(w, &endless{left: r.size})
	}
	if err == nil {
		err = w.Commit(ctx)
	}
	if err != nil {
		r.b.Fatal(err)
	}
	return key
}

func (r *bench) freshKey() string { return "key-" + strconv.FormatInt(r.next.Add(1), 10) }

func (r *bench) get(key string, f cache.Fetcher, dst *counter) (stored bool) {
	resp, err := r.c.Get(ctx, key, f)
	if err == nil {
		stored = resp.Status().Stored
		_, err = resp.WriteTo(dst)
		resp.Close()
	}
	if err != nil {
		panic(err)
	}
	return stored
}

// batches of what goes on in the background: to wait for each would cost a switch of
// threads each.
type batches struct {
	mu      sync.Mutex
	idle    sync.Cond // none runs
	begun   int
	running int
	full    bool // until idle
}

// begin returns the number of what begins. After most that run, it waits for all of them.
func (b *batches) begin(most int) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.idle.L = &b.mu
	for b.full {
		b.idle.Wait()
	}
	b.begun++
	b.running++
	b.full = b.running >= most
	return b.begun
}

func (b *batches) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.running--; b.running == 0 {
		b.full = false
		b.idle.Broadcast()
	}
}

func (b *batches) wait() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.running > 0 {
		b.idle.Wait()
	}
}

// loop runs what op returns, once for each client, in all of them at once.
func (r *bench) loop(op func() func(i int)) {
	r.b.SetBytes(int64(r.size))
	r.b.ReportAllocs()
	warmHeap()
	clients := make([]func(i int), r.clients)
	for c := range clients {
		clients[c] = op()
	}
	var i atomic.Int64
	for range r.warmUps() {
		clients[0](int(i.Add(1)))
	}
	before := cpuTime()
	if r.clients == 1 {
		for r.b.Loop() {
			clients[0](int(i.Add(1)))
		}
	} else { // RunParallel has a multiple of the processors
		r.b.ResetTimer()
		last := i.Load() + int64(r.b.N)
		var all sync.WaitGroup
		for _, run := range clients {
			all.Go(func() {
				for n := i.Add(1); n <= last; n = i.Add(1) {
					run(int(n))
				}
			})
		}
		all.Wait()
	}
	r.refreshing.wait()
	r.b.ReportMetric(float64(cpuTime()-before)/float64(r.b.N), "cpu-ns/op")
}

func (r *bench) warmUps() int {
	switch n := min(10_000, 10_000*256/(r.size>>10)); {
	case testing.Short():
		return 1
	case r.slow:
		return n / 10
	default:
		return n
	}
}

// warmHeap has the runtime go over its whole heap twice, as it has in any process
// that runs for a while: to touch memory for the first time costs a page fault.
func warmHeap() {
	runtime.GC()
	if testing.Short() {
		return
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	for until := m.NumGC + 2; m.NumGC < until; runtime.ReadMemStats(&m) {
		for range 10_000 {
			garbage = make([]byte, 512)
		}
	}
	runtime.GC()
}

var garbage []byte

func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// ring is the floor's tier.
type ring struct {
	blocks [][]byte
	at     int
}

func (r *bench) newRing() *ring {
	ring := new(ring)
	for range max(2, r.limit/r.clients/(64<<10)) {
		block := make([]byte, 64<<10)
		for i := range block { // have the pages
			block[i] = byte(i)
		}
		ring.blocks = append(ring.blocks, block)
	}
	return ring
}

// read fills blocks from src, and writes each out when it is full.
func (g *ring) read(src io.Reader, dst io.Writer) {
	for {
		g.at = (g.at + 1) % len(g.blocks)
		block, n := g.blocks[g.at], 0
		for n < len(block) {
			m, err := src.Read(block[n:])
			if m > 0 {
				dst.Write(block[n : n+m])
			}
			if n += m; err != nil {
				return
			}
		}
	}
}

func (g *ring) write(dst io.Writer, size int) {
	for size > 0 {
		n := min(size, len(g.blocks[g.at]))
		dst.Write(g.blocks[g.at][:n])
		size -= n
		g.at = (g.at + 1) % len(g.blocks)
	}
}
