package cache

import (
	"errors"

	"github.com/daramjwee/daramjwee/cache/store"
)

// spill stages what a writer has, which hold keeps readable, in the next tier after
// its own that takes it and can be read back too. The error is that of the last one.
func (c *DaramjweeCache) spill(w store.Writer, key string, m store.Metadata, tier int) (next store.Writer, at int, err error) {
	from, ok := w.(store.StagedReader)
	if !ok {
		return nil, 0, errNoOtherTier
	}
	for at = tier + 1; ; at++ {
		var refusal error
		if next, at, refusal = c.create(c.ctx, key, m, at); next == nil {
			return nil, 0, errors.Join(err, refusal, errNoOtherTier)
		}
		if _, ok := next.(store.StagedReader); !ok {
			err = errNoOtherTier
		} else if _, err = c.BufferPool.CopyBuffer(next, &stagedBytes{from: from}); err == nil {
			return next, at, nil
		}
		next.Abort()
	}
}

var errNoOtherTier = errors.New("cache: no other tier takes what is staged")

// hold has what is staged readable until release.
func hold(w store.Writer) {
	if h, ok := w.(store.StagedHolder); ok {
		h.Hold()
	}
}

// release gives up what was staged.
func release(w store.Writer) {
	if h, ok := w.(store.StagedHolder); ok {
		h.Release()
	}
}

// stagedBytes reads a staged entry up to its frontier.
type stagedBytes struct {
	from store.StagedReader
	off  int64
}

func (s *stagedBytes) Read(p []byte) (int, error) {
	n, err := s.from.ReadAt(p, s.off)
	s.off += int64(n)
	return n, err
}
