package command

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/daramjwee/daramjwee/cache"
)

// reader sets settings from a file and from flags, and collects what is wrong
// with them, each fault with the place it comes from.
type reader struct {
	table    []setting
	settings map[string]*setting // by key
	given    map[*setting]place
	faults   []fault
}

// place is where a value was given: "daramjwee.yaml:12", "--pool".
type place struct {
	name string
	line int // to sort by; flags come last
}

type fault struct {
	place
	key  string // "" where the place says it
	what string
}

func (f fault) Error() string {
	parts := slices.DeleteFunc([]string{f.name, f.key, f.what}, func(s string) bool { return s == "" })
	return strings.Join(parts, ": ")
}

func newReader(table []setting) *reader {
	r := &reader{
		table:    table,
		settings: make(map[string]*setting),
		given:    make(map[*setting]place),
	}
	for i := range table {
		r.settings[table[i].key] = &table[i]
	}
	// The strategy is what most files are about, so it has a place at the top; it
	// is understood among the other settings of the buffer pool too.
	r.settings["buffer_pool.strategy"] = r.settings["strategy"]
	return r
}

// readFlags sets what flags say, over what the file said.
func (r *reader) readFlags(flags map[string]string) {
	for i := range r.table {
		s := &r.table[i]
		if text, given := flags[s.flag]; given {
			r.set(s, text, "", place{"--" + s.flag, math.MaxInt})
		}
	}
}

// set gives a setting its value. key is what the user called it.
func (r *reader) set(s *setting, text, key string, at place) {
	r.given[s] = at
	if err := s.value.Set(text); err != nil {
		r.fault(at, key, fmt.Sprintf("%q, allowed: %v", text, err))
	}
}

func (r *reader) fault(at place, key, what string) {
	r.faults = append(r.faults, fault{at, key, what})
}

// blame reports the faults that Validate found, where the values were given. A
// value that could not be read left the default in place, so none is found twice.
func (r *reader) blame(err error) {
	joined, _ := err.(interface{ Unwrap() []error })
	if joined == nil {
		return
	}
	for _, err := range joined.Unwrap() {
		bad, _ := err.(*cache.ConfigError)
		if bad == nil {
			r.fault(place{}, "", err.Error())
			continue
		}
		if bad.Field == "Tiers" { // they are opened later
			continue
		}
		format := "%v, allowed: %s"
		if _, text := bad.Value.(string); text {
			format = "%q, allowed: %s"
		}
		i := slices.IndexFunc(r.table, func(s setting) bool { return s.field == bad.Field })
		if i < 0 {
			r.fault(place{}, bad.Field, fmt.Sprintf(format, bad.Value, bad.Allowed))
			continue
		}
		r.blameOne(&r.table[i], fmt.Sprintf(format, bad.Value, bad.Allowed))
	}
}

func (r *reader) blameOne(s *setting, what string) {
	key := s.key
	if r.given[s].name == "--"+s.flag {
		key = ""
	}
	r.fault(r.given[s], key, what)
}

// err lists the faults in the order of the file, then those of flags.
func (r *reader) err() error {
	slices.SortStableFunc(r.faults, func(a, b fault) int { return cmp.Compare(a.line, b.line) })
	var errs []error
	for _, f := range r.faults {
		errs = append(errs, f)
	}
	return errors.Join(errs...)
}
