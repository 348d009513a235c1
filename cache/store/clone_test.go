package store_test

import (
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/daramjwee/daramjwee/cache/store"
)

func TestCloneSharesNoString(t *testing.T) {
	buf := []byte(`"tag"NamevalueName`)
	at := func(from, to int) string { return unsafe.String(&buf[from], to-from) }
	m := store.Metadata{ETag: at(0, 5), StoredAt: time.Unix(1, 2), TTL: 3, Size: 4, Generation: 5, Header: store.NewHeader(at(5, 9), at(9, 14), at(14, 18), "")}
	want := store.Metadata{ETag: `"tag"`, StoredAt: time.Unix(1, 2), TTL: 3, Size: 4, Generation: 5, Header: store.NewHeader("Name", "value", "Name", "")}
	require.Equal(t, want, m)
	c := m.Clone()
	require.Equal(t, want, c)
	clear(buf)
	require.Equal(t, want, c)
	require.NotEqual(t, want, m)
	require.Equal(t, store.Metadata{}, store.Metadata{}.Clone())
}
