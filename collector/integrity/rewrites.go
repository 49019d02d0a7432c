package integrity

import (
	"cmp"
	"context"
	"database/sql"
	_ "embed"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"magento_migration_exporter/collector/database"
	"magento_migration_exporter/config/toolmap"
)

var (
	//go:embed sql/rewrites_113.sql
	rewrites113SQL string
	//go:embed sql/rewrites_114.sql
	rewrites114SQL string
	//go:embed sql/rewrites_suffix.sql
	rewritesSuffixSQL string
)

// MaxRewrites is how many request paths with several targets are looked for.
const MaxRewrites = 100

// Rewrites is how far the search has come for request paths of one store that two targets share, which the URL rewrite
// step for Magento 1 Enterprise 1.13 and 1.14 refuses unless auto_resolve_urlrewrite_duplicates is set; the other
// editions' steps do not look. Products below categories are left out: their paths are made of those of both, which are
// looked at. The zero value has not begun.
type Rewrites struct {
	// Found are those of the last search that ended.
	Found []Prediction
	// Rounds counts how often all rewrites were gone through.
	Rounds int
	// query is the statement with which the search began. from is the path where the next one begins, rows how many
	// rewrites it is for.
	query string
	from  string
	rows  int
	paths []sharedPath
}

// sharedPath is a path of a store with the targets that share it, one a line.
type sharedPath struct{ path, store, targets string }

const (
	// firstSlice is how many rewrites the first statement is for, leastSlice and mostSlice are the fewest and the most.
	firstSlice, leastSlice, mostSlice = 5000, 500, 20000
	// shortSlice and longSlice are the times between which a slice stays as large as it is.
	shortSlice, longSlice = 100 * time.Millisecond, 400 * time.Millisecond
)

// Find goes on with the search until it has been through all rewrites or the budget is spent. It is for a session of
// its own, best on a replica. Each statement is for the paths in a range. After an error the search begins again.
func (w *Rewrites) Find(
	ctx context.Context, s *database.Session, p *Plan, source *Schema, budget time.Duration, now func() time.Time,
) error {
	step, query := rewritesQuery(p, source)
	if w.query != query {
		*w = Rewrites{Found: w.Found, Rounds: w.Rounds, rows: w.rows, query: query}
	}
	for end := now().Add(budget); query != ""; {
		started := now()
		to, err := w.slice(ctx, s, query, database.Quote(source.RealName("enterprise_url_rewrite")))
		took := now().Sub(started)
		switch limit := database.CauseOf(err) == database.Timeout && database.Number(err) != 0; {
		case limit && w.rows > leastSlice:
			w.rows = max(w.rows/8, leastSlice)
		case err != nil:
			*w = Rewrites{Found: w.Found, Rounds: w.Rounds}
			return fmt.Errorf("looking for duplicate URL rewrites: %w", err)
		case to == "":
			query = ""
			continue
		default:
			w.from = to
			w.pace(took)
		}
		if !now().Before(end) {
			return nil
		}
	}
	*w = Rewrites{Found: w.predictions(p, step), Rounds: w.Rounds + 1}
	return nil
}

// pace decides how many rewrites the next statement is for, after one that took some time.
func (w *Rewrites) pace(took time.Duration) {
	switch {
	case took < shortSlice:
		w.rows = min(2*w.rows, mostSlice)
	case took > longSlice:
		w.rows = max(w.rows/2, leastSlice)
	}
}

// slice looks at the next paths, and returns where the ones after them begin, nothing for the end.
func (w *Rewrites) slice(ctx context.Context, s *database.Session, query, table string) (string, error) {
	if w.rows == 0 {
		w.rows = firstSlice
	}
	var to string
	err := s.Row(ctx, fmt.Sprintf("SELECT request_path FROM %s WHERE request_path > %s ORDER BY request_path "+
		"LIMIT 1 OFFSET %d", table, database.Literal(w.from), w.rows), nil, &to)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", err
	}
	var found []sharedPath
	err = s.Rows(ctx, between(query, w.from, to), nil, func(scan func(...any) error) error {
		var x sharedPath
		err := scan(&x.path, &x.store, &x.targets)
		found = append(found, x)
		return err
	})
	if err != nil {
		return "", err
	}
	w.paths = append(w.paths, found[:min(len(found), MaxRewrites-len(w.paths))]...)
	return to, nil
}

