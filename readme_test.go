// The tests of the repository as a whole.
package daramjwee_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestReadmeSnippetsAreCompiled: every Go snippet of the README stands, line by
// line, in a test file that is compiled and run.
func TestReadmeSnippetsAreCompiled(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	snippets := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(string(readme), -1)
	require.NotEmpty(t, snippets)
	var compiled []string
	require.NoError(t, filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && (strings.HasSuffix(path, "_test.go") || strings.Contains(filepath.ToSlash(path), "/example/") && strings.HasSuffix(path, ".go")) {
			var data []byte
			data, err = os.ReadFile(path)
			compiled = append(compiled, flat(string(data)))
		}
		return err
	}))
	for _, s := range snippets {
		found := false
		for _, c := range compiled {
			found = found || strings.Contains(c, flat(s[1]))
		}
		require.True(t, found, "not compiled anywhere:\n%s", s[1])
	}
}

// flat drops indentation and blank lines.
func flat(code string) string {
	var lines []string
	for line := range strings.Lines(code) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	return "\n" + strings.Join(lines, "\n") + "\n"
}
