package dashboards_test

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// dashboard is Grafana's, as far as these tests look at it. The whole is checked against Grafana's own types.
type dashboard struct {
	UID         string  `json:"uid"`
	Title       string  `json:"title"`
	Description string  `json:"description"`
	Editable    bool    `json:"editable"`
	Refresh     string  `json:"refresh"`
	Panels      []panel `json:"panels"`
	Links       []link  `json:"links"`
	Templating  struct {
		List []variable `json:"list"`
	} `json:"templating"`
	Annotations struct {
		List []annotation `json:"list"`
	} `json:"annotations"`
}

// annotation marks moments on a dashboard. With UseValueForTime the value is the moment, in milliseconds.
type annotation struct {
	Name            string `json:"name"`
	Expr            string `json:"expr"`
	TitleFormat     string `json:"titleFormat"`
	UseValueForTime bool   `json:"useValueForTime"`
}

// always reports whether the annotation has a moment whatever happens: a cutover and waivers are configured.
func (a annotation) always() bool { return a.Name == "Cutover" || a.Name == "Ends of waivers" }

type panel struct {
	ID          int        `json:"id"`
	Type        string     `json:"type"`
	Title       string     `json:"title"`
	Description string     `json:"description"`
	Datasource  datasource `json:"datasource"`
	GridPos     gridPos    `json:"gridPos"`
	Targets     []target   `json:"targets"`
	Panels      []panel    `json:"panels"`
	FieldConfig struct {
		Defaults struct {
			Unit     string    `json:"unit"`
			Mappings []mapping `json:"mappings"`
			NoValue  string    `json:"noValue"`
			Links    []link    `json:"links"`
		} `json:"defaults"`
		Overrides []struct {
			Matcher struct {
				Options string `json:"options"`
			} `json:"matcher"`
			Properties []property `json:"properties"`
		} `json:"overrides"`
	} `json:"fieldConfig"`
}

type property struct {
	ID    string          `json:"id"`
	Value json.RawMessage `json:"value"`
}

type datasource struct {
	Type string `json:"type"`
	UID  string `json:"uid"`
}

type gridPos struct{ X, Y, W, H int }

type link struct {
	Title string `json:"title"`
	URL   string `json:"url"`
}

type mapping struct {
	Type    string                     `json:"type"`
	Options map[string]json.RawMessage `json:"options"`
}

type target struct {
	Datasource   datasource `json:"datasource"`
	Expr         string     `json:"expr"`
	RefID        string     `json:"refId"`
	LegendFormat string     `json:"legendFormat"`
	Instant      bool       `json:"instant"`
	Format       string     `json:"format"`
}

type variable struct {
	Name       string          `json:"name"`
	Label      string          `json:"label"`
	Type       string          `json:"type"`
	Query      json.RawMessage `json:"query"`
	Multi      bool            `json:"multi"`
	IncludeAll bool            `json:"includeAll"`
	AllValue   string          `json:"allValue"`
	Refresh    int             `json:"refresh"`
}

// dashboardFiles are Grafana's dashboards.
func dashboardFiles() []string { return []string{"portfolio.json", "readiness.json"} }

func readDashboard(t *testing.T, name string) *dashboard {
	t.Helper()
	var d dashboard
	if err := json.Unmarshal([]byte(readFile(t, name)), &d); err != nil {
		t.Fatal(err)
	}
	return &d
}

// eachDashboard runs a test for each dashboard.
func eachDashboard(t *testing.T, test func(*testing.T, *dashboard)) {
	t.Helper()
	for _, name := range dashboardFiles() {
		t.Run(name, func(t *testing.T) { test(t, readDashboard(t, name)) })
	}
}

// drawn returns every panel that draws something, also those in collapsed rows.
func (d *dashboard) drawn() []panel {
	var all []panel
	for _, p := range d.Panels {
		if p.Type != "row" {
			all = append(all, p)
		}
		all = append(all, p.Panels...)
	}
	return all
}

func TestDashboardLayout(t *testing.T) {
	t.Parallel()
	eachDashboard(t, testLayout)
}

