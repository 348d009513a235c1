package cache

import (
	"errors"
	"io"
)

var (
	errWhence = errors.New("cache: Seek with an invalid whence")
	errOffset = errors.New("cache: Seek to a negative position")
)

// ReadSeeker returns a reader over the whole body that can seek: what
// http.ServeContent takes. It reports false where the body is still on its way (a
// fill, a promote) and where the entry of a tier has no io.ReaderAt; those of the
// memory and the disk tier have it.
//
// Each call returns a reader with a position of its own, at the first byte:
// reading it moves neither the others nor the Response, which can be read, and
// must be closed, all the same. After that Close, Read, Seek and WriteTo return
// ErrResponseClosed and no bytes; a call that is under way ends well. One
// goroutine uses one reader; several may use several.
//
// The reader is an io.WriterTo, so that io.Copy uses the pool's buffers.
// io.CopyN, and with it http.ServeContent, hides that and allocates up to 32 KiB
// a range, unless the destination's ReadFrom brings a buffer: one that calls
// BufferPool.CopyBuffer does.
func (r *Response) ReadSeeker() (io.ReadSeeker, bool) {
	at := r.readerAt()
	if at == nil {
		return nil, false
	}
	return &seeker{response: r, at: at, size: r.meta.Size}, true // inlined, so that who only asks allocates nothing
}

// readerAt is the whole of a committed body, or nil: what reads a fill has no ReadAt.
func (r *Response) readerAt() io.ReaderAt {
	s, streams := r.body.(*stream)
	if !streams {
		return r.body
	}
	from := s.from
	if h, inPlace := from.(*hit); inPlace {
		from = h.entry
	}
	at, _ := from.(io.ReaderAt)
	return at
}

// seeker reads a committed entry from any position, inside the Response's fence.
type seeker struct {
	response *Response
	at       io.ReaderAt
	size     int64
	off      int64
}

// Read implements io.Reader.
func (s *seeker) Read(p []byte) (int, error) {
	if !s.response.fence.Enter() {
		return 0, ErrResponseClosed
	}
	defer s.response.leave()
	return s.read(p)
}

func (s *seeker) read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if s.off >= s.size {
		return 0, io.EOF
	}
	n, err := s.at.ReadAt(p, s.off)
	s.off += int64(n)
	if n > 0 && err == io.EOF {
		err = nil // at the next call
	}
	return n, err
}

// WriteTo implements io.WriterTo: the rest of the body.
func (s *seeker) WriteTo(w io.Writer) (int64, error) {
	if !s.response.fence.Enter() {
		return 0, ErrResponseClosed
	}
	defer s.response.leave()
	// The limit tells the pool how much is to come.
	return s.response.cache.BufferPool.CopyBuffer(w, &io.LimitedReader{R: pinned{s}, N: s.size - s.off})
}

// pinned is a seeker inside a call that holds the fence, without its WriteTo.
type pinned struct{ s *seeker }

func (p pinned) Read(b []byte) (int, error) { return p.s.read(b) }

// Seek implements io.Seeker. A position past the end reads as io.EOF.
func (s *seeker) Seek(offset int64, whence int) (int64, error) {
	if s.response.fence.Closed() {
		return 0, ErrResponseClosed
	}
	switch whence {
	case io.SeekStart:
	case io.SeekCurrent:
		offset += s.off
	case io.SeekEnd:
		offset += s.size
	default:
		return 0, errWhence
	}
	if offset < 0 {
		return 0, errOffset
	}
	s.off = offset
	return offset, nil
}
