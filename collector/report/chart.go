package report

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"magento_migration_exporter/collector/finding"
)

// chart is a drawing of a course of values; nothing when it has no panels.
type chart struct {
	Title, Caption string
	// Description says in words what the drawing shows.
	Description   string
	Width, Height int
	Panels        []chartPanel
	// From and To are the ends of the axis of time.
	From, To string
}

// chartPanel is one scale with its lines.
type chartPanel struct {
	Unit, Most string
	// Top, Base and Text are ordinates: of the scale's ends, and of the text above it.
	Top, Base, Text int
	Lines           []chartLine
}

// chartLine is a line's points as SVG writes them. Kind tells lines of a panel apart without colour.
type chartLine struct {
	Name, Now, Points string
	Kind              int
}

const (
	chartWidth, panelHeight, panelText = 480, 56, 16
	// leastPoints is how many points make a line.
	leastPoints = 2
)

// newChart draws what was measured. Values that are no numbers are left out.
func newChart(c *finding.Chart) chart {
	if c == nil {
		return chart{}
	}
	from, to := chartSpan(c)
	if !to.After(from) {
		return chart{}
	}
	v := chart{Title: c.Title, Caption: c.Caption, Width: chartWidth, From: clock(from), To: clock(to)}
	words := []string{"From " + v.From + " to " + v.To}
	for _, p := range c.Panels {
		panel := chartPanel{Unit: p.Unit, Text: v.Height + panelText - 4, Top: v.Height + panelText}
		panel.Base = panel.Top + panelHeight
		most := panelMost(p)
		panel.Most = number(most)
		for i, l := range p.Lines {
			if len(l.Points) < leastPoints {
				continue
			}
			now := number(l.Points[len(l.Points)-1].Value)
			panel.Lines = append(panel.Lines, chartLine{l.Name, now, polyline(l, from, to, most, panel), i})
			words = append(words, fmt.Sprintf("%s: now %s %s, at most %s", l.Name, now, p.Unit, number(lineMost(l))))
		}
		if len(panel.Lines) > 0 {
			v.Panels = append(v.Panels, panel)
			v.Height = panel.Base + panelText/2
		}
	}
	v.Height += panelText
	v.Description = strings.Join(words, "; ") + "."
	return v
}

// chartSpan returns the times of the first and the last point.
func chartSpan(c *finding.Chart) (from, to time.Time) {
	for _, p := range c.Panels {
		for _, l := range p.Lines {
			for _, point := range l.Points {
				if from.IsZero() || point.At.Before(from) {
					from = point.At
				}
				if point.At.After(to) {
					to = point.At
				}
			}
		}
	}
	return from, to
}

func panelMost(p finding.Panel) float64 {
	most := 1.0 // a scale of nothing cannot be drawn
	for _, l := range p.Lines {
		most = max(most, lineMost(l))
	}
	return most
}

func lineMost(l finding.Line) float64 {
	most := 0.0
	for _, p := range l.Points {
		if finite(p.Value) {
			most = max(most, p.Value)
		}
	}
	return most
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

func polyline(l finding.Line, from, to time.Time, most float64, p chartPanel) string {
	var points []string
	for _, point := range l.Points {
		if !finite(point.Value) {
			continue
		}
		x := chartWidth * float64(point.At.Sub(from)) / float64(to.Sub(from))
		y := float64(p.Base) - panelHeight*max(0, point.Value)/most
		points = append(points, fmt.Sprintf("%.1f,%.1f", x, y))
	}
	return strings.Join(points, " ")
}

// number writes a value with two or three digits that matter, and groups of three.
func number(v float64) string {
	if v < 10 {
		return strconv.FormatFloat(math.Round(v*10)/10, 'f', -1, 64)
	}
	return finding.Grouped(int(min(math.Round(v), 1e15)))
}
