package disk

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/daramjwee/daramjwee/cache/store"
)

// maxAppended bounds the records and footers that 304s leave in a file, in
// bytes. Past it the next one goes back to the table's end.
const maxAppended = 64 << 10

// UpdateMetadata implements store.MetadataUpdater. It appends a record and a
// footer to the file and moves no byte of the body.
func (s *Store) UpdateMetadata(ctx context.Context, key string, ifGeneration uint64, m store.Metadata) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.leave()
	f, victims, err := s.update(key, ifGeneration, m)
	s.remove(victims)
	if errors.Is(err, ErrCorrupt) {
		s.drop(f, err)
		return store.ErrNotFound
	}
	return err
}

// update does it under the lock of the name. The victims are the caller's to
// remove when the lock is free.
func (s *Store) update(key string, ifGeneration uint64, m store.Metadata) (f *file, victims []*file, err error) {
	lock := s.nameLock(key)
	lock.Lock()
	defer lock.Unlock()
	s.mu.Lock()
	if f = s.index[key]; f == nil || f.meta.Generation != ifGeneration {
		s.mu.Unlock()
		return nil, nil, store.ErrNotFound
	}
	old := footer{body: f.body, recordOff: f.recordOff, recordLen: f.end - footerSize - f.recordOff}
	s.mu.Unlock() // the lock of the name keeps all of it as it is

	m = m.Clone()
	m.Size = f.size
	record, err := encodeRecord(key, m)
	if err != nil {
		return nil, nil, err
	}
	grow := int64(len(record)) + footerSize
	if victims, err = s.reserve(grow, grow); err != nil {
		return nil, nil, err
	}
	foot := footer{body: f.body, recordSum: checksum(record), recordLen: int64(len(record))}
	foot.recordOff = recordPlace(old, grow)
	info, err := s.appendRecord(f.name, old, foot, record)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.promised -= grow
	s.staged -= grow
	if err != nil {
		return f, victims, err
	}
	if f.gone { // evicted, or found damaged, meanwhile
		return nil, victims, store.ErrNotFound
	}
	s.committed += info.Size() - f.weight
	f.meta, f.weight = canonical(m, f.size), info.Size()
	f.recordOff, f.end, f.modified = foot.recordOff, foot.end(), info.ModTime()
	return f, victims, nil
}

// recordPlace says where n bytes of record and footer go: behind the footer in
// force, or, when too much has gathered, to the table's end, where only records
// that no longer count lie. The record in force is not touched before the new
// one is whole.
func recordPlace(old footer, n int64) int64 {
	start := old.tableEnd()
	if old.end()+n-start > maxAppended && start+n <= old.recordOff {
		return start
	}
	return old.end()
}

// appendRecord writes a record and its footer in place of what follows old.
func (s *Store) appendRecord(name string, old, foot footer, record []byte) (info fs.FileInfo, err error) {
	fd, err := s.root.OpenFile(name, os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	if err != nil {
		return nil, wrap("update", err)
	}
	defer fd.Close()
	if info, err = fd.Stat(); err != nil {
		return nil, wrap("update", err)
	}
	if info.Size() < old.end() {
		return nil, fmt.Errorf("%w: cut to %d bytes", ErrCorrupt, info.Size())
	}
	if info.Size() > old.end() { // a torn append: it must not become the end of this one
		err = fd.Truncate(old.end())
	}
	if err == nil {
		_, err = fd.WriteAt(foot.append(record), foot.recordOff)
	}
	if err == nil && s.durable {
		err = fd.Sync()
	}
	if err == nil && foot.end() < old.end() { // from here on the new footer is the last one
		if err = fd.Truncate(foot.end()); err == nil && s.durable {
			err = fd.Sync()
		}
	}
	if err != nil {
		if foot.recordOff >= old.end() {
			err = errors.Join(err, fd.Truncate(old.end()))
		}
		return nil, wrap("update", err)
	}
	info, err = fd.Stat()
	return info, wrap("update", err)
}
