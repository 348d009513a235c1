package command

import (
	"fmt"
	"os"

	"github.com/daramjwee/daramjwee/cmd/daramjwee/compare"
)

// pageFile is where --html is written to. It is opened before anything is
// measured: a wrong name should not cost a minute.
type pageFile struct {
	*os.File
	existed bool
}

func (c *compareCommand) createPage() (*pageFile, error) {
	if c.HTML == "" {
		return nil, nil
	}
	_, err := os.Stat(c.HTML)
	f, e := os.OpenFile(c.HTML, os.O_WRONLY|os.O_CREATE, 0o666)
	if e != nil {
		return nil, fmt.Errorf("--html: %q, allowed: a file that can be written: %w", c.HTML, e)
	}
	return &pageFile{f, err == nil}, nil
}

// write replaces what the file had.
func (p *pageFile) write(r *compare.Report) error {
	if p == nil {
		return nil
	}
	defer p.Close()
	if err := p.Truncate(0); err != nil {
		return err
	}
	if err := r.WriteHTML(p); err != nil {
		return err
	}
	return p.Close()
}

// discard leaves the file as it was.
func (p *pageFile) discard() {
	if p == nil {
		return
	}
	p.Close()
	if !p.existed {
		os.Remove(p.Name())
	}
}
