package conformance_test

import (
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/daramjwee/daramjwee/conformance"
	"github.com/daramjwee/daramjwee/strategy"
)

// The whole test of a backend. Run it with -race once as well.
func ExampleTestBufferPool() {
	var TestLIFO = func(t *testing.T) {
		conformance.TestBufferPool(t, openLIFO, conformance.Options{})
	}
	_ = TestLIFO
}

// Its benchmark: strategy=this beside strategy=floor and strategy=make.
//
//	go test -run '^$' -bench LIFO -count 6 | tee lifo.txt
//	benchstat -col /strategy lifo.txt
func ExampleBenchmarkBufferPool() {
	var BenchmarkLIFO = func(b *testing.B) {
		conformance.BenchmarkBufferPool(b, openLIFO)
	}
	_ = BenchmarkLIFO
}

// Its fuzz target, for go test -fuzz LIFO.
func ExampleFuzzBufferPool() {
	var FuzzLIFO = func(f *testing.F) {
		conformance.FuzzBufferPool(f, openLIFO, conformance.Options{})
	}
	_ = FuzzLIFO
}

// A pool that wraps errors, which io.Copy does not, and the rule that says so.
func ExampleCheckBufferPool() {
	fmt.Println("lifo:", conformance.CheckBufferPool(openLIFO, conformance.Options{}))

	err := conformance.CheckBufferPool(func(cfg strategy.BufferPoolConfig) (strategy.BufferPool, error) {
		p, err := openLIFO(cfg)
		return wrapping{p}, err
	}, conformance.Options{})
	var v *conformance.Violation
	if errors.As(err, &v) {
		fmt.Printf("%s: %s\n", v.Rule.ID, v.Rule.Text)
	}
	// Output:
	// lifo: <nil>
	// copy/errors: CopyBuffer gives io.Copy's bytes, count and the very same error when a side fails.
}

type wrapping struct{ strategy.BufferPool }

func (p wrapping) CopyBuffer(dst io.Writer, src io.Reader) (int64, error) {
	n, err := p.BufferPool.CopyBuffer(dst, src)
	if err != nil {
		err = fmt.Errorf("copy: %w", err)
	}
	return n, err
}
