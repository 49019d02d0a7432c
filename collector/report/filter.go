package report

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/collector/precondition"
)

// Filter says which migrations the overview shows. The zero value is the first page of all.
type Filter struct {
	// Search is a part of the migration's name.
	Search string
	// Status is one of statusFilters.
	Status string
	// Precondition limits Status to this precondition.
	Precondition string
	// Since leaves only migrations in which something changed since then; empty leaves all. ChangedSince is the time.
	Since        string
	ChangedSince time.Time
	// Page counts from 1; 0 is the first one too.
	Page int
}

// maxSearch is the greatest length of a migration's name.
const maxSearch = 63

// option is one choice of a filter.
type option struct{ Value, Label string }

func statusFilters() []option {
	return []option{
		{"", "any"},
		{"blocked", "not ready"},
		{"ready", "ready"},
		{"fail", "fails"},
		{"unknown", "unknown"},
		{"warn", "warns"},
		{"waived", "waived"},
	}
}

func preconditionFilters(catalogue precondition.Catalogue) []option {
	options := []option{{"", "any"}}
	for i := range catalogue {
		options = append(options, option{catalogue[i].ID, catalogue[i].Title})
	}
	return options
}

// ParseFilter reads a page's query. The error is a sentence for the person who typed it.
func (p *Pages) ParseFilter(query url.Values, now time.Time) (Filter, error) {
	f := Filter{
		Search:       strings.TrimSpace(query.Get("search")),
		Status:       query.Get("status"),
		Precondition: query.Get("precondition"),
		Since:        strings.TrimSpace(query.Get("since")),
	}
	if len(f.Search) > maxSearch {
		return Filter{}, fmt.Errorf("search: no migration's name is longer than %d characters", maxSearch)
	}
	for _, choice := range []struct {
		parameter, value string
		allowed          []option
	}{{"status", f.Status, statusFilters()}, {"precondition", f.Precondition, preconditionFilters(p.catalogue)}} {
		if !slices.ContainsFunc(choice.allowed, func(o option) bool { return o.Value == choice.value }) {
			return Filter{}, fmt.Errorf("%s=%q: expected one of%s",
				choice.parameter, choice.value, values(choice.allowed))
		}
	}
	if f.Since != "" {
		var err error
		if f.ChangedSince, err = ParseSince(f.Since, now); err != nil {
			return Filter{}, fmt.Errorf("since=%w", err)
		}
	}
	if text := query.Get("page"); text != "" {
		page, err := strconv.Atoi(text)
		if err != nil || page < 1 {
			return Filter{}, fmt.Errorf("page=%q: expected a number from 1", text)
		}
		f.Page = page
	}
	return f, nil
}

func values(options []option) string {
	var list strings.Builder
	for _, o := range options {
		if o.Value != "" {
			list.WriteString(" " + o.Value)
		}
	}
	return list.String()
}

// query is the filter as a URL's query, for another page.
func (f Filter) query(page int) string {
	q := url.Values{}
	parameters := map[string]string{
		"search": f.Search, "status": f.Status, "precondition": f.Precondition, "since": f.Since,
	}
	for key, value := range parameters {
		if value != "" {
			q.Set(key, value)
		}
	}
	if page > 1 {
		q.Set("page", strconv.Itoa(page))
	}
	if len(q) == 0 {
		return ""
	}
	return "?" + q.Encode()
}

func (f Filter) narrow() bool { return f.Search+f.Status+f.Precondition+f.Since != "" }

func (f Filter) match(m *MigrationReadiness) bool {
	if !strings.Contains(strings.ToLower(m.Name), strings.ToLower(f.Search)) {
		return false
	}
	if f.Since != "" && (m.Since == nil || len(m.Since.Changes) == 0) {
		return false
	}
	if f.Precondition == "" && (f.Status == "blocked" || f.Status == "ready") {
		return m.Ready == (f.Status == "ready")
	}
	if f.Status == "" {
		return true
	}
	return slices.ContainsFunc(m.Preconditions, func(p PreconditionReadiness) bool {
		return (f.Precondition == "" || p.ID == f.Precondition) && f.matchStatus(p.Status)
	})
}

func (f Filter) matchStatus(s finding.Status) bool {
	switch f.Status {
	case "blocked":
		return !s.Ready()
	case "ready":
		return s.Ready()
	}
	return s.String() == f.Status
}

// blockedFirst sorts by urgency: migrations with a failure, then those with an unknown, then those with a warning;
// among equals the nearest cutover comes first.
func blockedFirst(a, b *MigrationReadiness) int {
	return cmp.Or(cmp.Compare(urgency(a), urgency(b)), compareCutover(a, b), cmp.Compare(a.Name, b.Name))
}

// urgency is lower for a more urgent migration.
func urgency(m *MigrationReadiness) int {
	switch worst := worstStatus(m); {
	case worst == finding.Fail:
		return 0
	case !m.Ready:
		return 1
	case worst == finding.Warn:
		return 2
	}
	return 3
}

func worstStatus(m *MigrationReadiness) finding.Status {
	for _, s := range worstFirst() {
		if slices.ContainsFunc(m.Preconditions, func(p PreconditionReadiness) bool { return p.Status == s }) {
			return s
		}
	}
	return finding.Unknown
}

// worstFirst returns the statuses in the order in which people should look at them.
func worstFirst() []finding.Status {
	return []finding.Status{
		finding.Fail, finding.Unknown, finding.Warn, finding.Waived, finding.Pass, finding.NotApplicable,
	}
}

func compareCutover(a, b *MigrationReadiness) int {
	switch {
	case a.Cutover != nil && b.Cutover != nil:
		return a.Cutover.Compare(*b.Cutover)
	case a.Cutover != nil:
		return -1
	case b.Cutover != nil:
		return 1
	}
	return 0
}
