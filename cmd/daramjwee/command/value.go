package command

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/daramjwee/daramjwee/cache"
)

// value reads a setting from text, in a file or after a flag, and writes it back
// so that it can be read again. The error of Set says what is allowed.
type value interface {
	Set(text string) error
	String() string
}

// textValue is any text; check may be nil.
type textValue struct {
	to    *string
	check func(text string) error
}

func (v textValue) String() string { return *v.to }
func (v textValue) Set(text string) error {
	if v.check != nil {
		if err := v.check(text); err != nil {
			return err
		}
	}
	*v.to = text
	return nil
}

// address is what a server can listen on.
func address(text string) error {
	_, port, err := net.SplitHostPort(text)
	if err == nil {
		_, err = net.LookupPort("tcp", port)
	}
	if err != nil {
		return errors.New("host:port, such as 127.0.0.1:8080, or 127.0.0.1:0 for any free port")
	}
	return nil
}

func addressOrNone(text string) error {
	if text == "" {
		return nil
	}
	return address(text)
}

// sizeValue is a number of bytes: 64MiB, 64MB, 1.5GiB, 65536.
type sizeValue[T int | int64] struct{ to *T }

func (v sizeValue[T]) String() string {
	n, unit := int64(*v.to), 0
	for n != 0 && n%1024 == 0 && unit < 4 {
		n, unit = n/1024, unit+1
	}
	return strconv.FormatInt(n, 10) + []string{"", "KiB", "MiB", "GiB", "TiB"}[unit]
}

func (v sizeValue[T]) Set(text string) error {
	n, err := humanize.ParseBytes(text)
	largest := uint64(math.MaxInt)
	if _, wide := any(*v.to).(int64); wide {
		largest = math.MaxInt64
	}
	// humanize knows only uint64, and reports its overflow by name.
	if err == nil && n > largest || err != nil && strings.HasPrefix(err.Error(), "too large") {
		return fmt.Errorf("at most %d bytes", largest)
	}
	if err != nil {
		return errors.New("0, or a size such as 64MiB, 64MB or 65536")
	}
	*v.to = T(n)
	return nil
}

// countValue is a number of things; which numbers are allowed, Validate knows.
type countValue struct{ to *int }

func (v countValue) String() string { return strconv.Itoa(*v.to) }
func (v countValue) Set(text string) error {
	n, err := strconv.Atoi(text)
	if err != nil {
		return errors.New("a whole number")
	}
	*v.to = n
	return nil
}

type boolValue struct{ to *bool }

func (v boolValue) String() string { return strconv.FormatBool(*v.to) }
func (v boolValue) Set(text string) error {
	if text != "true" && text != "false" {
		return errors.New("true or false")
	}
	*v.to = text == "true"
	return nil
}

// durationValue is a time. A file spells every default out, so that 0 is free to
// say "never" in it, which the library's structs say with a negative number.
type durationValue struct {
	to    *time.Duration
	never bool // 0 is allowed
}

func (v durationValue) String() string {
	s := max(*v.to, 0).String()
	for _, zero := range []string{"m0s", "h0m"} { // 1h0m0s is 1h
		if strings.HasSuffix(s, zero) {
			s = s[:len(s)-2]
		}
	}
	return s
}

func (v durationValue) Set(text string) error {
	d, err := time.ParseDuration(text)
	switch {
	case err == nil && d > 0:
		*v.to = d
		return nil
	case err == nil && d == 0 && v.never:
		*v.to = -1
		return nil
	case v.never:
		return errors.New("0 for never, or a time such as 90s, 5m or 1h30m")
	default:
		return errors.New("a time above 0, such as 90s, 5m or 1h30m")
	}
}

// windowValue is a time within which something must happen; 0 asks for nothing.
type windowValue struct{ to *time.Duration }

func (v windowValue) String() string { return durationValue{v.to, true}.String() }
func (v windowValue) Set(text string) error {
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return errors.New("0, or a time such as 90s, 5m or 1h30m")
	}
	*v.to = d
	return nil
}

// policyValue is a name; which names are allowed, Validate knows.
type policyValue struct{ to *cache.OverflowPolicy }

func (v policyValue) String() string { return string(*v.to) }
func (v policyValue) Set(text string) error {
	*v.to = cache.OverflowPolicy(text)
	return nil
}

type levelValue struct{ to *slog.Level }

func (v levelValue) String() string { return strings.ToLower(v.to.String()) }
func (v levelValue) Set(text string) error {
	if err := v.to.UnmarshalText([]byte(text)); err != nil {
		return errors.New("debug, info, warn or error")
	}
	return nil
}

// originValue is a URL; nil is the demo origin.
type originValue struct{ to **url.URL }

const demo = "demo"

func (v originValue) String() string {
	if *v.to == nil {
		return demo
	}
	return (*v.to).String()
}

func (v originValue) Set(text string) error {
	if text == demo {
		*v.to = nil
		return nil
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" ||
		u.User != nil || u.Fragment != "" || u.Opaque != "" {
		return errors.New("demo, or an http or https URL with a host, without user and fragment")
	}
	*v.to = u
	return nil
}
