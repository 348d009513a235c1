package command

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/daramjwee/daramjwee/cache"
	"github.com/daramjwee/daramjwee/strategy/bytebuffer"
	"github.com/daramjwee/daramjwee/strategy/channel"
)

func TestEveryFaultIsReportedAtOnceWithItsLine(t *testing.T) {
	file := write(t, `listen: 8080
origin: ftp://example.com
log_levle: debug
strategy: chanel
buffer_pool:
  enabled: yes
  default_size: 32KiB
  min_size: 64KiB
  max_size: -1
  max_idle: -3
  cleanup_interval: 5
  max_idle: 4
memory: 64MiB
disk:
  max_bytes: 9EiB
  dir: [a, b]
  durable:
  speed: high
freshness:
  positive: -1m
  negative: {a: 1}
timeouts: {operation: 0s}
background:
  workers: many
  queue: -1
  overflow: wait
promote_within: -1s
log_level: loud
`)
	_, err := load(file, map[string]string{"memory": "12XB", "stale-if-error": "soon"})
	require.Error(t, err)
	got := strings.ReplaceAll(err.Error(), file, "daramjwee.yaml")
	require.Equal(t, strings.TrimSpace(`
daramjwee.yaml:1: listen: "8080", allowed: host:port, such as 127.0.0.1:8080, or 127.0.0.1:0 for any free port
daramjwee.yaml:2: origin: "ftp://example.com", allowed: demo, or an http or https URL with a host, without user and fragment
daramjwee.yaml:3: log_levle: unknown key, allowed: admin, background, buffer_pool, disk, freshness, listen, log_level, memory, origin, promote_within, strategy, timeouts
daramjwee.yaml:4: strategy: "chanel", allowed: did you mean "channel"? one of bytebuffer, channel, noop, syncpool
daramjwee.yaml:6: buffer_pool.enabled: "yes", allowed: true or false
daramjwee.yaml:8: buffer_pool.min_size: 65536, allowed: at most DefaultBufferSize (32768 bytes)
daramjwee.yaml:9: buffer_pool.max_size: "-1", allowed: 0, or a size such as 64MiB, 64MB or 65536
daramjwee.yaml:10: buffer_pool.max_idle: -3, allowed: 0 (64), or 1 buffer and more per size class
daramjwee.yaml:11: buffer_pool.cleanup_interval: "5", allowed: 0 for never, or a time such as 90s, 5m or 1h30m
daramjwee.yaml:12: buffer_pool.max_idle: given on line 10 already
daramjwee.yaml:13: memory: "64MiB", no keys, allowed: max_bytes, strategy
daramjwee.yaml:15: disk.max_bytes: "9EiB", allowed: at most 9223372036854775807 bytes
daramjwee.yaml:16: disk.dir: a list, allowed: one value; leave the line out for the default
daramjwee.yaml:17: disk.durable: nothing, allowed: one value; leave the line out for the default
daramjwee.yaml:18: disk.speed: unknown key, allowed: dir, durable, max_bytes
daramjwee.yaml:20: freshness.positive: "-1m", allowed: 0 for never, or a time such as 90s, 5m or 1h30m
daramjwee.yaml:21: freshness.negative: a mapping, allowed: one value; leave the line out for the default
daramjwee.yaml:22: timeouts.operation: "0s", allowed: a time above 0, such as 90s, 5m or 1h30m
daramjwee.yaml:24: background.workers: "many", allowed: a whole number
daramjwee.yaml:25: background.queue: -1, allowed: 0 (4096), or 1 and more
daramjwee.yaml:26: background.overflow: "wait", allowed: drop, block or inline
daramjwee.yaml:27: promote_within: "-1s", allowed: 0, or a time such as 90s, 5m or 1h30m
daramjwee.yaml:28: log_level: "loud", allowed: debug, info, warn or error
--memory: "12XB", allowed: 0, or a size such as 64MiB, 64MB or 65536
--stale-if-error: "soon", allowed: 0 for never, or a time such as 90s, 5m or 1h30m
`), got)
}

