package integrity

import (
	"context"
	_ "embed"
	"fmt"
	"slices"
	"strings"

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

// FindDuplicateRewrites looks for request paths of one store that two targets share, which the URL rewrite step for
// Magento 1 Enterprise 1.13 and 1.14 refuses unless auto_resolve_urlrewrite_duplicates is set; the other editions'
// steps do not look. It is one statement that reads all URL rewrites, for a session of its own, best on a replica.
// Products below categories are left out: their paths are made of those of both, which are looked at.
func FindDuplicateRewrites(ctx context.Context, s *database.Session, p *Plan, source *Schema) ([]Prediction, error) {
	queries := rewritesQueries()
	i := slices.IndexFunc(p.Steps, func(s Step) bool { return queries[s.Class] != "" })
	if i < 0 || p.resolvesDuplicates {
		return nil, nil
	}
	query := queries[p.Steps[i].Class]
	for _, document := range documentsOf(query) {
		if source.Table(document) == nil {
			return nil, nil // which the step's own check tells
		}
		query = strings.ReplaceAll(query, "{{"+document+"}}", database.Quote(source.RealName(document)))
	}
	var predictions []Prediction
	err := s.Rows(ctx, query, []any{MaxRewrites}, func(scan func(...any) error) error {
		var path, store, targets string
		if err := scan(&path, &store, &targets); err != nil {
			return err
		}
		predictions = append(predictions, duplicate(p, i, path, store, strings.Split(targets, "\n")))
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("looking for duplicate URL rewrites: %w", err)
	}
	return predictions, nil
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

// rewritesDocuments are the tables that FindDuplicateRewrites looks at.
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
