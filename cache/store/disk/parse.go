package disk

import (
	"bytes"
	"fmt"
	"io"

	"github.com/daramjwee/daramjwee/cache/store"
)

// ErrCorrupt is returned by reads of an open entry whose file turns out to be
// damaged or unreadable. Of a block that was not checked before nothing has been handed
// out. errors.Is takes it for a store.ErrUnreadable as well.
var ErrCorrupt error = corruptError{}

type corruptError struct{}

func (corruptError) Error() string { return "disk: stored file is damaged" }

func (corruptError) Is(target error) bool { return target == store.ErrUnreadable }

const (
	tailGuess = 4 << 10 // usually holds footer and record: one read a file when a directory is opened
	tailMax   = 1 << 20 // how far back from the end a footer is looked for; a longer torn append costs the entry
)

// parseFile finds the footer in force in the first size bytes of r and decodes
// the record it belongs to. Errors are ErrCorrupt, or r's own.
func parseFile(r io.ReaderAt, size int64) (f footer, key string, m store.Metadata, err error) {
	tail, err := readTail(r, size, tailGuess)
	if err != nil {
		return f, "", m, err
	}
	f, ok := lastFooter(tail, size)
	if !ok {
		if tail, err = readTail(r, size, tailMax); err != nil {
			return f, "", m, err
		}
		if f, err = footerBefore(tail, size); err != nil {
			return f, "", m, err
		}
	}
	var rec []byte
	if start := size - int64(len(tail)); f.recordOff >= start {
		rec = tail[f.recordOff-start : f.recordEnd()-start]
	} else {
		rec = make([]byte, f.recordLen)
		if err := readFull(r, rec, f.recordOff); err != nil {
			return f, "", m, err
		}
	}
	if checksum(rec) != f.recordSum {
		return f, "", m, fmt.Errorf("%w: checksum of the metadata", ErrCorrupt)
	}
	if key, m, err = decodeRecord(rec); err != nil {
		return f, "", m, err
	}
	if m.Size != f.size {
		return f, "", m, fmt.Errorf("%w: metadata says %d bytes, footer %d", ErrCorrupt, m.Size, f.size)
	}
	return f, key, m, nil
}

// lastFooter decodes the footer that ends a file of size bytes, of which tail is
// the end.
func lastFooter(tail []byte, size int64) (footer, bool) {
	if len(tail) < footerSize {
		return footer{}, false
	}
	return parseFooter(tail[len(tail)-footerSize:], size-footerSize)
}

// footerBefore finds the last whole footer of a file that does not end in one,
// and makes sure that what follows it is an append that was cut short.
func footerBefore(tail []byte, size int64) (footer, error) {
	start := size - int64(len(tail))
	for end := len(tail); ; {
		i := bytes.LastIndex(tail[:end], []byte(footerMagic))
		if i < 0 {
			return footer{}, fmt.Errorf("%w: no footer", ErrCorrupt)
		}
		f, ok := parseFooter(tail[i:], start+int64(i))
		if !ok {
			end = i + len(footerMagic) - 1
			continue
		}
		if rest := tail[i+footerSize:]; len(rest) >= headSize {
			n, err := parseHead(rest)
			if err != nil {
				return footer{}, err
			}
			if int64(len(rest)) >= n+footerSize {
				return footer{}, fmt.Errorf("%w: the last footer was altered", ErrCorrupt)
			}
		}
		return f, nil
	}
}

// readTail reads the last n bytes of size, or all.
func readTail(r io.ReaderAt, size, n int64) ([]byte, error) {
	b := make([]byte, min(size, n))
	return b, readFull(r, b, size-int64(len(b)))
}

// readFull fills b from off. A file that ends before is damaged.
func readFull(r io.ReaderAt, b []byte, off int64) error {
	n, err := r.ReadAt(b, off)
	switch {
	case n == len(b):
		return nil
	case err == nil || err == io.EOF:
		return fmt.Errorf("%w: ends at %d, before %d", ErrCorrupt, off+int64(n), off+int64(len(b)))
	}
	return err
}