// predictions are what was found, by stores and paths.
func (w *Rewrites) predictions(p *Plan, step int) []Prediction {
	slices.SortFunc(w.paths, func(a, b sharedPath) int {
		return cmp.Or(
			cmp.Compare(len(a.store), len(b.store)), // the ids are numbers
			cmp.Compare(a.store, b.store),
			cmp.Compare(a.path, b.path),
		)
	})
	var predictions []Prediction
	for _, x := range w.paths {
		predictions = append(predictions, duplicate(p, step, x.path, x.store, strings.Split(x.targets, "\n")))
	}
	return predictions
}

// rewritesQuery returns the statement and the step that looks for duplicates; an empty statement where none does, or
// where a table is missing, which the step's own check tells.
func rewritesQuery(p *Plan, source *Schema) (step int, query string) {
	queries := rewritesQueries()
	step = slices.IndexFunc(p.Steps, func(s Step) bool { return queries[s.Class] != "" })
	if step < 0 || p.resolvesDuplicates {
		return step, ""
	}
	query = queries[p.Steps[step].Class]
	for _, document := range documentsOf(query) {
		if source.Table(document) == nil {
			return step, ""
		}
		query = strings.ReplaceAll(query, "{{"+document+"}}", database.Quote(source.RealName(document)))
	}
	// A path can have a question mark, so that the statement has no parameters.
	return step, strings.ReplaceAll(query, "LIMIT ?", fmt.Sprintf("LIMIT %d", MaxRewrites))
}

// between puts the range of paths into a statement: from the first one on, and below the second one, which may be
// empty.
func between(query, from, to string) string {
	return condition.ReplaceAllStringFunc(query, func(place string) string {
		column := strings.Trim(place, "[]")
		lowest, below := "TRUE", "TRUE"
		if from != "" {
			lowest = fmt.Sprintf("%s >= %s", column, database.Literal(from))
			if column != "path" {
				lowest = "(" + lowest + beginnings(column, from) + ")"
			}
		}
		if to != "" {
			below = fmt.Sprintf("%s < %s", column, database.Literal(to))
		}
		return lowest + " AND " + below
	})
}

// condition is where a statement has the condition for a column.
var condition = regexp.MustCompile(`\[\[[a-z_.]+\]\]`)

// beginnings adds what a path can be made of that is in the range, by a suffix, while it is not itself.
func beginnings(column, from string) string {
	var all []string
	for i := range from {
		all = append(all, database.Literal(from[:i]))
	}
	return fmt.Sprintf(" OR %s IN (%s)", column, strings.Join(all, ", "))
}

// rewritesQueries are the statements by the class of the step that looks for duplicates.
func rewritesQueries() map[string]string {
	return map[string]string{
		`Migration\Step\UrlRewrite\Version11300to2000`: strings.ReplaceAll(
			rewrites113SQL,
			"{{suffix}}",
			rewritesSuffixSQL,
		),
		`Migration\Step\UrlRewrite\Version11410to2000`: strings.ReplaceAll(
			rewrites114SQL,
			"{{suffix}}",
			rewritesSuffixSQL,
		),
	}
}

// rewritesDocuments are the tables that Rewrites looks at.
func rewritesDocuments() []string {
	var documents []string
	for _, query := range rewritesQueries() {
		documents = append(documents, documentsOf(query)...)
	}
	return documents
}

// documentsOf returns the names in double braces.
func documentsOf(query string) []string {
	var names []string
	for part := range strings.SplitSeq(query, "{{") {
		if name, _, ok := strings.Cut(part, "}}"); ok && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

func duplicate(p *Plan, step int, path, store string, targets []string) Prediction {
	lines := make([]string, len(targets))
	for i, target := range targets {
		lines[i] = fmt.Sprintf("Request path: %s Store ID: %s Target path: %s", path, store, target)
	}
	f := Prediction{
		Kind:      URLRewrites,
		Mode:      p.Steps[step].Mode,
		Step:      p.Steps[step].Title,
		step:      step,
		rank:      rankData,
		Side:      toolmap.Source,
		Document:  "enterprise_url_rewrite",
		Field:     "request_path",
		lead:      "There are duplicates in URL rewrites:\n",
		item:      strings.Join(lines, "\n"),
		separator: "\n",
		Remedy: Remedy{Option: "auto_resolve_urlrewrite_duplicates", File: "config.xml", Inside: "config/options",
			XML:  "<auto_resolve_urlrewrite_duplicates>1</auto_resolve_urlrewrite_duplicates>",
			Text: "The tool then gives one of them another path; else give one of them another URL key in Magento 1."},
	}
	f.complete()
	return f
}
