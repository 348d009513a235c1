package conformance

import (
	"context"
	"io"

	"github.com/daramjwee/daramjwee/cache/store"
	"github.com/daramjwee/daramjwee/internal/fence"
)

// openEntry opens the entry of a key by Open, or by OpenBody in the second run that a
// rule has on a tier which is a store.BodyOpener.
func (c *storeCheck) openEntry(ctx context.Context, s store.Store, key string) (store.Entry, error) {
	by, ok := s.(store.BodyOpener)
	if !ok {
		return s.Open(ctx, key)
	}
	c.opener.Store(true)
	if !c.bodies {
		return s.Open(ctx, key)
	}
	body, m, err := by.OpenBody(ctx, key)
	if err != nil || body == nil {
		return nil, err
	}
	return &bodyEntry{body: body, meta: m}, nil
}

// bodyEntry makes of a body what Open would have returned.
type bodyEntry struct {
	body  store.Body
	meta  *store.Metadata
	off   int64
	fence fence.Fence
}

func (e *bodyEntry) Metadata() *store.Metadata { return e.meta }
func (e *bodyEntry) Size() int64               { return e.meta.Size }

func (e *bodyEntry) Read(p []byte) (int, error) {
	n, err := e.ReadAt(p, e.off)
	if e.off += int64(n); n > 0 || len(p) == 0 && err == io.EOF {
		err = nil
	}
	return n, err
}

func (e *bodyEntry) ReadAt(p []byte, off int64) (int, error) {
	if !e.fence.Enter() {
		return 0, store.ErrClosed
	}
	defer e.leave()
	return e.body.ReadAt(p, off)
}

func (e *bodyEntry) WriteTo(w io.Writer) (int64, error) {
	if !e.fence.Enter() {
		return 0, store.ErrClosed
	}
	defer e.leave()
	n, err := e.body.WriteFrom(w, e.off)
	e.off += n
	return n, err
}

func (e *bodyEntry) Close() error {
	if _, release := e.fence.Close(); release {
		e.body.Release()
	}
	return nil
}

func (e *bodyEntry) leave() {
	if e.fence.Leave() {
		e.body.Release()
	}
}
