package disk

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"math"
	"slices"
)

// The order of eviction, saved by Close: magic, the hashes of the keys from the
// first victim on, a CRC-32C of all that. It is a hint and nothing depends on it.
const (
	orderName  = "daramjwee.order"
	orderMagic = "djw-ordr"
)

// saveOrder empties the queue into the file. What SIEVE knows, the hand and the
// visited bits, is in the order in which it gives its nodes up.
func (s *Store) saveOrder() {
	s.mu.Lock()
	b := make([]byte, 0, len(orderMagic)+s.queue.Len()*sha256.Size+sumSize)
	b = append(b, orderMagic...)
	for n := s.queue.Evict(nil); n != nil; n = s.queue.Evict(nil) {
		b, _ = hex.AppendDecode(b, []byte(n.Value.name[:2*sha256.Size])) // a name is hexadecimal
	}
	s.mu.Unlock()
	b = le.AppendUint32(b, checksum(b))

	name, fd, err := s.stage()
	if err == nil {
		_, err = fd.Write(b)
		fd.Close()
	}
	if err == nil {
		err = s.root.Rename(name, orderName)
	}
	if err != nil {
		s.log.Warn("disk: order of eviction not saved", "dir", s.dir, "error", err)
	}
}

// order is the rank of each key's hash, lowest evicted first.
type order map[[sha256.Size]byte]int

// loadOrder reads the saved order and removes it: after a crash it would be out
// of date.
func (s *Store) loadOrder() order {
	o := make(order)
	b, err := s.root.ReadFile(orderName)
	if err == nil {
		s.unlink(orderName)
	}
	if end := len(b) - sumSize; end >= len(orderMagic) && string(b[:len(orderMagic)]) == orderMagic &&
		le.Uint32(b[end:]) == checksum(b[:end]) {
		for b = b[len(orderMagic):end]; len(b) >= sha256.Size; b = b[sha256.Size:] {
			o[[sha256.Size]byte(b)] = len(o)
		}
	}
	return o
}

// sort puts the files that are to be evicted first first. Those that were not
// there when the order was saved come last, by their times.
func (o order) sort(files []*file) {
	rank := make(map[*file]int, len(files))
	for _, f := range files {
		r, ok := o[sha256.Sum256([]byte(f.key))]
		if !ok {
			r = math.MaxInt
		}
		rank[f] = r
	}
	slices.SortFunc(files, func(a, b *file) int {
		return cmp.Or(cmp.Compare(rank[a], rank[b]), a.modified.Compare(b.modified), cmp.Compare(a.name, b.name))
	})
}
