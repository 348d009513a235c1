package memory_test

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/daramjwee/daramjwee/cache/store"
	"github.com/daramjwee/daramjwee/cache/store/memory"
	"github.com/daramjwee/daramjwee/strategy"
)

var sizes = []int{0, 1, 2, small - 1, small, small + 1, block/2 - 1, block / 2, block - 1, block, block + 1, 2*block - 1, 2 * block, 5*block + 100}

// fills are the ways of writing a body.
var fills = map[string]func(w store.Writer, data []byte) error{
	"Write": func(w store.Writer, data []byte) error {
		n, err := w.Write(data)
		if err == nil && n != len(data) {
			return io.ErrShortWrite
		}
		return err
	},
	"small Writes": func(w store.Writer, data []byte) error {
		_, err := io.CopyBuffer(onlyWriter{w}, onlyReader{bytes.NewReader(data)}, make([]byte, 333))
		return err
	},
	"ReadFrom": func(w store.Writer, data []byte) error {
		n, err := io.Copy(w, onlyReader{bytes.NewReader(data)})
		if err == nil && n != int64(len(data)) {
			return io.ErrShortWrite
		}
		return err
	},
	"ReadFrom, EOF with data": func(w store.Writer, data []byte) error {
		_, err := io.Copy(w, iotest.DataErrReader(onlyReader{bytes.NewReader(data)}))
		return err
	},
	"Next": func(w store.Writer, data []byte) error {
		for d := w.(store.DirectWriter); len(data) > 0; {
			n := copy(d.Next(), data)
			if err := d.Advance(n); err != nil {
				return err
			}
			data = data[n:]
		}
		return nil
	},
}

func TestRoundTrip(t *testing.T) {
	each(t, 1<<20, func(t *testing.T, s *memory.Store) {
		for how, fill := range fills {
			for _, size := range sizes {
				for _, declared := range []bool{true, false} {
					name := fmt.Sprintf("%s, %d bytes, declared %v", how, size, declared)
					data := pattern(uint64(size), size)
					m := store.Metadata{Size: -1}
					if declared {
						m.Size = int64(size)
					}
					w, err := s.Create(ctx, "k", m)
					require.NoError(t, err, name)
					require.NoError(t, fill(w, data), name)
					require.NoError(t, w.Commit(ctx), name)
					require.NoError(t, w.Abort(), name)

					e := open(t, s, "k")
					require.EqualValues(t, size, e.Size(), name)
					require.EqualValues(t, size, e.Metadata().Size, name)
					if how == "Write" { // it is thorough, and slow under -race
						require.NoError(t, iotest.TestReader(e, data), name)
					} else {
						got, err := io.ReadAll(e)
						require.NoError(t, err, name)
						require.True(t, bytes.Equal(data, got), name)
					}
					require.NoError(t, e.Close(), name)

					e = open(t, s, "k")
					var dst bytes.Buffer
					n, err := e.(io.WriterTo).WriteTo(&dst)
					require.NoError(t, err, name)
					require.EqualValues(t, size, n, name)
					require.True(t, bytes.Equal(data, dst.Bytes()), name)
					require.NoError(t, e.Close(), name)
				}
			}
		}
	})
}

func TestReadAt(t *testing.T) {
	each(t, 1<<20, func(t *testing.T, s *memory.Store) {
		data := pattern(1, 2*block+100)
		put(t, s, "k", -1, data)
		e := open(t, s, "k")
		defer e.Close()
		at := e.(io.ReaderAt)
		want := bytes.NewReader(data)
		for _, off := range []int64{0, 1, block - 1, block, 2*block - 3, 2*block + 99, 2*block + 100, 1 << 40} {
			for _, n := range []int{0, 1, block, block + 7, 3 * block} {
				if n == 0 && off >= int64(len(data)) {
					continue // io.ReaderAt leaves this open
				}
				p, q := make([]byte, n), make([]byte, n)
				gotN, gotErr := at.ReadAt(p, off)
				wantN, wantErr := want.ReadAt(q, off)
				require.Equal(t, wantN, gotN, "%d bytes at %d", n, off)
				require.Equal(t, wantErr, gotErr, "%d bytes at %d", n, off)
				require.True(t, bytes.Equal(q, p), "%d bytes at %d", n, off)
			}
		}
		n, err := at.ReadAt(make([]byte, 1), -1)
		require.Zero(t, n)
		require.Error(t, err)
		require.NotErrorIs(t, err, io.EOF)
	})
}

func TestMixedReads(t *testing.T) {
	each(t, 1<<20, func(t *testing.T, s *memory.Store) {
		data := pattern(1, 2*block+100)
		put(t, s, "k", int64(len(data)), data)
		e := open(t, s, "k")
		defer e.Close()
		head := make([]byte, 100)
		_, err := io.ReadFull(e, head)
		require.NoError(t, err)
		var rest bytes.Buffer
		n, err := io.Copy(&rest, e)
		require.NoError(t, err)
		require.EqualValues(t, len(data)-100, n)
		require.Equal(t, data, append(head, rest.Bytes()...))
		c, err := e.Read(head)
		require.Zero(t, c)
		require.Equal(t, io.EOF, err)
	})
}

func TestAnyKey(t *testing.T) {
	each(t, 1<<20, func(t *testing.T, s *memory.Store) {
		keys := []string{"", "/", "..", "k\x00\xff", strings.Repeat("k\x00../", 1000)}
		for _, key := range keys {
			put(t, s, key, -1, []byte("value of "+key))
		}
		for _, key := range keys {
			require.Equal(t, "value of "+key, string(get(t, s, key)))
		}
		require.EqualValues(t, len(keys), s.Stats().Entries)
	})
}

func TestMetadataIsKeptWhole(t *testing.T) {
	each(t, 1<<20, func(t *testing.T, s *memory.Store) {
		want := store.Metadata{
			ETag: `W/"x"`, LastModified: time.Unix(1, 2), StoredAt: time.Unix(3, 456_789_012),
			TTL: time.Nanosecond, StaleWhileRevalidate: 5, StaleIfError: -1, Size: 2,
			Negative: true, Generation: 1 << 63, Header: store.NewHeader("A", "1", "a", "2", "", ""),
		}
		w, err := s.Create(ctx, "k", want)
		require.NoError(t, err)
		_, err = w.Write([]byte("ab"))
		require.NoError(t, err)
		require.NoError(t, w.Commit(ctx))
		got, err := s.Stat(ctx, "k")
		require.NoError(t, err)
		require.Equal(t, want, *got)
		e := open(t, s, "k")
		defer e.Close()
		require.Same(t, got, e.Metadata())
	})
}

func TestFaultyOptions(t *testing.T) {
	_, err := memory.New(memory.Options{MaxBytes: -1, BufferPool: strategy.BufferPoolConfig{MaxIdle: -2, Strategy: "nope"}})
	require.ErrorContains(t, err, "MaxBytes = -1, ")
	require.ErrorContains(t, err, "BufferPool.MaxIdle = -2, ")
	require.ErrorContains(t, err, `BufferPool.Strategy = "nope", `)
	var fault *strategy.ConfigError
	require.ErrorAs(t, err, &fault)
	require.Equal(t, "MaxBytes", fault.Field)
	require.Equal(t, int64(-1), fault.Value)

	s, err := memory.New(memory.Options{})
	require.NoError(t, err)
	require.EqualValues(t, 64<<20, s.Stats().MaxBytes)
	require.NoError(t, s.Close())
}
