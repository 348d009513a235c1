package conformance

import (
	"bytes"
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// check is what one rule runs under. testing.TB cannot be implemented outside
// of testing, and the rules have to run where no test does: in a program that
// checks itself, and against liars.
type check struct {
	rule  Rule
	mend  string
	label string // of every goroutine that the rule started, however indirectly

	mu       sync.Mutex // guards following 5 fields
	asserted int
	found    []*Violation
	more     int
	absent   string // what the subject lacks, and the rule is about
	over     bool   // the verdict is out: what comes late is not recorded
	cleanups []func()
}

// keepViolations is how many of one rule are kept. The first one tells most.
const keepViolations = 3

var labels atomic.Int64

// stopped unwinds a rule that cannot go on.
type stopped struct{}

// run runs f under a watchdog and returns what it found.
func (c *check) run(f func(), timeout time.Duration) []*Violation {
	c.label = strconv.FormatInt(labels.Add(1), 10)
	done := make(chan struct{})
	go func() {
		defer close(done)
		pprof.Do(context.Background(), pprof.Labels("conformance", c.label), func(context.Context) {
			c.guard(f)
			for i := len(c.cleanups) - 1; i >= 0; i-- {
				c.guard(c.cleanups[i])
			}
		})
	}()
	watchdog := time.NewTimer(timeout)
	defer watchdog.Stop()
	select {
	case <-done:
	case <-watchdog.C:
		c.fail("the rule is still running after "+timeout.String()+"\n"+strings.Join(c.goroutines(), "\n\n"), "every call returns", "")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.over = true
	if c.asserted == 0 && len(c.found) == 0 && c.absent == "" {
		c.found = append(c.found, c.violation("no assertion was made", "a rule that looks at something", "the suite itself"))
	}
	if len(c.found) > 0 {
		c.found[0].More = c.more
	}
	return c.found
}

// that asserts. got and want are printed as fmt.Sprint does; where is a format.
func (c *check) that(ok bool, got, want any, where string, args ...any) bool {
	c.count(1)
	if !ok {
		c.fail(fmt.Sprint(got), fmt.Sprint(want), fmt.Sprintf(where, args...))
	}
	return ok
}

// count adds assertions that a loop made for itself, because arguments of that
// would cost more than what is looked at.
func (c *check) count(n int) {
	c.mu.Lock()
	c.asserted += n
	c.mu.Unlock()
}

func (c *check) fail(got, want, where string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.over:
	case len(c.found) < keepViolations:
		c.found = append(c.found, c.violation(got, want, where))
	default:
		c.more++
	}
}

func (c *check) violation(got, want, where string) *Violation {
	return &Violation{Rule: c.rule, Where: where, Got: got, Want: want, Mend: c.mend}
}

// must is that, and ends the rule where it does not hold.
func (c *check) must(ok bool, got, want any, where string, args ...any) {
	if !c.that(ok, got, want, where, args...) {
		panic(stopped{})
	}
}

// lacks ends a rule on what is optional, and absent.
func (c *check) lacks(what string) {
	c.mu.Lock()
	c.absent = what
	c.mu.Unlock()
	panic(stopped{})
}

// cleanup runs f after the rule, on the rule's goroutine.
func (c *check) cleanup(f func()) { c.cleanups = append(c.cleanups, f) }

// guard runs f to its end and records what unwinds it: a panic on a goroutine of
// the suite would end the whole test binary.
func (c *check) guard(f func()) { c.unwound(ending(f)) }

func (c *check) unwound(e end) {
	if e.goexit {
		c.fail("runtime.Goexit", "the call returns", "")
	} else if _, quiet := e.panicked.(stopped); e.panicked != nil && !quiet {
		c.fail(fmt.Sprintf("panic: %v\n%s", e.panicked, e.stack), "no panic", "")
	}
}

// end is how a function ended: all zero when it returned.
type end struct {
	panicked any
	stack    string
	goexit   bool
}

// ending runs f on a goroutine of its own, which a Goexit may end, and waits.
func ending(f func()) (e end) {
	done := make(chan struct{})
	go func() {
		e.goexit = true // until something else is known
		defer close(done)
		defer func() {
			if v := recover(); v != nil {
				e = end{panicked: v, stack: shortStack()}
			}
		}()
		f()
		e.goexit = false
	}()
	<-done
	return e
}

// yield lets other goroutines run, in a loop that waits for something. It unwinds
// a goroutine whose rule's verdict is out: left behind, it would keep a processor
// busy for as long as the tests run.
func (c *check) yield() {
	c.mu.Lock()
	over := c.over
	c.mu.Unlock()
	if over {
		panic(stopped{})
	}
	runtime.Gosched()
}

// parallel runs f(0) to f(n-1) at the same time and waits for all of them.
func (c *check) parallel(n int, f func(i int)) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			returned := false
			defer func() {
				if v := recover(); v != nil {
					c.unwound(end{panicked: v, stack: shortStack()})
				} else if !returned {
					c.unwound(end{goexit: true})
				}
			}()
			f(i)
			returned = true
		})
	}
	wg.Wait()
}

// shortStack is the stack of a panic without the frames of panicking.
func shortStack() string {
	lines := strings.Split(string(debug.Stack()), "\n")
	for i, l := range lines {
		if strings.HasPrefix(l, "panic(") && i+2 < len(lines) {
			lines = lines[i+2:]
			break
		}
	}
	return strings.Join(lines[:min(len(lines), 12)], "\n")
}

// goroutines are the stacks of those that descend from this rule's. Labels are
// inherited, so one left by another rule, or by the rest of the process, is not
// taken for this rule's.
func (c *check) goroutines() (own []string) {
	var all bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&all, 1); err != nil {
		return []string{err.Error()}
	}
	for _, g := range strings.Split(all.String(), "\n\n") {
		if strings.Contains(g, `"conformance":"`+c.label+`"`) {
			own = append(own, strings.TrimSpace(g))
		}
	}
	return own
}
