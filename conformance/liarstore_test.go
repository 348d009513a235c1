package conformance

import (
	"context"
	"io"
	"iter"

	"github.com/daramjwee/daramjwee/cache/store"
)

// liarStore is a plainStore of which some methods are replaced, and of whose
// entries and writers some methods are.
type liarStore struct {
	*plainStore
	open   func(ctx context.Context, key string) (store.Entry, error)
	create func(ctx context.Context, key string, m store.Metadata) (store.Writer, error)
	delete func(ctx context.Context, key string) error
	stat   func(ctx context.Context, key string) (*store.Metadata, error)
	update func(ctx context.Context, key string, ifGeneration uint64, m store.Metadata) error
	list   func() iter.Seq2[string, *store.Metadata]
	close  func() error
	entry  func(e *liarEntry)  // called for each that is opened
	writer func(w *liarWriter) // called for each that is created

	bodies   func(b *liarBody) // makes it a store.BodyOpener, and is called for each that is opened
	openBody func(ctx context.Context, key string) (store.Body, *store.Metadata, error)

	bareEntries bool // those of a store.BodyOpener
}

func (l *liarStore) Open(ctx context.Context, key string) (store.Entry, error) {
	open := l.plainStore.Open
	if l.open != nil {
		open = l.open
	}
	e, err := open(ctx, key)
	r, plain := e.(*plainReader)
	if err != nil || !plain {
		return e, err
	}
	bent := &liarEntry{plainReader: r}
	if l.entry != nil {
		l.entry(bent)
	}
	return bent, nil
}

func (l *liarStore) Create(ctx context.Context, key string, m store.Metadata) (store.Writer, error) {
	create := l.plainStore.Create
	if l.create != nil {
		create = l.create
	}
	w, err := create(ctx, key, m)
	p, plain := w.(*plainWriter)
	if err != nil || !plain {
		return w, err
	}
	bent := &liarWriter{plainWriter: p}
	if l.writer != nil {
		l.writer(bent)
	}
	return bent, nil
}

func (l *liarStore) Delete(ctx context.Context, key string) error {
	if l.delete != nil {
		return l.delete(ctx, key)
	}
	return l.plainStore.Delete(ctx, key)
}

func (l *liarStore) Stat(ctx context.Context, key string) (*store.Metadata, error) {
	if l.stat != nil {
		return l.stat(ctx, key)
	}
	return l.plainStore.Stat(ctx, key)
}

func (l *liarStore) UpdateMetadata(ctx context.Context, key string, ifGeneration uint64, m store.Metadata) error {
	if l.update != nil {
		return l.update(ctx, key, ifGeneration, m)
	}
	return l.plainStore.UpdateMetadata(ctx, key, ifGeneration, m)
}

func (l *liarStore) List() iter.Seq2[string, *store.Metadata] {
	if l.list != nil {
		return l.list()
	}
	return l.plainStore.List()
}

func (l *liarStore) Close() error {
	if l.close != nil {
		return l.close()
	}
	return l.plainStore.Close()
}

type liarEntry struct {
	*plainReader
	read    func(p []byte) (int, error)
	readAt  func(p []byte, off int64) (int, error)
	writeTo func(w io.Writer) (int64, error)
	close   func() error
}

func (e *liarEntry) Read(p []byte) (int, error) {
	if e.read != nil {
		return e.read(p)
	}
	return e.plainReader.Read(p)
}

func (e *liarEntry) ReadAt(p []byte, off int64) (int, error) {
	if e.readAt != nil {
		return e.readAt(p, off)
	}
	return e.plainReader.ReadAt(p, off)
}

func (e *liarEntry) WriteTo(w io.Writer) (int64, error) {
	if e.writeTo != nil {
		return e.writeTo(w)
	}
	return e.plainReader.WriteTo(w)
}

func (e *liarEntry) Close() error {
	if e.close != nil {
		return e.close()
	}
	return e.plainReader.Close()
}

// liarOpener is a liarStore that has bodies.
type liarOpener struct{ *liarStore }

