package compare

import (
	"bytes"
	"fmt"
	"html/template"
	"image/color"
	"regexp"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// hues of the rows, legible on white and on black.
var hues = []color.Color{
	color.RGBA{0x88, 0x88, 0x88, 0xff}, // the standard library
	color.RGBA{0x2f, 0x81, 0xf7, 0xff},
	color.RGBA{0xdb, 0x6d, 0x28, 0xff},
	color.RGBA{0x2e, 0xa0, 0x43, 0xff},
	color.RGBA{0xa3, 0x71, 0xf7, 0xff},
	color.RGBA{0xbf, 0x87, 0x00, 0xff},
	color.RGBA{0xdb, 0x61, 0xa2, 0xff},
}

// hue of a row; of the first, the standard library's.
func hue(i int) color.Color {
	if i == 0 {
		return hues[0]
	}
	return hues[1+(i-1)%(len(hues)-1)]
}

// dots plots a metric: each run is a dot, the median a bar, and the 95 % interval
// a line.
func (r *Report) dots(m *Metric) (template.HTML, error) {
	p := newPlot(m)
	var ticks []string
	for i := range r.Rows {
		row := &r.Rows[i]
		if !m.has(row) {
			continue
		}
		x := float64(len(ticks))
		ticks = append(ticks, row.Name)
		samples := m.Samples(row)
		xy := make(plotter.XYs, len(samples))
		for j, v := range samples {
			aside := 0.4 * (float64(j+1)/float64(len(samples)+1) - 0.5) // by round, from left to right
			xy[j] = plotter.XY{X: x + aside, Y: v * m.Scale}
		}
		dots, err := plotter.NewScatter(xy)
		if err != nil {
			return "", err
		}
		dots.GlyphStyle = draw.GlyphStyle{Color: hue(i), Radius: vg.Points(2.5), Shape: draw.CircleGlyph{}}
		s := m.summary(row)
		median, err := line(1.8, plotter.XY{X: x - 0.32, Y: s.Median * m.Scale}, plotter.XY{X: x + 0.32, Y: s.Median * m.Scale})
		if err != nil {
			return "", err
		}
		interval, err := line(1, plotter.XY{X: x, Y: s.Low * m.Scale}, plotter.XY{X: x, Y: s.High * m.Scale})
		if err != nil {
			return "", err
		}
		p.Add(dots, interval, median)
	}
	p.NominalX(ticks...)
	p.X.Min, p.X.Max = -0.6, float64(len(ticks))-0.4
	p.X.Tick.Length = 0
	return render(p, max(265, 60+vg.Length(len(ticks))*41))
}

// rounds plots the throughput of all rows over the rounds: what a noisy machine
// did to all of them at once, and what it did not.
func (r *Report) rounds() (template.HTML, error) {
	p := newPlot(throughput)
	p.X.Label.Text = "round"
	p.Legend.Top = true
	p.Legend.TextStyle.Font = sans(9)
	p.Legend.Padding = 2
	for i := range r.Rows {
		samples := throughput.Samples(&r.Rows[i])
		if samples == nil {
			continue
		}
		xy := make(plotter.XYs, len(samples))
		for j, v := range samples {
			xy[j] = plotter.XY{X: float64(j + 1), Y: v * throughput.Scale}
		}
		l, dots, err := plotter.NewLinePoints(xy)
		if err != nil {
			return "", err
		}
		l.Color, l.Width = hue(i), vg.Points(1.4)
		dots.GlyphStyle = draw.GlyphStyle{Color: hue(i), Radius: vg.Points(2.2), Shape: draw.CircleGlyph{}}
		p.Add(l, dots)
		p.Legend.Add(r.Rows[i].Name, l, dots)
	}
	// Room for the legend, right of the last round.
	n := float64(r.Rounds())
	p.X.Min, p.X.Max = 0.8, 1+(n-1)*1.22+0.4
	p.X.Tick.Marker = wholeRounds(r.Rounds())
	return render(p, 700)
}

type wholeRounds int

// Ticks implements plot.Ticker.
func (n wholeRounds) Ticks(_, _ float64) (all []plot.Tick) {
	step := max(1, (int(n)+9)/10)
	for i := 1; i <= int(n); i += step {
		all = append(all, plot.Tick{Value: float64(i), Label: strconv.Itoa(i)})
	}
	return all
}

func line(width float64, from, to plotter.XY) (*plotter.Line, error) {
	l, err := plotter.NewLine(plotter.XYs{from, to})
	if err == nil {
		l.Width = vg.Points(width)
	}
	return l, err
}

func sans(size vg.Length) font.Font {
	return font.Font{Typeface: "Liberation", Variant: "Sans", Size: size}
}

func newPlot(m *Metric) *plot.Plot {
	p := plot.New()
	p.BackgroundColor = color.Transparent
	p.Y.Label.Text = fmt.Sprintf("%s (%s)", m.Title, m.Shown)
	for _, axis := range []*plot.Axis{&p.X, &p.Y} {
		axis.Label.TextStyle.Font = sans(9)
		axis.Tick.Label.Font = sans(9)
	}
	grid := plotter.NewGrid()
	grid.Vertical.Color = nil
	grid.Horizontal.Color = color.NRGBA{0x80, 0x80, 0x80, 0x50}
	p.Add(grid)
	return p
}

// The namespaces are those of files: inside of a page an svg needs none.
var namespaces = regexp.MustCompile(`\s+xmlns(:\w+)?="[^"]*"`)

// render makes the svg element of a plot. Its axis starts at 0, so that a
// difference that looks large is large. What gonum draws in black takes the
// colour of the text around it, so that it is seen on a dark page too.
func render(p *plot.Plot, width vg.Length) (template.HTML, error) {
	p.Y.Min = 0
	if p.Y.Max *= 1.05; p.Y.Max <= 0 { // all are 0
		p.Y.Max = 1
	}
	canvas := vgsvg.New(width, 200)
	p.Draw(draw.New(canvas))
	var file bytes.Buffer
	if _, err := canvas.WriteTo(&file); err != nil {
		return "", err
	}
	svg := file.String()
	svg = svg[strings.Index(svg, "<svg"):]
	svg = namespaces.ReplaceAllString(svg, "")
	svg = strings.ReplaceAll(svg, "#000000", "currentColor")
	return template.HTML(svg), nil
}
