package store

import (
	"encoding/json"
	"errors"
	"iter"
	"slices"
	"strings"
)

// Header is an immutable list of name and value pairs. Names may repeat, and
// the order is kept. The zero value is empty.
type Header struct{ pairs []string } // name, value, name, value …; never written to once made

// NewHeader makes a Header of name, value, name, value … It panics when a value
// is missing, as strings.NewReplacer does.
func NewHeader(pairs ...string) Header {
	if len(pairs)%2 != 0 {
		panic("store: NewHeader with a name that has no value")
	}
	return Header{pairs: slices.Clone(pairs)}
}

// Len is the number of pairs.
func (h Header) Len() int { return len(h.pairs) / 2 }

// All yields the pairs in order.
func (h Header) All() iter.Seq2[string, string] {
	return func(yield func(name, value string) bool) {
		for i := 0; i < len(h.pairs); i += 2 {
			if !yield(h.pairs[i], h.pairs[i+1]) {
				return
			}
		}
	}
}

// Get returns the first value of a name, compared without regard to ASCII case
// as HTTP does, or "".
func (h Header) Get(name string) string {
	for n, v := range h.All() {
		if strings.EqualFold(n, name) {
			return v
		}
	}
	return ""
}

// MarshalJSON writes the list of names and values.
func (h Header) MarshalJSON() ([]byte, error) { return json.Marshal(h.pairs) }

// UnmarshalJSON reads what MarshalJSON wrote.
func (h *Header) UnmarshalJSON(data []byte) error {
	var pairs []string
	if err := json.Unmarshal(data, &pairs); err != nil {
		return err
	}
	if len(pairs)%2 != 0 {
		return errors.New("store: header with a name that has no value")
	}
	h.pairs = pairs
	return nil
}