func testLayout(t *testing.T, d *dashboard) {
	t.Helper()
	ids := map[int]string{}
	for _, p := range append(slices.Clone(d.Panels), d.drawn()...) {
		if other, taken := ids[p.ID]; taken && other != p.Title {
			t.Errorf("%q and %q share the id %d", other, p.Title, p.ID)
		}
		ids[p.ID] = p.Title
		if g := p.GridPos; g.X < 0 || g.Y < 0 || g.W < 1 || g.H < 1 || g.X+g.W > 24 {
			t.Errorf("%q does not fit into the 24 columns: %+v", p.Title, g)
		}
	}
	for _, group := range [][]panel{d.Panels, d.drawn()} {
		for i, a := range group {
			for _, b := range group[i+1:] {
				if overlap(a.GridPos, b.GridPos) {
					t.Errorf("%q and %q overlap", a.Title, b.Title)
				}
			}
		}
	}
}

func overlap(a, b gridPos) bool {
	return a.X < b.X+b.W && b.X < a.X+a.W && a.Y < b.Y+b.H && b.Y < a.Y+a.H
}

func TestDashboardPanels(t *testing.T) {
	t.Parallel()
	eachDashboard(t, testPanels)
}

func testPanels(t *testing.T, d *dashboard) {
	t.Helper()
	titles := map[string]bool{}
	for _, p := range d.drawn() {
		if p.Title == "" || titles[p.Title] {
			t.Errorf("panel %d: the title %q is empty or taken", p.ID, p.Title)
		}
		titles[p.Title] = true
		if len(p.Description) < 40 || !strings.HasSuffix(p.Description, ".") {
			t.Errorf("%q: the description has to say what to do: %q", p.Title, p.Description)
		}
		if p.FieldConfig.Defaults.Unit == "" {
			t.Errorf("%q has no unit", p.Title)
		}
		if p.Datasource != (datasource{"prometheus", "${datasource}"}) {
			t.Errorf("%q has the data source %v", p.Title, p.Datasource)
		}
		checkTargets(t, p)
		checkColours(t, p)
	}
}

func checkTargets(t *testing.T, p panel) {
	t.Helper()
	if len(p.Targets) == 0 {
		t.Errorf("%q has no query", p.Title)
	}
	refs := map[string]bool{}
	for _, q := range p.Targets {
		if q.Expr == "" || refs[q.RefID] || q.Datasource != p.Datasource {
			t.Errorf("%q: query %q is empty, has its letter twice or another data source", p.Title, q.RefID)
		}
		refs[q.RefID] = true
		for _, s := range parseExpression(q.Expr).selectors {
			checkSelector(t, p.Title, q.Expr, s)
		}
	}
}

func checkSelector(t *testing.T, title, expr string, s selector) {
	t.Helper()
	for _, name := range []string{"job", "instance"} {
		if !slices.Contains(s.labels, name) || !strings.Contains(expr, name+`=~"$`+name) {
			t.Errorf("%q: %s is not restricted to $%s", title, s.metric, name)
		}
	}
	ofMigration := strings.HasPrefix(s.metric, "magento_migration_") &&
		!strings.HasPrefix(s.metric, "magento_migration_exporter_") ||
		s.metric == "ALERTS"
	if ofMigration && !slices.Contains(s.labels, "migration") {
		t.Errorf("%q: %s is not restricted to $migration", title, s.metric)
	}
	if strings.HasSuffix(s.metric, "_total") != s.rated {
		t.Errorf("%q: %s: counters, and only they, belong into rate() or increase()", title, s.metric)
	}
	if s.rated && !strings.Contains(expr, "[$__rate_interval]") {
		t.Errorf("%q: rate() needs $__rate_interval", title)
	}
}

// checkColours requires words beside each colour that stands for a state.
func checkColours(t *testing.T, p panel) {
	t.Helper()
	mappings := p.FieldConfig.Defaults.Mappings
	for _, o := range p.FieldConfig.Overrides {
		for _, property := range o.Properties {
			if property.ID == "mappings" {
				var more []mapping
				if err := json.Unmarshal(property.Value, &more); err != nil {
					t.Fatal(err)
				}
				mappings = append(mappings, more...)
			}
			if property.ID == "custom.cellOptions" && strings.Contains(string(property.Value), "background") &&
				!hasMapping(o.Properties) {
				t.Errorf("%q: the column %q has colours without words", p.Title, o.Matcher.Options)
			}
		}
	}
	if p.Type == "state-timeline" && len(p.FieldConfig.Defaults.Mappings) == 0 {
		t.Errorf("%q has states without words", p.Title)
	}
	for _, m := range mappings {
		for value, raw := range m.Options {
			var result struct{ Text, Color string }
			if m.Type == "value" && (json.Unmarshal(raw, &result) != nil || result.Text == "" || result.Color == "") {
				t.Errorf("%q: the value %s has no text or no colour", p.Title, value)
			}
		}
	}
}

