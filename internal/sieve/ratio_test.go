package sieve

import (
	"container/list"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// sieveHits counts the hits of a cache of the given capacity, in nodes, over a trace.
func sieveHits(trace []uint64, capacity int) (hits int) {
	var q Queue[uint64]
	index := map[uint64]*Node[uint64]{}
	for _, key := range trace {
		if n, ok := index[key]; ok {
			n.Visit()
			hits++
			continue
		}
		if q.Len() == capacity {
			delete(index, q.Evict(nil).Value)
		}
		index[key] = &Node[uint64]{Value: key}
		q.Push(index[key])
	}
	return hits
}

// listHits is FIFO, and LRU when a hit moves to the front.
func listHits(trace []uint64, capacity int, lru bool) (hits int) {
	order := list.New()
	index := map[uint64]*list.Element{}
	for _, key := range trace {
		if e, ok := index[key]; ok {
			hits++
			if lru {
				order.MoveToFront(e)
			}
			continue
		}
		if order.Len() == capacity {
			delete(index, order.Remove(order.Back()).(uint64))
		}
		index[key] = order.PushFront(key)
	}
	return hits
}

// On a Zipf trace SIEVE beats LRU, and LRU beats FIFO: the paper's ordering. It
// is a check of sanity, the queue's exact behaviour is the model's to test.
func TestHitRatioOrdering(t *testing.T) {
	const keys, requests, capacity = 20_000, 200_000, 1_000
	zipf := rand.NewZipf(rand.New(rand.NewPCG(7, 7)), 1.1, 1, keys-1)
	trace := make([]uint64, requests)
	for i := range trace {
		trace[i] = zipf.Uint64()
	}
	sieve := sieveHits(trace, capacity)
	lru := listHits(trace, capacity, true)
	fifo := listHits(trace, capacity, false)
	t.Logf("hit ratios: sieve %.3f, lru %.3f, fifo %.3f", float64(sieve)/requests, float64(lru)/requests, float64(fifo)/requests)
	require.Greater(t, sieve, lru)
	require.Greater(t, lru, fifo)
}

func BenchmarkVisit(b *testing.B) {
	var n Node[int]
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			n.Visit()
		}
	})
}

func BenchmarkPushEvict(b *testing.B) {
	var q Queue[int]
	nodes := make([]Node[int], 1024)
	for i := range nodes {
		q.Push(&nodes[i])
	}
	for b.Loop() {
		q.Push(q.Evict(nil))
	}
}
