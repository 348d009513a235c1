package command

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// runCommand runs a command line to its end.
func runCommand(t *testing.T, args ...string) (code int, out, errs string) {
	t.Helper()
	var o, e strings.Builder
	code = run(t.Context(), args, &o, &e)
	return code, o.String(), e.String()
}

func TestUsage(t *testing.T) {
	for _, args := range [][]string{{}, {"bake"}, {"serve", "--nope"}, {"serve", "--memory"}, {"serve", "file"}, {"check"}} {
		code, out, errs := runCommand(t, args...)
		require.Equal(t, exitUsage, code, args)
		require.Empty(t, out, args)
		require.Equal(t, 1, strings.Count(errs, "\n"), errs)
	}
	for _, args := range [][]string{{"--help"}, {"serve", "--help"}, {"check", "--help"}, {"compare", "--help"}} {
		code, out, errs := runCommand(t, args...)
		require.Zero(t, code, args)
		require.Empty(t, errs, args)
		require.Contains(t, out, "Usage: daramjwee", args)
	}
}