func TestFilesThatAreNoConfiguration(t *testing.T) {
	for text, want := range map[string]string{
		"listen: a: b":                ":1: mapping values are not allowed in this context",
		"strategy: noop\n\tadmin: x":  ":2: ",
		"a: 'b":                       ":1: ",
		"- strategy":                  ":1: a list, no keys, allowed: ",
		"strategy: noop\n---\na: b\n": ":2: another document, allowed: one",
		"strategy: *x":                ":1: unknown anchor",
		"? [strategy]\n: noop":        ":1: unknown key",
		"memory.max_bytes: 5":         ":1: memory.max_bytes: unknown key",
		"<<: {strategy: noop}":        ":1: <<: unknown key",
		"memory: {max_bytes: 0}\ndisk: {max_bytes: 0}":         ":1: memory.max_bytes: 0, and disk.max_bytes too, allowed: ",
		"strategy: noop\nbuffer_pool:\n  strategy: noop":       "daramjwee.yaml:1 already",
		"buffer_pool: {default_size: 128KiB, max_size: 64KiB}": ":1: buffer_pool.max_size: 65536, allowed: at least DefaultBufferSize (131072 bytes)",
		"buffer_pool: {default_size: 63}":                      ":1: buffer_pool.default_size: 63, allowed: ",
		"\n\nbuffer_pool:\n  strategy: nope":                   ":4: strategy: \"nope\", allowed: one of ",
	} {
		_, err := load(write(t, text), nil)
		require.ErrorContains(t, err, want, "%q", text)
		require.NotContains(t, err.Error(), "\n", "%q has one fault", text)
	}
	_, err := load("/no/such/file.yaml", nil)
	require.ErrorContains(t, err, "/no/such/file.yaml")
	_, err = load(t.TempDir(), nil)
	require.Error(t, err, "a directory")
}

func TestFilesThatSayNothing(t *testing.T) {
	want, err := load("", nil)
	require.NoError(t, err)
	for _, text := range []string{"", "# comment\n", "buffer_pool:\n  # scrub: true\n", "{}", "---\n"} {
		got, err := load(write(t, text), nil)
		require.NoError(t, err, "%q", text)
		require.Equal(t, want, got, "%q", text)
	}
}

func TestAliasesAreFollowed(t *testing.T) {
	s, err := load(write(t, "memory: &tier {max_bytes: 5MB}\ndisk: *tier\n"), nil)
	require.NoError(t, err)
	require.EqualValues(t, 5e6, s.memoryMax)
	require.EqualValues(t, 5e6, s.diskMax)
}

func TestFlagsOverrideTheFile(t *testing.T) {
	file := write(t, "strategy: channel\nbuffer_pool: {enabled: false}\nmemory: {max_bytes: 1MiB}\nfreshness: {positive: 1m}\n")
	s, err := load(file, map[string]string{"pool": bytebuffer.Name, "memory": "2MiB", "freshness": "0", "overflow": "block", "promote-within": "2m"})
	require.NoError(t, err)
	require.Equal(t, bytebuffer.Name, s.cache.BufferPool.Strategy)
	require.True(t, s.cache.BufferPool.Enabled, "whoever names a strategy wants it")
	require.EqualValues(t, 2<<20, s.memoryMax)
	require.Equal(t, cache.OverflowBlock, s.cache.Overflow)
	require.Equal(t, 2*time.Minute, s.cache.PromoteWithin)
	require.Negative(t, s.cache.Freshness, "0 is never, not the library's default")

	_, err = load(file, map[string]string{"pool": "buffalo"})
	require.EqualError(t, err, `--pool: "buffalo", allowed: one of bytebuffer, channel, noop, syncpool`)
	_, err = load("", map[string]string{"overflow": "wait"})
	require.EqualError(t, err, `--overflow: "wait", allowed: drop, block or inline`)
	_, err = load(write(t, "strategy: {a: b}"), map[string]string{"pool": "buffalo"})
	require.ErrorContains(t, err, ":1: strategy: a mapping")
	require.ErrorContains(t, err, "--pool: \"buffalo\"", "a faulty line must not hide a faulty flag")
}

func TestTheStrategyMayStandInEitherPlace(t *testing.T) {
	for _, text := range []string{"strategy: channel", "buffer_pool:\n  strategy: channel"} {
		s, err := load(write(t, text), nil)
		require.NoError(t, err)
		require.Equal(t, channel.Name, s.cache.BufferPool.Strategy)
		require.True(t, s.cache.BufferPool.Enabled)
	}
}

func TestSizes(t *testing.T) {
	var n int64
	for text, want := range map[string]int64{
		"0": 0, "64": 64, "64MiB": 64 << 20, "64MB": 64e6, "64 mib": 64 << 20, "1.5GiB": 3 << 29, "100000": 100000,
	} {
		require.NoError(t, sizeValue[int64]{&n}.Set(text), text)
		require.Equal(t, want, n, text)
	}
	for _, text := range []string{"", "-1", "-1MiB", "MiB", "9223372036854775808", "8EiB", "16EiB", "99999999999EiB", "NaN", "0x10", "1e3", "64XB"} {
		n = 7
		require.Error(t, sizeValue[int64]{&n}.Set(text), text)
		require.EqualValues(t, 7, n, "%s must change nothing", text)
	}
	for _, n := range []int64{0, 1, 1023, 1024, 1025, 1 << 20, 3 << 29, 1 << 40, 1 << 60, math.MaxInt64} {
		var again int64
		require.NoError(t, sizeValue[int64]{&again}.Set(sizeValue[int64]{&n}.String()))
		require.Equal(t, n, again)
	}
}
