// Package command is the daramjwee command. It can be imported, so that a main of
// one's own can offer one's own strategies by name:
//
//	package main
//
//	import (
//		"github.com/daramjwee/daramjwee/cmd/daramjwee/command"
//		_ "example.com/mine" // registers itself in an init function
//	)
//
//	func main() { command.Main() }
//
// Exit codes: 0, also after a signal; 1 for what could not be done, faulty
// configurations included; 2 for a command line that makes no sense.
package command

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/daramjwee/daramjwee/strategy"
)

const (
	exitFailed = 1
	exitUsage  = 2
)

type commandLine struct {
	Serve      serveCommand      `cmd:"" help:"Run a caching reverse proxy. Without flags: in front of a built-in demo origin."`
	Strategies strategiesCommand `cmd:"" help:"List the strategies: their bounds, and what each is for."`
	Check      checkCommand      `cmd:"" help:"Check a configuration file, and print the effective configuration."`
	Compare    compareCommand    `cmd:"" help:"Run one workload through every strategy and the standard library, and say which to use."`
}

// Main runs the command that os.Args name, and exits.
func Main() {
	os.Exit(run(context.Background(), os.Args[1:], os.Stdout, os.Stderr))
}

// streams are where a command writes to.
type streams struct{ out, err io.Writer }

// run returns the exit code. A server ends with ctx as it does with a signal.
func run(ctx context.Context, args []string, out, errs io.Writer) int {
	helped := false
	parser, err := kong.New(new(commandLine),
		kong.Name("daramjwee"),
		kong.Description("A streaming cache, and the buffer pool strategies it can run on."),
		kong.Vars{"strategies": strings.Join(strategy.Names(), ", ")},
		kong.Writers(out, errs),
		kong.Exit(func(int) { helped = true }), // after --help, which goes on to complain otherwise
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(streams{out, errs}),
	)
	if err != nil {
		panic(err) // the tags of commandLine are wrong
	}
	line, err := parser.Parse(args)
	if helped {
		return 0
	}
	if err != nil {
		fmt.Fprintf(errs, "daramjwee: %v; see daramjwee --help\n", err)
		return exitUsage
	}
	if err := line.Run(); err != nil {
		fmt.Fprintln(errs, err)
		return exitFailed
	}
	return 0
}
