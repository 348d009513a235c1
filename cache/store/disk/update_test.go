package disk

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/daramjwee/daramjwee/cache/store"
)

func TestUpdateMetadata(t *testing.T) {
	dir := t.TempDir()
	s := openDir(t, dir, Options{})
	body := noise(1, 3*smallBlock+5)
	m := full(int64(len(body)))
	m.Generation = 7
	put(t, s, "k", body, m)
	e := openEntry(t, s, "k")
	before, err := os.ReadFile(filepath.Join(dir, nameOf("k")))
	require.NoError(t, err)

	newer := store.Metadata{ETag: "2", Size: 99, Generation: 8, Header: store.NewHeader("a", "b")}
	require.ErrorIs(t, s.UpdateMetadata(ctx, "k", 6, newer), store.ErrNotFound)
	require.ErrorIs(t, s.UpdateMetadata(ctx, "none", 0, newer), store.ErrNotFound)
	require.Equal(t, m, *requireEntry(t, s, "k", body))
	require.NoError(t, s.UpdateMetadata(ctx, "k", 7, newer))
	require.ErrorIs(t, s.UpdateMetadata(ctx, "k", 7, newer), store.ErrNotFound)

	want := newer
	want.Size = int64(len(body))
	require.Equal(t, want, *requireEntry(t, s, "k", body))
	require.Equal(t, m, *e.Metadata(), "who has it open keeps what was seen")
	after, err := os.ReadFile(filepath.Join(dir, nameOf("k")))
	require.NoError(t, err)
	require.Equal(t, string(before), string(after[:len(before)]), "only appended to")
	sizes(t, s)

	put(t, s, "gone", nil, unknown)
	require.NoError(t, s.Delete(ctx, "gone"))
	require.ErrorIs(t, s.UpdateMetadata(ctx, "gone", 0, newer), store.ErrNotFound)
	require.NoError(t, s.Close())
	require.Equal(t, want, *requireEntry(t, openDir(t, dir, Options{}), "k", body))
}

// Checked blocks stay checked: a 304 does not cost the next reader anything.
func TestUpdateKeepsBlocksChecked(t *testing.T) {
	pool := newStrictPool(t)
	s := openDir(t, t.TempDir(), Options{BufferPool: pool})
	put(t, s, "k", noise(1, 200), unknown)
	requireEntry(t, s, "k", noise(1, 200))
	gets := pool.gets
	require.NoError(t, s.UpdateMetadata(ctx, "k", 0, store.Metadata{}))
	requireEntry(t, s, "k", noise(1, 200))
	require.Equal(t, gets, pool.gets)
}

// However many 304s there are, the file stays small and every one counts.
func TestManyUpdates(t *testing.T) {
	for _, long := range []int{10, 5_000, 40_000, 70_000} {
		dir := t.TempDir()
		s := openDir(t, dir, Options{})
		body := noise(1, 2*smallBlock)
		put(t, s, "k", body, unknown)
		shrunk, last := 0, s.Stats().Bytes
		for i := range 600_000/(long+300) + 20 {
			m := store.Metadata{Generation: uint64(i + 1), ETag: strings.Repeat("e", long+i%7)}
			require.NoError(t, s.UpdateMetadata(ctx, "k", uint64(i), m))
			m.Size = int64(len(body))
			require.Equal(t, m, *requireEntry(t, s, "k", body))
			sizes(t, s)
			now := s.Stats().Bytes
			if now < last {
				shrunk++
			}
			last = now
			require.LessOrEqual(t, now, int64(maxAppended+3*(long+1000)))
		}
		require.GreaterOrEqual(t, shrunk, 3, "records of %d bytes", long)
		want, err := s.Stat(ctx, "k")
		require.NoError(t, err)
		require.NoError(t, s.Close())
		require.Equal(t, want, requireEntry(t, openDir(t, dir, Options{}), "k", body))
	}
}

func TestRecordPlace(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	back := 0
	for range 10_000 {
		old := footer{body: body{size: r.Int64N(1000), block: smallBlock}, recordLen: r.Int64N(2 * maxAppended)}
		old.recordOff = old.tableEnd() + r.Int64N(3*maxAppended)
		n := 1 + r.Int64N(2*maxAppended)
		switch place := recordPlace(old, n); place {
		case old.end():
			require.True(t, old.end()+n-old.tableEnd() <= maxAppended || old.recordOff-old.tableEnd() < n, "no need to grow")
		default:
			back++
			require.Equal(t, old.tableEnd(), place)
			require.LessOrEqual(t, place+n, old.recordOff, "over the record in force")
		}
	}
	require.Positive(t, back)
}

// When the records go back to the table's end, the one in force stays whole
// until the new one is: wherever that stops, the file has one of the two.
func TestTornRewriteOfTheRecords(t *testing.T) {
	body := noise(1, 2*smallBlock)
	dir := t.TempDir()
	s := openDir(t, dir, Options{})
	put(t, s, damagedKey, body, unknown)
	name := filepath.Join(dir, nameOf(damagedKey))
	var before, after []byte
	for last := int64(0); s.Stats().Bytes >= last; {
		last = s.Stats().Bytes
		var err error
		before, err = os.ReadFile(name)
		require.NoError(t, err)
		m, err := s.Stat(ctx, damagedKey)
		require.NoError(t, err)
		require.NoError(t, s.UpdateMetadata(ctx, damagedKey, m.Generation, store.Metadata{
			Generation: m.Generation + 1, ETag: map[bool]string{true: "odd", false: "even"}[m.Generation%2 == 0],
			Header: store.NewHeader("pad", strings.Repeat("x", 1000)),
		}))
		after, err = os.ReadFile(name)
		require.NoError(t, err)
	}
	_, _, was, err := parseBytes(before)
	require.NoError(t, err)
	_, _, is, err := parseBytes(after)
	require.NoError(t, err)
	require.Less(t, len(after), len(before))
	require.NotEqual(t, was.ETag, is.ETag)
	for n := len(body); n <= len(after); n += 11 { // written so far
		torn := append(append([]byte(nil), after[:n]...), before[n:]...)
		require.Equal(t, intact, readDamaged(t, t.TempDir(), torn, body, was.ETag))
	}
	require.Equal(t, intact, readDamaged(t, t.TempDir(), append(append([]byte(nil), after...), before[len(after):]...), body, was.ETag))
	require.Equal(t, intact, readDamaged(t, t.TempDir(), after, body, is.ETag))
}
