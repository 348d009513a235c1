package compare

import (
	_ "embed"
	"html/template"
	"io"
)

//go:embed page.html
var pageText string

var page = template.Must(template.New("page").Parse(pageText))

// WriteHTML writes the report as one page, with its plots in it: it loads nothing.
func (r *Report) WriteHTML(to io.Writer) error {
	type plotted struct {
		Title, Better string
		Plot          template.HTML
	}
	data := struct {
		*Report
		Table, Changes [][]string
		Plots          []plotted
		ByRound        template.HTML
	}{Report: r, Table: r.table(), Changes: r.changes()}
	for i := range Metrics {
		m := &Metrics[i]
		if len(m.ranked(r.measured())) == 0 {
			continue
		}
		svg, err := r.dots(m)
		if err != nil {
			return err
		}
		better := "lower is better"
		if m.Higher {
			better = "higher is better"
		}
		data.Plots = append(data.Plots, plotted{m.Title, better, svg})
	}
	var err error
	if data.ByRound, err = r.rounds(); err != nil {
		return err
	}
	return page.Execute(to, data)
}