func hasMapping(properties []property) bool {
	return slices.ContainsFunc(properties, func(p property) bool { return p.ID == "mappings" })
}

func TestDashboardVariables(t *testing.T) {
	t.Parallel()
	eachDashboard(t, testVariables)
}

func testVariables(t *testing.T, d *dashboard) {
	t.Helper()
	if d.UID == "" || d.Title == "" || d.Description == "" || d.Editable || d.Refresh == "" {
		t.Errorf("the dashboard lacks uid, title, description or refresh, or is editable")
	}
	var names []string
	for _, v := range d.Templating.List {
		names = append(names, v.Name)
		switch {
		case v.Label == "":
			t.Errorf("the variable %s has no label", v.Name)
		case v.Name == "datasource" && (v.Type != "datasource" || v.Label != "Data source" || string(v.Query) != `"prometheus"`):
			t.Errorf("the variable datasource: %+v", v)
		case v.Type == "query" && (!v.Multi || !v.IncludeAll || v.AllValue != ".+" || v.Refresh != 2):
			t.Errorf(
				"the variable %s: several values, all of them, .+ for all, and refreshing with the time range: %+v",
				v.Name,
				v,
			)
		}
	}
	if want := []string{"datasource", "job", "instance", "migration", "exporter"}; !slices.Equal(names, want) {
		t.Errorf("variables %v, want %v", names, want)
	}
}

// The panels that name a precondition or a migration lead to what explains it.
func TestDashboardLinks(t *testing.T) {
	t.Parallel()
	eachDashboard(t, testLinks)
	for _, name := range dashboardFiles() {
		for _, url := range regexp.MustCompile(`"url": "([^"]+)"`).FindAllStringSubmatch(readFile(t, name), -1) {
			dashboard := "/d/" + dashboardUID(t) + "?var-migration="
			if !strings.HasPrefix(url[1], "${exporter}/") && !strings.HasPrefix(url[1], dashboard) {
				t.Errorf("%s: the link %s leads neither to the exporter nor to %s", name, url[1], dashboard)
			}
		}
	}
}

func testLinks(t *testing.T, d *dashboard) {
	t.Helper()
	if len(d.Links) < 3 {
		t.Error("the dashboard does not link to the other one, to the exporter and to the alerts' explanations")
	}
	for _, p := range d.drawn() {
		for field, page := range map[string]string{"precondition": "${exporter}/docs/preconditions#", "migration": "${exporter}/migrations/"} {
			if !leadsTo(&p, page) &&
				slices.ContainsFunc(
					p.Targets,
					func(q target) bool { return q.Format == "table" && names(q.Expr, field) },
				) &&
				p.Title != "Firing alerts" {
				t.Errorf("the table %q has the column %s without a link to %s", p.Title, field, page)
			}
		}
	}
}

// names reports whether a query's table has a column of that label. A matrix joins its labels into one column, which
// leads to the overview.
func names(expr, label string) bool {
	if outer := regexp.MustCompile(`^sum by \(([^)]*)\)`).FindStringSubmatch(expr); outer != nil {
		return slices.Contains(strings.Split(outer[1], ", "), label)
	}
	return slices.Contains(parseExpression(expr).labels, label) && !strings.HasPrefix(expr, "label_join")
}

func leadsTo(p *panel, page string) bool {
	starts := func(l link) bool { return strings.HasPrefix(l.URL, page) }
	if slices.ContainsFunc(p.FieldConfig.Defaults.Links, starts) {
		return true
	}
	for _, o := range p.FieldConfig.Overrides {
		for _, property := range o.Properties {
			var links []link
			if property.ID == "links" && json.Unmarshal(property.Value, &links) == nil &&
				slices.ContainsFunc(links, starts) {
				return true
			}
		}
	}
	return false
}
