package command

import (
	"fmt"
	"text/tabwriter"

	"github.com/daramjwee/daramjwee/strategy"
	"github.com/daramjwee/daramjwee/strategy/bytebuffer"
	"github.com/daramjwee/daramjwee/strategy/channel"
	"github.com/daramjwee/daramjwee/strategy/noop"
	"github.com/daramjwee/daramjwee/strategy/syncpool"
)

type strategiesCommand struct{}

// about says what the package comments of the strategies say at length.
var about = map[string]struct{ bound, use string }{
	syncpool.Name:   {"none by number; two collections free what is unused", "the default: the cheapest, and it scales with the cores"},
	bytebuffer.Name: {"none by number; two collections free what is unused", "houses that pool with valyala/bytebufferpool already"},
	channel.Name:    {"max_idle buffers per size class", "a hard bound on idle memory; buffers that outlive collections"},
	noop.Name:       {"keeps nothing", "seeing what pooling saves; ruling the pool out"},
}

func (*strategiesCommand) Run(to streams) error {
	w := tabwriter.NewWriter(to.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NAME\tBOUND\tCHOOSE IT FOR")
	for _, name := range strategy.Names() {
		a, ours := about[name]
		if !ours {
			a.bound, a.use = "its own", "custom: registered by this program"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\n", name, a.bound, a.use)
	}
	return w.Flush()
}
