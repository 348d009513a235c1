package conformance

import "slices"

// rooms are where streams arrive. The matrices copy thousands of times, and
// memory of its own for each copy would cost more than all else that they do.
// They belong to one check, so that a liar which is abandoned while it copies
// writes to nobody else's.
type rooms struct {
	all    [][]byte
	used   int
	buffer []byte
}

// room is empty, with capacity for every payload. It is lent until the sweep ends.
func (r *rooms) room() []byte {
	if r.used == len(r.all) {
		r.all = append(r.all, make([]byte, 0, megabyte+512)) // bytes.Buffer reads into 512 bytes more than it has
	}
	r.used++
	return r.all[r.used-1]
}

// staging is a buffer for one copy at a time, long enough for all of the lengths
// and for io.Copy's own.
func (r *rooms) staging(lengths []int) []byte {
	n := max(32<<10, slices.Max(append(lengths, 0)))
	if cap(r.buffer) < n {
		r.buffer = make([]byte, n)
	}
	return r.buffer[:n]
}

// sweep runs f, and then the clean-ups that f asked for.
func (c *poolCheck) sweep(f func()) {
	cleanups, used := len(c.cleanups), c.used
	f()
	for i := len(c.cleanups) - 1; i >= cleanups; i-- {
		c.cleanups[i]()
	}
	c.cleanups, c.used = c.cleanups[:cleanups], used
}
