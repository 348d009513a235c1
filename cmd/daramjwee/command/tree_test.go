package command

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// inputTree returns files of the Go distribution's src, spread over all of it, or
// where a machine has none, of a tree made like it.
func inputTree(t *testing.T) (root string, files map[string][]byte) {
	t.Helper()
	goroot, _ := exec.Command("go", "env", "GOROOT").Output()
	root = filepath.Join(strings.TrimSpace(string(goroot)), "src")
	names := listFiles(root)
	if len(names) < inputFiles {
		root = makeTree(t)
		names = listFiles(root)
	}
	files = make(map[string][]byte)
	for i := range inputFiles {
		name := names[i*len(names)/inputFiles]
		text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
		require.NoError(t, err)
		files[name] = text
	}
	require.Len(t, files, inputFiles)
	return root, files
}

func makeTree(t *testing.T) (root string) {
	t.Helper()
	root = t.TempDir()
	random := rand.New(rand.NewPCG(1, 2))
	for i := range inputFiles {
		dir := filepath.Join(root, fmt.Sprint("package", i%100))
		require.NoError(t, os.MkdirAll(dir, 0o700))
		text := make([]byte, int(random.ExpFloat64()*(16<<10))) // some are empty, some hundreds of KiB
		for j := range text {
			text[j] = byte(random.Uint32())
		}
		require.NoError(t, os.WriteFile(filepath.Join(dir, fmt.Sprintf("file %d%%.go", i)), text, 0o600))
	}
	return root
}

// listFiles lists what a file server answers with a body under its own path.
func listFiles(root string) (files []string) {
	_ = fs.WalkDir(os.DirFS(root), ".", func(file string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && path.Base(file) != "index.html" {
			files = append(files, file)
		}
		return nil
	})
	return files
}
