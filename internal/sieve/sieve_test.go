package sieve

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// model is SIEVE over a slice, from the oldest to the newest, as the paper's
// pseudocode has it.
type model struct {
	nodes []modelNode
	hand  int // index of the node that is looked at next; len(nodes) is "start at the tail"
}

type modelNode struct {
	id      int
	visited bool
}

func (m *model) index(id int) int {
	return slices.IndexFunc(m.nodes, func(n modelNode) bool { return n.id == id })
}

func (m *model) push(id int) {
	if m.hand == len(m.nodes) {
		m.hand = 0 // a node that is new is never the next one, unless it is alone
	}
	m.nodes = append(m.nodes, modelNode{id: id})
}

func (m *model) remove(i int) {
	m.nodes = slices.Delete(m.nodes, i, i+1)
	if m.hand > i {
		m.hand--
	}
}

func (m *model) evict() int {
	for {
		if m.hand == len(m.nodes) {
			m.hand = 0
		}
		n := &m.nodes[m.hand]
		if !n.visited {
			id := n.id
			m.remove(m.hand)
			return id
		}
		n.visited = false
		m.hand++
	}
}

// TestQueueIsSIEVE drives a Queue and the model with the same random operations.
func TestQueueIsSIEVE(t *testing.T) {
	for seed := range uint64(20) {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 1))
			var (
				q     Queue[int]
				m     model
				nodes = map[int]*Node[int]{}
			)
			anyNode := func() *Node[int] { return nodes[m.nodes[rng.IntN(len(m.nodes))].id] }
			for id := range 600 {
				switch op := rng.IntN(9); {
				case op < 3 || len(m.nodes) == 0:
					nodes[id] = &Node[int]{Value: id}
					q.Push(nodes[id])
					m.push(id)
				case op < 6:
					n := anyNode()
					n.Visit()
					m.nodes[m.index(n.Value)].visited = true
				case op < 7:
					n := anyNode()
					require.True(t, q.Remove(n))
					require.False(t, q.Remove(n), "removed before")
					m.remove(m.index(n.Value))
				default:
					require.Equal(t, m.evict(), q.Evict(nil).Value)
				}
				requireSame(t, &m, &q)
			}
			for len(m.nodes) > 0 {
				require.Equal(t, m.evict(), q.Evict(nil).Value)
				requireSame(t, &m, &q)
			}
			require.Nil(t, q.Evict(nil))
		})
	}
}

func requireSame(t *testing.T, m *model, q *Queue[int]) {
	t.Helper()
	require.Equal(t, len(m.nodes), q.Len())
	i := len(m.nodes)
	for n := range q.All {
		i--
		require.Equal(t, m.nodes[i].id, n.Value)
	}
	require.Zero(t, i)
}

func TestNodeIsInOneQueueAtMost(t *testing.T) {
	var a, b Queue[int]
	n := &Node[int]{}
	require.False(t, a.Remove(n), "never queued")
	a.Push(n)
	require.Panics(t, func() { a.Push(n) })
	require.Panics(t, func() { b.Push(n) })
	require.Equal(t, 1, a.Len())
	require.Zero(t, b.Len())
	require.True(t, a.Remove(n))
	b.Push(n)
	require.Equal(t, 1, b.Len())
}

// A node comes back as new: nothing of its former life counts.
func TestPushForgetsVisits(t *testing.T) {
	var q Queue[string]
	old, other := &Node[string]{Value: "old"}, &Node[string]{Value: "other"}
	q.Push(old)
	old.Visit()
	q.Remove(old)
	old.Visit() // a reader that was late
	q.Push(old)
	q.Push(other)
	require.Equal(t, "old", q.Evict(nil).Value)
}

func TestAllStopsWhenAsked(t *testing.T) {
	var q Queue[int]
	for i := range 5 {
		q.Push(&Node[int]{Value: i})
	}
	var seen []int
	for n := range q.All {
		seen = append(seen, n.Value)
		if len(seen) == 2 {
			break
		}
	}
	require.Equal(t, []int{4, 3}, seen)
}

// Visits need no lock: under -race this fails when a bit is not atomic. Whatever
// they do to the order, each node is evicted once.
func TestEvictUnderConcurrentVisits(t *testing.T) {
	const nodes, visitors = 64, 4
	var (
		q    Queue[int]
		all  [nodes]Node[int]
		stop = make(chan struct{})
		wg   sync.WaitGroup
	)
	for i := range all {
		all[i].Value = i
		q.Push(&all[i])
	}
	for range visitors {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					for i := range all {
						all[i].Visit()
					}
				}
			}
		})
	}
	evicted := map[int]bool{}
	for range nodes {
		evicted[q.Evict(nil).Value] = true
	}
	close(stop)
	wg.Wait()
	require.Len(t, evicted, nodes)
	require.Nil(t, q.Evict(nil))
	require.Zero(t, q.Len())
}

// What is spared keeps its place and its bit, however often the hand passes.
func TestEvictPassesBy(t *testing.T) {
	var q Queue[int]
	for i := range 6 {
		n := &Node[int]{Value: i}
		q.Push(n)
		if i < 4 {
			n.Visit()
		}
	}
	even := func(i int) bool { return i%2 == 0 }
	require.Equal(t, 5, q.Evict(even).Value, "the first without a bit")
	require.Equal(t, 1, q.Evict(even).Value)
	require.Equal(t, 3, q.Evict(even).Value)
	require.Nil(t, q.Evict(even))
	require.Equal(t, 4, q.Evict(nil).Value, "0 and 2 still have their bits")
	require.Equal(t, 2, q.Len())
}

func TestEvictUnvisited(t *testing.T) {
	const all = 100
	var q Queue[int]
	for i := range 3 {
		n := &Node[int]{Value: i}
		q.Push(n)
		n.Visit()
	}
	require.Nil(t, q.EvictUnvisited(nil, all))
	require.Equal(t, 3, q.Len())
	require.Equal(t, 0, q.EvictUnvisited(nil, all).Value, "not visited since")
	require.Nil(t, q.EvictUnvisited(func(int) bool { return true }, all))
}

func TestEvictUnvisitedGoesOn(t *testing.T) {
	var q Queue[int]
	for i := range 5 {
		n := &Node[int]{Value: i}
		q.Push(n)
		if i < 4 {
			n.Visit()
		}
	}
	require.Nil(t, q.EvictUnvisited(nil, 2))
	require.Nil(t, q.EvictUnvisited(nil, 2))
	require.Equal(t, 4, q.EvictUnvisited(nil, 2).Value)
	require.Equal(t, 0, q.EvictUnvisited(nil, 2).Value, "from the tail again")
}
