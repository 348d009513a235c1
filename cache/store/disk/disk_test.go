package disk

import (
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/daramjwee/daramjwee/cache/store"
	"github.com/daramjwee/daramjwee/strategy"
)

var ctx = context.Background()

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashDir); dir != "" {
		crash(dir)
		return
	}
	goleak.VerifyTestMain(m)
}

const smallBlock = 64 // bytes: a file of several blocks is small enough to be damaged in every place

// openDir opens a store with small blocks, closed when the test ends.
func openDir(t testing.TB, dir string, o Options) *Store {
	t.Helper()
	s, err := openSmall(dir, o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

func openSmall(dir string, o Options) (*Store, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	return open(dir, o, smallBlock)
}

// put writes and commits an entry.
func put(t testing.TB, s *Store, key string, body []byte, m store.Metadata) {
	t.Helper()
	require.NoError(t, tryPut(s, key, body, m))
}

func tryPut(s *Store, key string, body []byte, m store.Metadata) error {
	w, err := s.Create(ctx, key, m)
	if err != nil {
		return err
	}
	defer w.Abort()
	if _, err := w.Write(body); err != nil {
		return err
	}
	return w.Commit(ctx)
}

// get reads an entry whole.
func get(s *Store, key string) ([]byte, *store.Metadata, error) {
	e, err := s.Open(ctx, key)
	if err != nil {
		return nil, nil, err
	}
	defer e.Close()
	b, err := io.ReadAll(e)
	return b, e.Metadata(), err
}

func requireEntry(t testing.TB, s *Store, key string, body []byte) *store.Metadata {
	t.Helper()
	b, m, err := get(s, key)
	require.NoError(t, err)
	require.True(t, bytes.Equal(body, b), "other bytes")
	require.EqualValues(t, len(body), m.Size)
	return m
}

func requireMiss(t testing.TB, s *Store, key string) {
	t.Helper()
	_, err := s.Open(ctx, key)
	require.ErrorIs(t, err, store.ErrNotFound)
}

// noise returns n bytes that are the same for the same seed.
func noise(seed uint64, n int) []byte {
	b := make([]byte, n)
	r := rand.New(rand.NewPCG(seed, 1))
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

var unknown = store.Metadata{Size: -1}

// full has a value in every field, none of them easy on an encoder.
func full(size int64) store.Metadata {
	return store.Metadata{
		ETag:                 "W/\"\xff\xfe<&>\u2028\"",
		LastModified:         time.Date(1999, 12, 31, 23, 59, 59, 1, time.UTC),
		StoredAt:             time.Date(12026, 1, 2, 3, 4, 5, 999_999_999, time.UTC),
		TTL:                  time.Hour + 1,
		StaleWhileRevalidate: -1,
		StaleIfError:         3,
		Size:                 size,
		Negative:             true,
		Generation:           1<<64 - 1,
		Header:               store.NewHeader("X-A", "1", "x-a", "\x80\x00", "", ""),
	}
}

func TestRoundTrip(t *testing.T) {
	v := reflect.ValueOf(full(7))
	for i := range v.NumField() {
		require.False(t, v.Field(i).IsZero(), "full leaves %s out", v.Type().Field(i).Name)
	}
	long := strings.Repeat("../\x00\xff/", 5000/6) + "ab"
	require.GreaterOrEqual(t, len(long), 5000)
	for _, key := range []string{"", "a", "..", "../../etc/passwd", "a\x00b", "\xff", "한글", long} {
		for _, n := range []int{0, 1, smallBlock - 1, smallBlock, smallBlock + 1, 5*smallBlock + 3} {
			for _, declared := range []bool{true, false} {
				dir := t.TempDir()
				s := openDir(t, dir, Options{})
				body, m := noise(uint64(n), n), full(-1)
				if declared {
					m.Size = int64(n)
				}
				put(t, s, key, body, m)
				check := func(s *Store) {
					got := requireEntry(t, s, key, body)
					require.Equal(t, full(int64(n)), *got)
					stat, err := s.Stat(ctx, key)
					require.NoError(t, err)
					require.Equal(t, got, stat)
					for k, m := range s.List() {
						require.Equal(t, key, k)
						require.Same(t, stat, m)
					}
					requireMiss(t, s, key+"x")
				}
				check(s)
				require.NoError(t, s.Close())
				check(openDir(t, dir, Options{}))
				inside(t, dir)
			}
		}
	}
}

// inside fails the test when dir holds anything but one entry and the store's own files.
func inside(t *testing.T, dir string) {
	var files []string
	require.NoError(t, filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if !d.IsDir() && d.Name() != lockName && d.Name() != orderName {
			files = append(files, path)
		}
		return err
	}))
	require.Len(t, files, 1)
	require.True(t, isName(filepath.Base(files[0])))
}

func TestMetadataIsCanonicalBeforeARestart(t *testing.T) {
	s := openDir(t, t.TempDir(), Options{})
	at := time.Now().In(time.FixedZone("east", 3600))
	put(t, s, "k", nil, store.Metadata{StoredAt: at, Header: store.NewHeader([]string{}...)})
	m, err := s.Stat(ctx, "k")
	require.NoError(t, err)
	require.True(t, m.StoredAt.Equal(at))
	require.Equal(t, store.Metadata{StoredAt: at.UTC().Round(0)}, *m)
	require.True(t, m.LastModified.IsZero())
}

func TestReplaceAndDelete(t *testing.T) {
	s := openDir(t, t.TempDir(), Options{})
	put(t, s, "k", []byte("old"), unknown)
	e, err := s.Open(ctx, "k")
	require.NoError(t, err)
	put(t, s, "k", []byte("newer"), unknown)
	requireEntry(t, s, "k", []byte("newer"))
	require.NoError(t, s.Delete(ctx, "k"))
	requireMiss(t, s, "k")
	require.NoError(t, s.Delete(ctx, "k"))
	require.NoError(t, s.Delete(ctx, "never there"))

	b, err := io.ReadAll(e) // whoever has it open reads it to its end
	require.NoError(t, err)
	require.Equal(t, "old", string(b))
	require.Positive(t, s.Stats().PinnedBytes)
	require.NoError(t, e.Close())
	require.Equal(t, Stats{MaxBytes: defaultMaxBytes}, s.Stats())
}

func TestCanceledContext(t *testing.T) {
	s := openDir(t, t.TempDir(), Options{})
	put(t, s, "k", []byte("body"), unknown)
	w, err := s.Create(ctx, "k", unknown)
	require.NoError(t, err)
	done, cancel := context.WithCancel(ctx)
	cancel()
	_, err = s.Open(done, "k")
	require.ErrorIs(t, err, context.Canceled)
	_, err = s.Create(done, "k", unknown)
	require.ErrorIs(t, err, context.Canceled)
	_, err = s.Stat(done, "k")
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorIs(t, s.Delete(done, "k"), context.Canceled)
	require.ErrorIs(t, s.UpdateMetadata(done, "k", 0, unknown), context.Canceled)
	require.ErrorIs(t, w.Commit(done), context.Canceled)
	require.ErrorIs(t, w.Commit(ctx), store.ErrClosed) // an error of Commit aborts
	requireEntry(t, s, "k", []byte("body"))
}

func TestOptions(t *testing.T) {
	_, err := Open(t.TempDir(), Options{MaxBytes: -1})
	var config *strategy.ConfigError
	require.ErrorAs(t, err, &config)
	require.Equal(t, "MaxBytes", config.Field)
	require.EqualValues(t, -1, config.Value)

	s, err := Open(filepath.Join(t.TempDir(), "made", "on", "demand"), Options{Durable: true})
	require.NoError(t, err)
	require.EqualValues(t, 1<<30, s.Stats().MaxBytes)
	body := noise(1, 3*blockSize+1)
	put(t, s, "k", body, unknown)
	requireEntry(t, s, "k", body)
	require.NoError(t, s.UpdateMetadata(ctx, "k", 0, store.Metadata{ETag: "2"}))
	require.Equal(t, "2", requireEntry(t, s, "k", body).ETag)
	require.NoError(t, s.Delete(ctx, "k"))
	require.NoError(t, s.Close())
	require.NoError(t, s.Close())
}
