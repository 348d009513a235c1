package strategy_test

import (
	"errors"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/daramjwee/daramjwee/strategy"
)

func lendsHere(p strategy.BufferPool) []byte   { return p.Get(100) }
func putsHere(p strategy.BufferPool, b []byte) { p.Put(b) }
func againHere(p strategy.BufferPool, b []byte) {
	p.Put(b)
}

func TestMisuseSaysWhatWhereAndWhatToDo(t *testing.T) {
	p, _ := opened(t, config{Enabled: true})
	c := inspected(p)
	buf := lendsHere(c)
	putsHere(c, buf)
	againHere(c, buf)
	m := c.found[0]
	text := m.Error()
	require.True(t, strings.HasPrefix(text, "strategy: double Put: a buffer of 4096 bytes was given back twice\n\tmend: put a buffer once"), text)
	for _, part := range []struct{ head, function string }{{"got at\n\t", "lendsHere"}, {"put at\n\t", "putsHere"}, {"found at\n\t", "againHere"}} {
		at := strings.Index(text, part.head)
		require.GreaterOrEqual(t, at, 0, text)
		first, _, _ := strings.Cut(text[at+len(part.head):], "\n")
		require.True(t, strings.HasSuffix(first, part.function), "the stack begins outside of the pool: %s", first)
	}

	buf[42] = 0
	c.Check()
	runtime.KeepAlive(buf)
	require.Contains(t, c.found[1].Error(), "write after Put: a buffer of 4096 bytes was written to after its Put, at byte 42\n")
	c.Put(c.Get(200)[5:])
	require.Contains(t, c.found[2].Error(), "is a part of what Get returned, from byte 5 on\n")
	c.Put(make([]byte, 9))
	require.NotContains(t, c.found[3].Error(), "got at", "nobody got it")
}

func TestEveryKindHasItsText(t *testing.T) {
	for _, k := range []strategy.MisuseKind{strategy.DoublePut, strategy.StalePut, strategy.ForeignPut, strategy.SubslicePut,
		strategy.WriteToIdle, strategy.Leak, strategy.HeldAtClose, strategy.LentTwice} {
		text := (&strategy.Misuse{Kind: k, Cap: 10}).Error()
		require.Regexp(t, `^strategy: [a-zA-Z -]+: a buffer of 10 bytes [a-z].*\n\tmend: [a-z]`, text)
	}
}

func TestMisusePanicsWhenNobodyIsTold(t *testing.T) {
	p, _ := opened(t, config{Enabled: true})
	c := strategy.Checked(p, nil)
	buf := c.Get(0)
	c.Put(buf)
	defer func() {
		err, _ := recover().(error)
		var m *strategy.Misuse
		require.True(t, errors.As(err, &m))
		require.Equal(t, strategy.DoublePut, m.Kind)
		c.Put(c.Get(10)) // no lock is held
	}()
	c.Put(buf)
}
