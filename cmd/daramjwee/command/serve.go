package command

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

// serveCommand has texts only: what they may be, the table of settings knows, so
// that flags and file are read alike and their faults are reported together.
type serveCommand struct {
	Config               string `placeholder:"FILE" help:"Configuration file (YAML). Flags override it."`
	Listen               string `placeholder:"ADDR" help:"Where clients are served (127.0.0.1:8080)."`
	Admin                string `placeholder:"ADDR" help:"Where GET /stats is served (nowhere)."`
	Origin               string `placeholder:"URL" help:"What is cached (a built-in demo)."`
	Pool                 string `placeholder:"NAME" help:"Strategy of the stream buffers: ${strategies} (syncpool)."`
	Memory               string `placeholder:"SIZE" help:"Size of the memory tier; 0: no such tier (64MiB)."`
	Disk                 string `placeholder:"SIZE" help:"Size of the disk tier; 0: no such tier (1GiB)."`
	Dir                  string `placeholder:"PATH" help:"Directory of the disk tier (daramjwee in the user's cache directory)."`
	Freshness            string `placeholder:"TIME" help:"Of answers that say nothing themselves; 0: none (5m)."`
	NegativeFreshness    string `placeholder:"TIME" help:"Of such a 404; 0: none (10s)."`
	StaleWhileRevalidate string `placeholder:"TIME" help:"How long a stale answer is served while it is refreshed; 0: never (1m)."`
	StaleIfError         string `placeholder:"TIME" help:"How long a stale answer is served when the origin fails; 0: never (1h)."`
	PromoteWithin        string `placeholder:"TIME" help:"An entry moves up a tier by its second hit in this time; 0: by its first (0)."`
	Overflow             string `placeholder:"POLICY" help:"Of copies to the disk tier that find the queue full: drop, block or inline (drop)."`
	LogLevel             string `placeholder:"LEVEL" help:"debug, info, warn or error (info)."`
}

// Run serves until a signal asks it to end, or ctx does. A second signal ends the
// process at once.
func (c *serveCommand) Run(ctx context.Context, line *kong.Context, to streams) error {
	s, err := load(c.Config, givenFlags(line))
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(to.err, &slog.HandlerOptions{Level: s.logLevel}))
	ctx, standDown := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer standDown()
	srv, err := start(s, log)
	if err != nil {
		return err
	}
	limit, unlimit := limitMemory(s)
	defer unlimit()
	srv.greet(to.out, limit)
	select {
	case <-ctx.Done():
		log.Info("stopping", "cause", context.Cause(ctx))
	case err = <-srv.failed:
	}
	standDown() // from now on a signal does what it does by default
	srv.stop()
	return err
}

// givenFlags are those on the command line, with their texts.
func givenFlags(line *kong.Context) map[string]string {
	flags := make(map[string]string)
	for _, p := range line.Path {
		if p.Flag != nil {
			flags[p.Flag.Name] = p.Flag.Target.String()
		}
	}
	return flags
}

// greet says what runs where, and how to try it.
func (s *server) greet(w io.Writer, memoryLimit string) {
	url := "http://" + s.listener.Addr().String()
	origin := originValue{&s.settings.origin}.String()
	if s.demo != nil {
		origin = "a built-in demo at http://" + s.demo.listener.Addr().String()
	}
	fmt.Fprintf(w, "Serving %s in front of %s\n", url, origin)
	fmt.Fprintf(w, "Buffer strategy: %s\n", s.cache.Stats().Strategy)
	if n := s.settings.memoryMax; n > 0 {
		fmt.Fprintf(w, "Memory tier: %v\n", sizeValue[int64]{&n})
	}
	if n := s.settings.diskMax; n > 0 {
		fmt.Fprintf(w, "Disk tier: %v in %s\n", sizeValue[int64]{&n}, s.settings.diskDir)
	}
	fmt.Fprintln(w, memoryLimit)
	if s.adminListener != nil {
		fmt.Fprintf(w, "Statistics: http://%s/stats\n", s.adminListener.Addr())
	}
	if s.demo == nil {
		return
	}
	fmt.Fprintf(w, "\nTry each of these twice; the second answer is a hit:\n")
	for _, o := range demoObjects {
		fmt.Fprintf(w, "  curl -so %s -w '%%{time_total}s  %%header{cache-status}\\n' %s%s\n", os.DevNull, url, o.path)
	}
}
