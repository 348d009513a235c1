package strategy

import (
	"fmt"
	"runtime"
	"strings"
)

// MisuseKind is a way to break the ownership rules of a BufferPool.
type MisuseKind string

const (
	DoublePut    MisuseKind = "double Put"    // of a buffer that was put or dropped before, simultaneous Puts included
	StalePut     MisuseKind = "stale Put"     // the same after another Get: without Checked it takes the buffer from its next holder
	ForeignPut   MisuseKind = "foreign Put"   // of memory that did not come from this pool's Get
	SubslicePut  MisuseKind = "sub-slice Put" // of a part that does not begin, or end, where the buffer does
	WriteToIdle  MisuseKind = "write after Put"
	Leak         MisuseKind = "leak"          // a buffer was collected that was neither put nor dropped
	HeldAtClose  MisuseKind = "held at Close" // allowed, and a leak unless its holder is still at work
	LentTwice    MisuseKind = "lent twice"    // the pool's own fault: it lent a buffer that is held
	mendPut                 = "put a buffer once, from the one place that knows that nobody uses it any more"
	mendLeak                = "put the buffer on every way out, errors and early returns included, or give it up with strategy.Drop"
	mendSubslice            = "put what Get returned, or a prefix b[:k] of it; never b[k:], nor b[:k:k]"
)

var misuses = map[MisuseKind]struct{ what, mend string }{
	DoublePut:   {"was given back twice", mendPut},
	StalePut:    {"was put again after the pool had lent it to somebody else", mendPut},
	ForeignPut:  {"did not come from Get of this pool", "put a buffer into the pool that lent it; what append has grown, and what make returned, is the garbage collector's"},
	SubslicePut: {"is a part of what Get returned", mendSubslice},
	WriteToIdle: {"was written to after its Put", "put a buffer when the last writer has returned; if one may still run, give it up with strategy.Drop"},
	Leak:        {"was never put", mendLeak},
	HeldAtClose: {"is out while the pool is closed", "close the pool when its users are done; else " + mendLeak},
	LentTwice:   {"was lent while it was held", "let Take remove what it returns, atomically, from what is idle"},
}

// Misuse is one breach of the ownership rules, seen by a CheckedPool.
type Misuse struct {
	Kind   MisuseKind
	Cap    int // of the buffer, or of the slice that was put, in bytes
	Offset int // WriteToIdle: of the first byte that changed. SubslicePut: of the slice in its buffer

	Got   Stack // of the Get that lent the buffer; empty for a ForeignPut
	Put   Stack // of the Put or Drop that ended the loan; empty while it lasts
	Found Stack // of the call that was wrong, or that found out; empty in a garbage collection
}

// Error says what happened, what mends it, and where each of it was.
func (m *Misuse) Error() string {
	var b strings.Builder
	text := misuses[m.Kind]
	fmt.Fprintf(&b, "strategy: %s: a buffer of %d bytes %s", m.Kind, m.Cap, text.what)
	switch m.Kind {
	case WriteToIdle:
		fmt.Fprintf(&b, ", at byte %d", m.Offset)
	case SubslicePut:
		fmt.Fprintf(&b, ", from byte %d on", m.Offset)
	}
	fmt.Fprintf(&b, "\n\tmend: %s", text.mend)
	for _, at := range []struct {
		name  string
		stack Stack
	}{{"got", m.Got}, {"put", m.Put}, {"found", m.Found}} {
		if len(at.stack) > 0 {
			fmt.Fprintf(&b, "\n%s at\n%s", at.name, at.stack)
		}
	}
	return b.String()
}

// Stack is a call stack as runtime.Callers returns it, the innermost call first.
type Stack []uintptr

// String lists function, file and line of each call, without the checking itself.
func (s Stack) String() string {
	var b strings.Builder
	frames := runtime.CallersFrames(s)
	for inside := true; ; {
		f, more := frames.Next()
		inside = inside && (strings.Contains(f.Function, "strategy.(*CheckedPool).") || strings.Contains(f.Function, "strategy.(*loans)."))
		if !inside && f.Function != "" {
			fmt.Fprintf(&b, "\t%s\n\t\t%s:%d\n", f.Function, f.File, f.Line)
		}
		if !more {
			return strings.TrimSuffix(b.String(), "\n")
		}
	}
}

// callers is the stack of its caller's caller.
func callers() Stack {
	var pcs [32]uintptr
	return append(Stack(nil), pcs[:runtime.Callers(3, pcs[:])]...)
}
