// Package sieve is the eviction order of the tiers: SIEVE (Zhang et al., NSDI
// '24). New nodes enter at the head, a hit only sets a bit, and a hand moves from
// the tail towards the head, clears the bits it meets and evicts the first node that
// has none. Nothing moves on a hit, so readers need no lock for it.
package sieve

import "sync/atomic"

// Node is an element of a Queue. Embed it or point to what it stands for
// through Value. A Node is in one Queue at most.
type Node[V any] struct {
	visited    atomic.Bool // first: a hit touches nothing else
	queued     bool
	Value      V
	prev, next *Node[V] // prev is nearer the head
}

// Visit records a hit. It is safe for concurrent use with everything.
func (n *Node[V]) Visit() {
	if !n.visited.Load() { // a read keeps the cache line shared
		n.visited.Store(true)
	}
}

// Queue orders nodes for eviction. Its methods want the caller's lock. The zero
// value is empty.
type Queue[V any] struct {
	head, tail, hand *Node[V]
	len              int
}

// Push enters n at the head. n must not be queued.
func (q *Queue[V]) Push(n *Node[V]) {
	if n.queued {
		panic("sieve: Push of a queued node")
	}
	n.queued = true
	n.visited.Store(false)
	n.prev, n.next = nil, q.head
	if q.head != nil {
		q.head.prev = n
	} else {
		q.tail = n
	}
	q.head = n
	q.len++
}

// Remove takes n out. It reports false when n was in no queue; it must not be in
// another one.
func (q *Queue[V]) Remove(n *Node[V]) bool {
	if !n.queued {
		return false
	}
	if q.hand == n {
		q.hand = n.prev
	}
	if n.prev != nil {
		n.prev.next = n.next
	} else {
		q.head = n.next
	}
	if n.next != nil {
		n.next.prev = n.prev
	} else {
		q.tail = n.prev
	}
	n.prev, n.next, n.queued = nil, nil, false
	q.len--
	return true
}

// Evict removes and returns the next victim, or nil when there is none. The hand
// passes by whatever spare, unless it is nil, says is not to be evicted.
func (q *Queue[V]) Evict(spare func(V) bool) *Node[V] {
	// One round clears every bit, so in the second one bits do not count: hits that
	// go on meanwhile could keep the hand going round for ever.
	return q.evict(spare, 2*q.len)
}

// EvictUnvisited is Evict where nothing need be evicted: it looks at no more than most
// nodes, each once, clears the bits that it meets, and returns nil when it finds none.
// The next call goes on where it stopped.
func (q *Queue[V]) EvictUnvisited(spare func(V) bool, most int) *Node[V] {
	return q.evict(spare, min(most, q.len))
}

func (q *Queue[V]) evict(spare func(V) bool, most int) *Node[V] {
	for i := range most {
		n := q.hand
		if n == nil {
			n = q.tail
		}
		q.hand = n.prev
		switch {
		case spare != nil && spare(n.Value):
		case i < q.len && n.visited.Load():
			n.visited.Store(false)
		default:
			q.Remove(n)
			return n
		}
	}
	return nil
}

// Len is the number of queued nodes.
func (q *Queue[V]) Len() int { return q.len }

// All calls yield for each node from the newest to the oldest until it returns
// false. The queue must not change meanwhile.
func (q *Queue[V]) All(yield func(*Node[V]) bool) {
	for n := q.head; n != nil; n = n.next {
		if !yield(n) {
			return
		}
	}
}
