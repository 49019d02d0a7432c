package report

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"strings"
	"testing"
	"time"

	"magento_migration_exporter/collector/finding"
)

// backlogChart has pending rows and two rates, of which one was measured from the second point on.
func backlogChart() *finding.Chart {
	at := func(before time.Duration, v float64) finding.Point {
		return finding.Point{At: noon.Add(-before), Value: v}
	}
	return &finding.Chart{
		Title: "Pending rows & rates", Caption: "12 400 rows wait",
		Panels: []finding.Panel{
			{Unit: "rows", Lines: []finding.Line{
				{Name: "pending", Points: []finding.Point{at(2*time.Hour, 0), at(time.Hour, 12400), at(0, 310)}},
			}},
			{Unit: "rows a second", Lines: []finding.Line{
				{Name: "arrival", Points: []finding.Point{at(2*time.Hour, 0.04), at(time.Hour, 2.5), at(0, 5)}},
				{Name: "delivery", Points: []finding.Point{at(time.Hour, math.Inf(1)), at(0, 20)}},
			}},
		},
	}
}

func TestChart(t *testing.T) {
	t.Parallel()
	c := newChart(backlogChart())
	if len(c.Panels) != 2 || len(c.Panels[1].Lines) != 2 {
		t.Fatalf("%+v", c)
	}
	if got := c.Panels[0].Lines[0].Points; got != "0.0,72.0 240.0,16.0 480.0,70.6" {
		t.Error(got)
	}
	if got := c.Panels[1].Lines[1].Points; got != "480.0,152.0" && !strings.HasPrefix(got, "480.0,") {
		t.Error(got)
	}
	for _, words := range []string{
		"pending: now 310 rows, at most 12 400", "arrival: now 5 rows a second, at most 5", "delivery: now 20 rows a second",
	} {
		if !strings.Contains(c.Description, words) {
			t.Errorf("%q is not in %q", words, c.Description)
		}
	}
	for _, empty := range []*finding.Chart{nil, {}, {Panels: []finding.Panel{{Lines: []finding.Line{{Name: "x", Points: []finding.Point{{At: noon, Value: 1}}}}}}}} {
		if c := newChart(empty); len(c.Panels) > 0 {
			t.Errorf("%+v", c)
		}
	}
}

// TestChartOnThePage is well-formed, has a title and a description, and no script and no style of its own.
func TestChartOnThePage(t *testing.T) {
	t.Parallel()
	templates, err := parseTemplates("", "")
	if err != nil {
		t.Fatal(err)
	}
	var page strings.Builder
	p := shownPrecondition{Anchor: "delta_backlog", Drawing: newChart(backlogChart())}
	if err := templates.ExecuteTemplate(&page, "chart", p); err != nil {
		t.Fatal(err)
	}
	text := page.String()
	for _, part := range []string{
		`role="img"`, `aria-labelledby="delta_backlog-chart delta_backlog-course"`, `<title id="delta_backlog-chart">Pending rows &amp; rates`,
		`<desc id="delta_backlog-course">From `, "<figcaption><bdi>12 400 rows wait</bdi>", `<polyline class="line-1"`,
	} {
		if !strings.Contains(text, part) {
			t.Errorf("%q is not in %s", part, text)
		}
	}
	if strings.Contains(text, "style=") || strings.Contains(text, "script") {
		t.Error(text)
	}
	for d := xml.NewDecoder(strings.NewReader(text)); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("%v: %s", err, text)
		}
	}
	page.Reset()
	if err := templates.ExecuteTemplate(&page, "chart", shownPrecondition{}); err != nil || page.Len() > 0 {
		t.Errorf("%v: %s", err, page.String())
	}
}
