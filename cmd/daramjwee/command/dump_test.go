package command

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v4"

	"github.com/daramjwee/daramjwee/strategy/channel"
)

func TestSampleFileIsTheDefaults(t *testing.T) {
	got, err := load("../daramjwee.yaml", nil)
	require.NoError(t, err)
	want, err := load("", nil)
	require.NoError(t, err)
	require.Equal(t, effective(t, want), effective(t, got))

	var sample, dumped map[string]any
	text, err := os.ReadFile("../daramjwee.yaml")
	require.NoError(t, err)
	require.NoError(t, yaml.Load(text, &sample))
	require.NoError(t, yaml.Load([]byte(effective(t, want)), &dumped))
	require.Equal(t, keys("", dumped), keys("", sample), "the sample file must have every setting")
}

func TestEffectiveConfigurationLoadsAsItself(t *testing.T) {
	s, err := load(write(t, everything), nil)
	require.NoError(t, err)
	first := effective(t, s)
	again, err := load(write(t, first), nil)
	require.NoError(t, err)
	require.Equal(t, first, effective(t, again))
	require.Equal(t, s, again)
}

func TestEffectiveConfigurationSpellsDerivedSizesOut(t *testing.T) {
	s, err := load(write(t, "strategy: channel\nbuffer_pool: {default_size: 128KiB}\ndisk: {dir: 007}\n"), nil)
	require.NoError(t, err)
	require.Equal(t, channel.Name, s.cache.BufferPool.Strategy)
	text := effective(t, s)
	require.Contains(t, text, "  default_size: 128KiB\n  min_size: 4KiB\n  max_size: 128KiB\n  max_idle: 64\n  cleanup_interval: 1m\n")
	require.Regexp(t, `dir: ["']007["']`, text, "a text that looks like a number")
	require.NotContains(t, text, "!!")
}

func TestCheckPrintsTheEffectiveConfiguration(t *testing.T) {
	file := write(t, everything)
	code, out, errs := runCommand(t, "check", file)
	require.Zero(t, code, errs)
	require.Empty(t, errs)
	require.Equal(t, strings.Join(strings.Fields(everything), " "), strings.Join(strings.Fields(out), " "))

	code, again, errs := runCommand(t, "check", write(t, out))
	require.Zero(t, code, errs)
	require.Equal(t, out, again)
}

// everything differs from every default.
const everything = `
listen: localhost:9090
admin: 127.0.0.1:0
origin: https://example.com/a?b=c
log_level: debug
strategy: channel
buffer_pool:
  enabled: false
  default_size: 64KiB
  min_size: 100
  max_size: 1MiB
  max_idle: 7
  cleanup_interval: 0s
  scrub: true
memory:
  max_bytes: 0
  strategy: bytebuffer
disk:
  max_bytes: 3TiB
  dir: /somewhere else
  durable: true
promote_within: 1m30s
freshness:
  positive: 0s
  negative: 1h30m
  stale_while_revalidate: 1m1s
  stale_if_error: 1.5s
timeouts:
  operation: 2h
  drain: 100ms
background:
  workers: 1
  queue: 99
  overflow: inline
`

func effective(t *testing.T, s *settings) string {
	t.Helper()
	var text strings.Builder
	require.NoError(t, s.dump(&text))
	return text.String()
}

// write makes a configuration file.
func write(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "daramjwee.yaml")
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	return file
}

func keys(prefix string, group map[string]any) map[string]bool {
	all := make(map[string]bool)
	for k, v := range group {
		if below, ok := v.(map[string]any); ok {
			for nested := range keys(prefix+k+".", below) {
				all[nested] = true
			}
			continue
		}
		all[prefix+k] = true
	}
	return all
}
