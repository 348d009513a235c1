package command

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/stretchr/testify/require"

	"github.com/daramjwee/daramjwee/strategy"
	"github.com/daramjwee/daramjwee/strategy/channel"
)

func TestFlagsAndSettingsAreTheSame(t *testing.T) {
	var flags, settings []string
	parser, err := kong.New(new(serveCommand), kong.Vars{"strategies": ""})
	require.NoError(t, err)
	for _, f := range parser.Model.Flags {
		if f.Name != "help" && f.Name != "config" {
			flags = append(flags, f.Name)
			require.Equal(t, reflect.String, f.Target.Kind(), f.Name)
		}
	}
	for _, s := range defaults().table() {
		if s.flag != "" {
			settings = append(settings, s.flag)
		}
	}
	require.ElementsMatch(t, settings, flags)
}

func TestFileAndFlagSelectTheSameStrategy(t *testing.T) {
	for _, name := range strategy.Names() {
		file := serveInProcess(t, "--config", write(t, "strategy: "+name))
		flag := serveInProcess(t, "--pool", name)
		over := serveInProcess(t, "--config", write(t, "strategy: noop"), "--pool", name)
		for _, s := range []*running{file, flag, over} {
			require.Equal(t, name, s.statistics(t).Cache.Strategy)
			require.Contains(t, s.greeting, "Buffer strategy: "+name+"\n")
			require.Zero(t, s.stop())
		}
	}
	off := serveInProcess(t, "--config", write(t, "strategy: channel\nbuffer_pool: {enabled: false}"))
	require.Equal(t, "disabled", off.statistics(t).Cache.Strategy)
	require.Zero(t, off.stop())
}

func TestTheConfigurationReachesTheCache(t *testing.T) {
	s, err := load(write(t, everything), map[string]string{"listen": "127.0.0.1:0", "dir": t.TempDir(), "memory": "1MiB", "origin": demo})
	require.NoError(t, err)
	srv, err := start(s, discard)
	require.NoError(t, err)
	defer srv.stop()
	got := srv.cache.Config()
	require.Len(t, got.Tiers, 2)
	got.Tiers, got.Logger, s.cache.Logger = nil, nil, nil
	require.Equal(t, s.cache, got)
	require.Equal(t, channel.Name, got.BufferPool.Strategy)
	require.EqualValues(t, int64(3<<40), srv.statistics().Disk.MaxBytes)
}

func TestASizeOf0IsNoTier(t *testing.T) {
	for _, flag := range []string{"--memory=0", "--disk=0"} {
		s := serveInProcess(t, flag)
		get(t, s.url+"/2KiB")
		_, status := get(t, s.url+"/2KiB")
		require.Contains(t, status, "hit")
		st := s.statistics(t)
		require.Len(t, st.Cache.Tiers, 1)
		require.Equal(t, flag == "--memory=0", st.Memory == nil)
		require.Equal(t, flag == "--disk=0", st.Disk == nil)
		require.Zero(t, s.stop())
	}
}

func TestAnOriginThatIsDown(t *testing.T) {
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=0")
		io.WriteString(w, "still good")
	}))
	s := serveInProcess(t, "--origin", origin.URL, "--stale-while-revalidate=0")
	get(t, s.url+"/known")
	origin.Close()
	res, err := http.Get(s.url + "/unknown")
	require.NoError(t, err)
	res.Body.Close()
	require.Equal(t, http.StatusBadGateway, res.StatusCode)
	body, status := get(t, s.url+"/known")
	require.Equal(t, "still good", string(body))
	require.Contains(t, status, "stale-if-error")
	require.Zero(t, s.stop())
}

func TestStoppingLeavesNothing(t *testing.T) {
	// The origin outlives the server: what is left of connections to it shows.
	origin := httptest.NewServer(demoHandler())
	t.Cleanup(origin.Close)
	noLeaks(t)
	s := serveInProcess(t, "--origin", origin.URL)
	get(t, s.url+"/256KiB")
	require.Zero(t, s.stop())

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.Zero(t, run(ctx, serveArgs(t, nil), io.Discard, io.Discard), "a signal that comes early")
}
