package strategy_test

import (
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/daramjwee/daramjwee/strategy"
	"github.com/daramjwee/daramjwee/strategy/channel"
)

func Example() {
	pool, err := strategy.New(strategy.BufferPoolConfig{Enabled: true, Strategy: channel.Name})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer strategy.Close(pool)

	buf := pool.Get(1000) // len 1000, from the class of 4 KiB
	pool.Put(buf)

	src := io.LimitReader(strings.NewReader("streamed through a pooled buffer"), 8)
	n, err := pool.CopyBuffer(struct{ io.Writer }{io.Discard}, src) // io.Copy's result, without its 32 KiB
	fmt.Println(n, err)

	s := pool.Stats()
	fmt.Println(s.TotalGets, "gets,", s.PoolHits, "hit,", s.ActiveBuffers, "out")
	// Output:
	// 8 <nil>
	// 2 gets, 1 hit, 0 out
}

// lifo is a Backend in two methods: the buffer used last is lent first.
type lifo struct {
	mu   sync.Mutex
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
	return strategy.NewPool(cfg, func(int) strategy.Backend { return &lifo{max: cfg.MaxIdle} })
}

func init() { strategy.Register("lifo", openLIFO) }

func ExampleRegister() {
	pool, err := strategy.New(strategy.BufferPoolConfig{Enabled: true, Strategy: "lifo"})
	if err != nil {
		fmt.Println(err)
		return
	}
	a, b := pool.Get(0), pool.Get(0)
	pool.Put(a)
	pool.Put(b)
	fmt.Println(&pool.Get(0)[0] == &b[0])
	// Output: true
}

func ExampleBufferPoolConfig_Validate() {
	err := strategy.BufferPoolConfig{DefaultBufferSize: 8 << 10, MinBufferSize: 16 << 10, MaxIdle: -1}.Validate()
	fmt.Println(err)
	// Output:
	// daramjwee: MinBufferSize = 16384, allowed: at most DefaultBufferSize (8192 bytes)
	// daramjwee: MaxIdle = -1, allowed: 0 (64), or 1 buffer and more per size class
}
