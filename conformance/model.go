package conformance

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"

	"github.com/daramjwee/daramjwee/strategy"
)

// model is what a pool's caller knows: what it holds, and what it did. Two bytes
// are one operation, so that any bytes are a sequence of them.
type model struct {
	c     *poolCheck
	p     strategy.BufferPool
	sizes []int
	held  []loan

	gets, puts int64 // puts: refused repeats included
	foreign    bool  // something was put that never came from Get
	last       strategy.BufferPoolStats
	failed     string
}

// loan is a held buffer and what its holder wrote.
type loan struct {
	buf   []byte
	stamp byte
}

const mostHeld = 64

func newModel(c *poolCheck) *model {
	cfg := c.cfg
	cfg.MinBufferSize, cfg.DefaultBufferSize, cfg.MaxBufferSize = 64, 256, 1024 // small, so that sequences can be long
	m := &model{c: c, p: c.freshWith(cfg)}
	for _, n := range []int{64, 256, 512, 1024} {
		m.sizes = append(m.sizes, n-1, n, n+1)
	}
	m.sizes = append(m.sizes, 1, 5000)
	return m
}

// replay runs a sequence up to its first failure.
func (m *model) replay(ops []byte) {
	for i := 0; i+1 < len(ops); i += 2 {
		name := m.step(ops[i], int(ops[i+1]))
		m.laws()
		if m.failed != "" {
			m.c.that(false, m.failed, "what the model says", "%s, the last operation of\n[]byte(%q)", name, ops[:i+2])
			return
		}
	}
	for len(m.held) > 0 {
		m.put(0, -1)
	}
	m.laws()
	m.c.that(m.failed == "", m.failed, "what the model says", "Put of all that is held, after\n[]byte(%q)", ops)
}

func (m *model) fail(format string, args ...any) {
	if m.failed == "" {
		m.failed = fmt.Sprintf(format, args...)
	}
}

func (m *model) step(op byte, arg int) (name string) {
	switch op % 9 {
	case 0, 1, 2:
		n := m.sizes[arg%len(m.sizes)]
		m.get(n, n)
		return fmt.Sprintf("Get(%d)", n)
	case 3, 4:
		if len(m.held) > 0 {
			m.put(arg%len(m.held), -1)
		}
		return "Put"
	case 5:
		if len(m.held) > 0 {
			m.put(arg%len(m.held), arg)
		}
		return "Put of a prefix"
	case 6:
		n := arg * 11
		w := &onlyWriter{}
		got, err := m.p.CopyBuffer(w, &onlyReader{data: payload(n)})
		if got != int64(n) || err != nil || !bytes.Equal(w.got, payload(n)) {
			m.fail("n %d, error %v, %d bytes", got, err, len(w.got))
		}
		m.settle()
		return fmt.Sprintf("CopyBuffer of %d bytes", n)
	case 7:
		n := arg * 11
		w := &onlyWriter{}
		got, err := io.ReadAll(m.p.TeeReader(&onlyReader{data: payload(n)}, w))
		if err != nil || !bytes.Equal(got, payload(n)) || !bytes.Equal(w.got, payload(n)) {
			m.fail("error %v, %d bytes read, %d teed", err, len(got), len(w.got))
		}
		m.settle()
		return fmt.Sprintf("TeeReader of %d bytes", n)
	}
	return m.odd(arg)
}

// odd operations are allowed, or misuse that every pool survives.
func (m *model) odd(arg int) (name string) {
	switch arg % 4 {
	case 0:
		m.get(0, 256)
		return "Get(0)"
	case 1:
		m.p.Put(nil)
		return "Put(nil)"
	case 2:
		m.p.Put(make([]byte, 65+arg)) // of no size class, unless 256
		m.puts++
		m.foreign = true
		return fmt.Sprintf("Put of a foreign buffer of %d", 65+arg)
	}
	if m.c.o.RefusesRepeats && len(m.held) > 0 {
		buf := m.held[0].buf
		m.put(0, -1)
		m.p.Put(buf)
		m.puts++
		m.foreign = true // where the first one was discarded, the second one is counted like it
		return "Put, twice"
	}
	return "nothing"
}

func (m *model) get(size, want int) {
	if len(m.held) == mostHeld {
		return
	}
	buf := m.p.Get(size)
	m.gets++
	if len(buf) != want {
		m.fail("len(Get(%d)) = %d, want %d", size, len(buf), want)
	}
	for _, l := range m.held {
		if _, _, shared := overlap([][]byte{l.buf, buf}); shared {
			m.fail("Get(%d) shares memory with a held buffer of %d", size, len(l.buf))
		}
	}
	stamp := byte(m.gets)
	fill(whole(buf), stamp)
	m.held = append(m.held, loan{buf, stamp})
}

// put gives back the i-th held buffer, or its first k bytes when k >= 0.
func (m *model) put(i, k int) {
	l := m.held[i]
	m.held = append(m.held[:i:i], m.held[i+1:]...)
	for at, b := range whole(l.buf) {
		if b != l.stamp {
			m.fail("byte %d of a held buffer of %d changed", at, len(l.buf))
			break
		}
	}
	if k < 0 || k > len(l.buf) {
		k = len(l.buf)
	}
	m.p.Put(l.buf[:k])
	m.puts++
}

// settle takes over what CopyBuffer and TeeReader counted, which is their own
// affair as long as they give back what they get.
func (m *model) settle() {
	s := m.p.Stats()
	gets, puts := s.TotalGets-m.gets, s.TotalPuts+s.DoublePuts-m.puts
	if gets != puts || gets < 0 {
		m.fail("%d Gets and %d Puts counted", gets, puts)
	}
	m.gets, m.puts = m.gets+gets, m.puts+puts
}

func (m *model) laws() {
	s := m.p.Stats()
	switch {
	case s.TotalGets != m.gets:
		m.fail("TotalGets = %d, want %d", s.TotalGets, m.gets)
	case s.TotalPuts+s.DoublePuts != m.puts:
		m.fail("TotalPuts + DoublePuts = %d, want %d", s.TotalPuts+s.DoublePuts, m.puts)
	case s.PoolHits+s.PoolMisses != s.TotalGets:
		m.fail("%d hits and %d misses of %d", s.PoolHits, s.PoolMisses, s.TotalGets)
	case !m.foreign && s.ActiveBuffers != int64(len(m.held)):
		m.fail("ActiveBuffers = %d, want %d", s.ActiveBuffers, len(m.held))
	case s.ActiveBuffers < 0 || s.Discards > s.TotalPuts:
		m.fail("%+v", s)
	case s.PoolHits < m.last.PoolHits || s.PoolMisses < m.last.PoolMisses || s.TotalPuts < m.last.TotalPuts || s.Discards < m.last.Discards:
		m.fail("%+v after %+v", s, m.last)
	}
	m.last = s
}

// sequence is the n-th of the sequences that the model rule runs.
func sequence(n int) []byte {
	r := rand.New(rand.NewPCG(uint64(n), 7))
	ops := make([]byte, 600)
	for i := range ops {
		ops[i] = byte(r.Uint32())
	}
	return ops
}

func modelRule(c *poolCheck) {
	for n := range 20 {
		newModel(c).replay(sequence(n))
	}
}
