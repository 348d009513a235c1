package command

import (
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/daramjwee/daramjwee/cmd/daramjwee/compare"
	"github.com/daramjwee/daramjwee/strategy"
)

// The values of compare's flags. As those of settings, the error of Set says what
// is allowed.

// namesValue is a list of registered strategies; "" is all.
type namesValue struct{ to *[]string }

func (v namesValue) Set(text string) error {
	known := strategy.Names()
	if text == "" {
		*v.to = known
		return nil
	}
	for name := range strings.SplitSeq(text, ",") {
		if name == compare.Stdlib {
			continue // it always is
		}
		if !slices.Contains(known, name) || slices.Contains(*v.to, name) {
			return fmt.Errorf("names out of %s, each once, with commas", strings.Join(known, ", "))
		}
		*v.to = append(*v.to, name)
	}
	return nil
}

// sizesValue is a distribution of sizes.
type sizesValue struct{ to *compare.Sizes }

// largestBody is far beyond what buffers are about, and keeps sums from overflow.
const largestBody = 1 << 30

func (v sizesValue) Set(text string) error {
	for part := range strings.SplitSeq(text, ",") {
		span := compare.Span{Weight: 1}
		sizes, weight, weighted := strings.Cut(part, ":")
		low, high, ranged := strings.Cut(sizes, "-")
		if !ranged {
			high = low
		}
		err := errors.Join(sizeValue[int64]{&span.Low}.Set(low), sizeValue[int64]{&span.High}.Set(high))
		if weighted {
			var e error
			span.Weight, e = strconv.ParseFloat(weight, 64)
			err = errors.Join(err, e)
		}
		if err != nil || span.Low < 1 || span.High < span.Low || span.High > largestBody || !(span.Weight > 0 && span.Weight <= 1e6) {
			return errors.New("64KiB, 1KiB-1MiB or 4KiB:8,256KiB-1MiB:1 with weights; sizes from 1 byte to 1GiB, weights above 0 and up to 1e6")
		}
		*v.to = append(*v.to, span)
	}
	return nil
}

// tiersValue is a list of tiers, the nearest first.
type tiersValue struct{ to *[]compare.Tier }

func (v tiersValue) Set(text string) error {
	for part := range strings.SplitSeq(text, ",") {
		kind, size, _ := strings.Cut(part, ":")
		t := compare.Tier{Disk: kind == "disk"}
		if at := strings.LastIndexByte(size, ':'); t.Disk && at >= 0 { // a directory of Windows has a colon too
			t.Dir, size = size[:at], size[at+1:]
			if info, err := os.Stat(t.Dir); err != nil || !info.IsDir() {
				return fmt.Errorf("a directory that exists in place of %s", t.Dir)
			}
		}
		if err := (sizeValue[int64]{&t.MaxBytes}).Set(size); err != nil || t.MaxBytes == 0 || kind != "memory" && kind != "disk" {
			return errors.New("memory:64MiB, disk:1GiB or disk:DIR:1GiB, or several of them with commas; sizes above 0")
		}
		*v.to = append(*v.to, t)
	}
	return nil
}

// numberValue is a number of things, within bounds.
type numberValue struct {
	to          *int
	least, most int
}

func (v numberValue) Set(text string) error {
	n, err := strconv.Atoi(text)
	if err != nil || n < v.least || n > v.most {
		return fmt.Errorf("a whole number from %d to %d", v.least, v.most)
	}
	*v.to = n
	return nil
}

type ratioValue struct{ to *float64 }

func (v ratioValue) Set(text string) error {
	r, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(r) || r < 0 || r > 1 {
		return errors.New("a number from 0 to 1, such as 0.8")
	}
	*v.to = r
	return nil
}

type seedValue struct{ to *uint64 }

func (v seedValue) Set(text string) error {
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return errors.New("a whole number from 0 to 18446744073709551615")
	}
	*v.to = n
	return nil
}
