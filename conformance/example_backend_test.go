package conformance_test

import (
	"fmt"
	"sync"

	"github.com/daramjwee/daramjwee/strategy"
)

// lifo keeps idle buffers on a stack. It is a whole custom backend: what else a
// pool needs, strategy.NewPool adds.
type lifo struct {
	mu   sync.Mutex // guards idle
	idle [][]byte
	max  int
}

func (s *lifo) Take() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.idle) == 0 {
		return nil
	}
	buf := s.idle[len(s.idle)-1]
	s.idle = s.idle[:len(s.idle)-1]
	return buf
}

func (s *lifo) Keep(buf []byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.idle) == s.max {
		return false
	}
	s.idle = append(s.idle, buf)
	return true
}

func openLIFO(cfg strategy.BufferPoolConfig) (strategy.BufferPool, error) {
	return strategy.NewPool(cfg, func(int) strategy.Backend { return &lifo{max: cfg.WithDefaults().MaxIdle} })
}

func init() { strategy.Register("lifo", openLIFO) }

// A custom backend in two methods, registered under a name that a configuration
// can choose.
func Example_backend() {
	pool, err := strategy.New(strategy.BufferPoolConfig{Enabled: true, Strategy: "lifo"})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer strategy.Close(pool)
	pool.Put(pool.Get(1000))
	buf := pool.Get(2000) // the same one: both come from the class of 4 KiB
	s := pool.Stats()
	fmt.Println(len(buf), "bytes,", s.PoolHits, "hit,", s.PoolMisses, "miss")
	// Output: 2000 bytes, 1 hit, 1 miss
}
