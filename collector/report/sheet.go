package report

import (
	"cmp"
	"slices"
	"strings"

	"magento_migration_exporter/collector/finding"
)

// sheet is the page of the report that people sign: one when it is printed, so that its lists and texts are cut. All of
// them are in the long form behind it.
type sheet struct {
	migration
	// Evaluated is false for a migration of which nothing is known: there is nothing to sign.
	Evaluated bool
	// Open are the preconditions that do not simply pass, the worst first.
	Open []shownPrecondition
	// Passing and Pointless are the titles of the others.
	Passing, Pointless string
	Waivers            []sheetWaiver
	// MoreWaivers and MoreChanges are how many are left out.
	MoreWaivers, MoreChanges int
	Differences              []Difference
	// Signers are the lines for names.
	Signers []string
}

// Tight reports whether the lists are so long that each item has one line and small letters.
func (s sheet) Tight() bool { return len(s.Open)+len(s.Waivers)+len(s.Differences) > maxLoose }

// sheetWaiver is a waiver with what it is for.
type sheetWaiver struct {
	waiver
	Title string
}

const (
	// maxSheetWaivers and maxSheetChanges are how many fit beside all preconditions that there are.
	maxSheetWaivers, maxSheetChanges = 5, 4
	// maxLoose is how many items of lists fit with two lines each.
	maxLoose = 10
	// summaryInSheet is how many characters of a text fit into two lines.
	summaryInSheet = 110
)

// signers are who decides on a cutover.
func signers() []string { return []string{"Shop owner", "Project lead", "Operations"} }

func newSheet(m migration) sheet {
	s := sheet{migration: m, Signers: signers()}
	var passing, pointless []string
	for _, p := range m.Preconditions {
		s.Evaluated = s.Evaluated || p.EvaluatedAt != nil
		switch p.Status {
		case finding.Pass:
			passing = append(passing, p.Title)
		case finding.NotApplicable:
			pointless = append(pointless, p.Title)
		default:
			p.Short = shortenTo(printable(p.Summary), summaryInSheet)
			s.Open = append(s.Open, p)
		}
		for _, w := range p.Waivers {
			w.Reason = shortenTo(printable(w.Reason), summaryInSheet)
			s.Waivers = append(s.Waivers, sheetWaiver{w, p.Title})
		}
	}
	slices.SortStableFunc(s.Open, func(a, b shownPrecondition) int { return b.Status.Rank() - a.Status.Rank() })
	// Those that end before they are no longer needed come first.
	slices.SortStableFunc(s.Waivers, func(a, b sheetWaiver) int {
		return cmp.Or(a.Expires.Compare(b.Expires), cmp.Compare(a.Title, b.Title))
	})
	s.Passing, s.Pointless = strings.Join(passing, ", "), strings.Join(pointless, ", ")
	s.MoreWaivers = max(0, len(s.Waivers)-maxSheetWaivers)
	s.Waivers = s.Waivers[:len(s.Waivers)-s.MoreWaivers]
	if m.Since != nil {
		s.MoreChanges = max(0, len(m.Since.Changes)-maxSheetChanges)
		s.Differences = m.Since.Changes[:len(m.Since.Changes)-s.MoreChanges]
	}
	return s
}
