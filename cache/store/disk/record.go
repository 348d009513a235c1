package disk

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/daramjwee/daramjwee/cache/store"
)

// record is the JSON of a metadata record. It is store.Metadata with the key,
// and with the fields shadowed whose own JSON would not bring every value back:
// it replaces bytes that are not UTF-8 and cannot write the year 10000.
type record struct {
	Key string
	store.Metadata
	ETag                   string
	LastModified, StoredAt instant
	Header                 []string // name, value, name, value …
	Base64                 bool     // the strings above are, since one of them is not UTF-8
}

// instant is a time of any year: seconds since 1970 and nanoseconds.
type instant [2]int64

func instantOf(t time.Time) instant { return instant{t.Unix(), int64(t.Nanosecond())} }
func (i instant) time() time.Time   { return time.Unix(i[0], i[1]).UTC() }

// strings calls f for each string of r.
func (r *record) strings(f func(*string)) {
	f(&r.Key)
	f(&r.ETag)
	for i := range r.Header {
		f(&r.Header[i])
	}
}

// encodeRecord returns a whole record, its head included.
func encodeRecord(key string, m store.Metadata) ([]byte, error) {
	r := record{Key: key, Metadata: m, ETag: m.ETag, LastModified: instantOf(m.LastModified), StoredAt: instantOf(m.StoredAt)}
	for name, value := range m.Header.All() {
		r.Header = append(r.Header, name, value)
	}
	r.strings(func(s *string) { r.Base64 = r.Base64 || !utf8.ValidString(*s) })
	if r.Base64 {
		r.strings(func(s *string) { *s = base64.StdEncoding.EncodeToString([]byte(*s)) })
	}
	js, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("disk: encode metadata: %w", err)
	}
	n := headSize + len(js)
	if n > maxRecord {
		return nil, fmt.Errorf("disk: key and metadata of %d bytes: %w", n, store.ErrTooLarge)
	}
	return append(appendHead(make([]byte, 0, n), n), js...), nil
}

// decodeRecord is the inverse of encodeRecord.
func decodeRecord(b []byte) (key string, m store.Metadata, err error) {
	if n, err := parseHead(b); err != nil || n != int64(len(b)) {
		return "", m, fmt.Errorf("%w: record and footer disagree", ErrCorrupt)
	}
	var r record
	if err := json.Unmarshal(b[headSize:], &r); err != nil {
		return "", m, fmt.Errorf("%w: metadata: %w", ErrCorrupt, err)
	}
	if r.Base64 {
		r.strings(func(s *string) {
			plain, e := base64.StdEncoding.DecodeString(*s)
			*s = string(plain)
			if e != nil {
				err = fmt.Errorf("%w: metadata: %w", ErrCorrupt, e)
			}
		})
	}
	if len(r.Header)%2 != 0 {
		err = fmt.Errorf("%w: header with a name that has no value", ErrCorrupt)
	}
	if err != nil {
		return "", m, err
	}
	m = r.Metadata
	m.ETag, m.LastModified, m.StoredAt = r.ETag, r.LastModified.time(), r.StoredAt.time()
	if len(r.Header) > 0 {
		m.Header = store.NewHeader(r.Header...)
	}
	return r.Key, m, nil
}

// canonical returns m as it comes back from the disk, so that a restart changes
// nothing: times in UTC and without their monotonic part.
func canonical(m store.Metadata, size int64) *store.Metadata {
	m.Size = size
	m.LastModified, m.StoredAt = instantOf(m.LastModified).time(), instantOf(m.StoredAt).time()
	if m.Header.Len() == 0 {
		m.Header = store.Header{}
	}
	return &m
}
