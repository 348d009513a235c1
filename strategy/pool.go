package strategy

// Backend keeps the idle buffers of one size class. It is all that a custom
// strategy has to write; NewPool makes a BufferPool of it. Both methods are
// called concurrently.
type Backend interface {
	Take() []byte
	Keep(buf []byte) bool
}

type DefaultBufferPool struct{}

func NewPool(cfg BufferPoolConfig, open func(size int) Backend) (*DefaultBufferPool, error) { panic("soon") }
func (*DefaultBufferPool) Get(size int) []byte {panic("soon")}
