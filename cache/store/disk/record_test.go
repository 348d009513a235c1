package disk

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/daramjwee/daramjwee/cache/store"
)

func TestRecord(t *testing.T) {
	for _, m := range []store.Metadata{{}, full(0), {StoredAt: time.Unix(1<<55, 1).UTC()}, {TTL: -1 << 63}, {Header: store.NewHeader("a", "\x80")}} {
		for _, k := range []string{"", "k\x00<", "\xff"} {
			b, err := encodeRecord(k, m)
			require.NoError(t, err)
			key, got, err := decodeRecord(b)
			require.NoError(t, err)
			require.Equal(t, k, key)
			require.Equal(t, m, got)
		}
	}
	_, err := encodeRecord(strings.Repeat("\xff", maxRecord), store.Metadata{})
	require.ErrorIs(t, err, store.ErrTooLarge)
}

func TestRecordRefusesWhatItDidNotWrite(t *testing.T) {
	for _, js := range []string{``, `{`, `[]`, `{"Header":["a"]}`, `{"Key":1}`, `{"Key":"!","Base64":true}`, `{"StoredAt":"now"}`} {
		_, _, err := decodeRecord(append(appendHead(nil, headSize+len(js)), js...))
		require.ErrorIs(t, err, ErrCorrupt, js)
	}
	_, _, err := decodeRecord(append(appendHead(nil, headSize+3), "{}"...))
	require.ErrorIs(t, err, ErrCorrupt)
}

// image builds a stored file in memory.
func image(t testing.TB, key string, b []byte, m store.Metadata) []byte {
	m.Size = int64(len(b))
	rec, err := encodeRecord(key, m)
	require.NoError(t, err)
	var table []byte
	for off := 0; off < len(b); off += smallBlock {
		table = le.AppendUint32(table, checksum(b[off:min(off+smallBlock, len(b))]))
	}
	f := footer{body: body{size: m.Size, block: smallBlock, tableSum: checksum(table)}, recordSum: checksum(rec), recordLen: int64(len(rec))}
	f.recordOff = f.tableEnd()
	return f.append(bytes.Join([][]byte{b, table, rec}, nil))
}

func parseBytes(b []byte) (footer, string, store.Metadata, error) {
	return parseFile(bytes.NewReader(b), int64(len(b)))
}

func TestParseRefusesEveryBitFlipAndTruncation(t *testing.T) {
	file := image(t, "key", noise(1, 3*smallBlock+1), full(0))
	f, key, m, err := parseBytes(file)
	require.NoError(t, err)
	require.Equal(t, "key", key)
	require.Equal(t, full(f.size), m)
	for i := range file {
		_, _, _, err := parseBytes(file[:i])
		require.ErrorIs(t, err, ErrCorrupt, "cut to %d bytes", i)
		if int64(i) < f.tableEnd() {
			continue // the blocks' own checksums find that
		}
		for bit := range 8 {
			file[i] ^= 1 << bit
			_, _, _, err := parseBytes(file)
			require.ErrorIs(t, err, ErrCorrupt, "byte %d bit %d", i, bit)
			file[i] ^= 1 << bit
		}
	}
}

func TestParseRefusesWhatDoesNotFitTogether(t *testing.T) {
	file := image(t, "key", noise(1, 100), store.Metadata{})
	foot := file[len(file)-footerSize:]
	at := int64(len(file) - footerSize)
	f, ok := parseFooter(foot, at)
	require.True(t, ok)
	for _, moved := range []int64{0, at - 1, at + 1, 1 << 62} {
		_, ok := parseFooter(foot, moved)
		require.False(t, ok, "a footer at %d that says it lies at %d", moved, at)
	}
	for i, change := range []func(*footer){
		func(f *footer) { f.size-- }, // the record knows better
		func(f *footer) { f.size = -1 },
		func(f *footer) { f.size = 1 << 62 },
		func(f *footer) { f.block = 0 },
		func(f *footer) { f.block = maxBlockSize + 1 },
		func(f *footer) { f.block = 1 }, // and a table as long as that
		func(f *footer) { f.recordSum++ },
		func(f *footer) { f.recordOff++; f.recordLen-- },
		func(f *footer) { f.recordOff, f.recordLen = f.recordOff+f.recordLen-1, 1 },
	} {
		bad := f
		change(&bad)
		_, _, _, err := parseBytes(bad.append(bytes.Clone(file[:at])))
		require.ErrorIs(t, err, ErrCorrupt, "change %d", i)
	}
}

// A body may hold stored files. The tail of one that is damaged is not taken
// for the truth.
func TestFooterInsideTheBody(t *testing.T) {
	inner := image(t, "key", []byte("inner"), store.Metadata{})
	file := image(t, "key", append(inner, noise(1, 100)...), store.Metadata{})
	_, _, m, err := parseBytes(file)
	require.NoError(t, err)
	require.EqualValues(t, len(inner)+100, m.Size)
	file[len(file)-1] ^= 1
	_, _, _, err = parseBytes(file)
	require.ErrorIs(t, err, ErrCorrupt)
}

func TestRecordLongerThanTheGuess(t *testing.T) {
	long := string(noise(1, 3*tailGuess))
	_, key, _, err := parseBytes(image(t, long, nil, store.Metadata{}))
	require.NoError(t, err)
	require.Equal(t, long, key)
}

// FuzzParseFile looks for input that panics, allocates without bound, or is
// accepted with lengths that do not fit the file.
func FuzzParseFile(f *testing.F) {
	file := image(f, "key", noise(1, 200), full(0))
	f.Add(file)
	f.Add(append(bytes.Clone(file), file[len(file)-200:]...))
	f.Add(file[:len(file)-1])
	f.Add([]byte(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		foot, key, m, err := parseBytes(b)
		if err != nil {
			require.ErrorIs(t, err, ErrCorrupt)
			return
		}
		size := int64(len(b))
		require.LessOrEqual(t, foot.end(), size)
		require.LessOrEqual(t, foot.tableEnd(), foot.recordOff)
		require.GreaterOrEqual(t, foot.size, int64(0))
		require.Equal(t, foot.size, m.Size)
		rec, err := encodeRecord(key, m)
		require.NoError(t, err)
		again, m2, err := decodeRecord(rec)
		require.NoError(t, err)
		require.Equal(t, key, again)
		require.Equal(t, m, m2)
	})
}

// FuzzRecord gives the decoder JSON whose checksums are right, which random
// bytes never have.
func FuzzRecord(f *testing.F) {
	rec, err := encodeRecord("k\xff", full(3))
	require.NoError(f, err)
	f.Add(rec[headSize:])
	f.Fuzz(func(t *testing.T, js []byte) {
		key, m, err := decodeRecord(append(appendHead(nil, headSize+len(js)), js...))
		if err != nil {
			require.ErrorIs(t, err, ErrCorrupt)
			return
		}
		rec, err := encodeRecord(key, m)
		require.NoError(t, err)
		again, m2, err := decodeRecord(rec)
		require.NoError(t, err)
		require.Equal(t, key, again)
		require.Equal(t, m, m2)
	})
}