// Open returns no more than an entry has to have, where that is wished.
func (l *liarOpener) Open(ctx context.Context, key string) (store.Entry, error) {
	e, err := l.liarStore.Open(ctx, key)
	if err == nil && l.bareEntries {
		e = struct{ store.Entry }{e}
	}
	return e, err
}

func (l *liarOpener) OpenBody(ctx context.Context, key string) (store.Body, *store.Metadata, error) {
	if l.openBody != nil {
		return l.openBody(ctx, key)
	}
	return l.plainBody(ctx, key)
}

func (l *liarStore) plainBody(ctx context.Context, key string) (store.Body, *store.Metadata, error) {
	e, err := l.plainStore.Open(ctx, key)
	if err != nil {
		return nil, nil, err
	}
	b := &liarBody{body: e.(*plainReader).body}
	l.bodies(b)
	return b, e.Metadata(), nil
}

// liarBody is an honest one where nothing is replaced.
type liarBody struct {
	body      []byte
	readAt    func(p []byte, off int64) (int, error)
	writeFrom func(w io.Writer, off int64) (int64, error)
	release   func()
}

func (b *liarBody) ReadAt(p []byte, off int64) (int, error) {
	if b.readAt != nil {
		return b.readAt(p, off)
	}
	return readBody(b.body, p, off)
}

func (b *liarBody) WriteFrom(w io.Writer, off int64) (int64, error) {
	if b.writeFrom != nil {
		return b.writeFrom(w, off)
	}
	return b.plainWriteFrom(w, off)
}

func (b *liarBody) plainWriteFrom(w io.Writer, off int64) (int64, error) {
	return (&plainReader{body: b.body, off: int(off)}).WriteTo(w)
}

func (b *liarBody) Release() {
	if b.release != nil {
		b.release()
	}
}

type liarWriter struct {
	*plainWriter
	write   func(p []byte) (int, error)
	commit  func(ctx context.Context) error
	abort   func() error
	readAt  func(p []byte, off int64) (int, error)
	hold    func()
	release func()
	next    func() []byte
	advance func(n int) error
}

func (w *liarWriter) Write(p []byte) (int, error) {
	if w.write != nil {
		return w.write(p)
	}
	return w.plainWriter.Write(p)
}

func (w *liarWriter) Commit(ctx context.Context) error {
	if w.commit != nil {
		return w.commit(ctx)
	}
	return w.plainWriter.Commit(ctx)
}

func (w *liarWriter) Abort() error {
	if w.abort != nil {
		return w.abort()
	}
	return w.plainWriter.Abort()
}

func (w *liarWriter) ReadAt(p []byte, off int64) (int, error) {
	if w.readAt != nil {
		return w.readAt(p, off)
	}
	return w.plainWriter.ReadAt(p, off)
}

func (w *liarWriter) Hold() {
	if w.hold != nil {
		w.hold()
		return
	}
	w.plainWriter.Hold()
}

func (w *liarWriter) Release() {
	if w.release != nil {
		w.release()
		return
	}
	w.plainWriter.Release()
}

func (w *liarWriter) Next() []byte {
	if w.next != nil {
		return w.next()
	}
	return w.plainWriter.Next()
}

func (w *liarWriter) Advance(n int) error {
	if w.advance != nil {
		return w.advance(n)
	}
	return w.plainWriter.Advance(n)
}

// bentStore opens tiers that are bent, and what they left at Close.
func bentStore(bend func(*liarStore)) (open, reopen func() (store.Store, error)) {
	var last *plainStore
	from := func(index map[string]*plainEntry) (store.Store, error) {
		last = newPlainStore(plainLimit, index)
		l := &liarStore{plainStore: last}
		bend(l)
		if l.bodies != nil {
			return &liarOpener{l}, nil
		}
		return l, nil
	}
	return func() (store.Store, error) { return from(nil) },
		func() (store.Store, error) { return from(last.saved) }
}

const plainLimit = 4 << 20
