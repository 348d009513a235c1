package cache

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// memos remembers for a while, and for a bounded number of keys, what came of
// asking the origin:
//
//   - It failed. While the key's stale entry can stand in, the origin is left
//     alone for a time that doubles with each failure.
//   - Its answer could not be stored. Callers do not queue up for what they would
//     have to fetch for themselves after all (Varnish's hit-for-miss).
//   - A refresh found no room. The next one waits a little.
//
// A key that is forgotten early costs the origin a request.
type memos struct {
	known atomic.Int64 // len(byKey), so that nobody locks when there are none

	mu    sync.Mutex // guards byKey
	byKey map[string]memo
}

type memo struct {
	until    int64 // on the cache's clock
	failures int   // in a row
	unshared bool  // the answer could not be stored
}

const (
	maxMemos    = 4096
	unsharedFor = int64(time.Minute)
	refusedFor  = int64(time.Second)
)

// about returns what is remembered of a key; the zero memo is nothing.
func (m *memos) about(key string, now func() int64) memo {
	if m.known.Load() == 0 {
		return memo{}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if what := m.byKey[key]; now() < what.until {
		return what
	}
	return memo{}
}

// failed remembers a failure. The wait before the next try is longest at most,
// and spread over its upper half, so that keys that failed together do not come
// back together.
func (m *memos) failed(key string, now int64, longest time.Duration) {
	if longest <= 0 {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	n := m.byKey[key].failures + 1
	wait := int64(longest) >> max(0, 6-n)
	m.remember(key, memo{until: now + wait/2 + rand.Int64N(wait/2+1), failures: n})
}

func (m *memos) unshared(key string, now int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.remember(key, memo{until: now + unsharedFor, unshared: true})
}

func (m *memos) refused(key string, now int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.remember(key, memo{until: now + refusedFor})
}

// remember wants mu. A full memory forgets any other key.
func (m *memos) remember(key string, what memo) {
	if _, ok := m.byKey[key]; !ok && len(m.byKey) == maxMemos {
		for other := range m.byKey {
			delete(m.byKey, other)
			break
		}
	}
	m.byKey[key] = what
	m.known.Store(int64(len(m.byKey)))
}

// forget is for a key whose answer was good.
func (m *memos) forget(key string) {
	if m.known.Load() == 0 {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.byKey, key)
	m.known.Store(int64(len(m.byKey)))
}
