package command

import (
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var discard = slog.New(slog.DiscardHandler)

// TestWhatCannotBeServed: one clear line, exit code 1, and nothing left behind.
func TestWhatCannotBeServed(t *testing.T) {
	noLeaks(t)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	port := taken.Addr().String()
	for name, c := range map[string]struct {
		args []string
		says string
	}{
		"port in use":              {[]string{"--listen", port}, "daramjwee: listen tcp " + port + ": "},
		"admin port in use":        {[]string{"--admin", port}, "daramjwee: listen tcp " + port + ": "},
		"directory under a file":   {[]string{"--dir", filepath.Join(file, "cache")}, filepath.Join(file, "cache")},
		"directory that is a file": {[]string{"--dir", file}, file},
		"no origin":                {[]string{"--origin", "example.com"}, `--origin: "example.com", allowed: demo, or an http`},
		"unknown strategy":         {[]string{"--pool", "sinkpool"}, `--pool: "sinkpool", allowed: did you mean "syncpool"? one of `},
		"no tier":                  {[]string{"--memory", "0", "--disk", "0"}, "--memory: 0, and disk.max_bytes too"},
		"no file":                  {[]string{"--config", file + ".yaml"}, file + ".yaml"},
	} {
		code, out, errs := runCommand(t, serveArgs(t, c.args)...)
		require.Equal(t, exitFailed, code, name)
		require.Empty(t, out, name)
		require.Contains(t, errs, c.says, name)
		require.Equal(t, 1, strings.Count(errs, "\n"), "%s: %s", name, errs)
	}
}

func TestOneServerPerDirectory(t *testing.T) {
	dir := t.TempDir()
	first := serveInProcess(t, "--dir", dir)
	code, out, errs := runCommand(t, serveArgs(t, []string{"--dir", dir})...)
	require.Equal(t, exitFailed, code)
	require.Empty(t, out)
	require.Contains(t, errs, filepath.Join(dir, "daramjwee.lock"))
	require.Equal(t, 1, strings.Count(errs, "\n"), errs)
	_, status := get(t, first.url+"/2KiB")
	require.Contains(t, status, "stored", "the first one serves on")
	require.Zero(t, first.stop())

	require.Zero(t, serveInProcess(t, "--dir", dir).stop(), "the lock went with it")
}

func TestFaultyFilesAreReportedWhole(t *testing.T) {
	file := write(t, "strategy: chanel\nmemory:\n  max_bites: 1\n")
	want := file + `:1: strategy: "chanel", allowed: did you mean "channel"? one of bytebuffer, channel, noop, syncpool` + "\n" +
		file + ":3: memory.max_bites: unknown key, allowed: max_bytes, strategy\n"
	for _, args := range [][]string{{"check", file}, {"serve", "--config", file}} {
		code, out, errs := runCommand(t, args...)
		require.Equal(t, exitFailed, code)
		require.Empty(t, out)
		require.Equal(t, want, errs)
	}
}
