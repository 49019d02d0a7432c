package finding

import (
	"slices"
	"time"

	"magento_migration_exporter/config"
)

// Waive applies the waivers of one precondition that have not expired. A waiver covers warn, fail and unknown. It
// changes a finding's status and never hides the finding; when there is nothing to waive, the status stays as it is.
// When the result has findings that are not shown, a last finding says how many.
func Waive(r Result, waivers []config.Waiver, now time.Time) Result {
	whole, subjects := activeWaivers(waivers, now)
	switch {
	case !whole && len(subjects) == 0 || !waivable(r.Status):
		return r.withRest()
	case whole:
		r.Status = Waived
		return r.withRest()
	}
	excused := func(status Status, subject string) bool {
		return subject != "" && subjects[subject] && waivable(status)
	}
	r.Findings, r.hidden = slices.Clone(r.Findings), slices.Clone(r.hidden)
	for i := range r.Findings {
		if f := &r.Findings[i]; excused(f.Status, f.Subject) {
			f.Status = Waived
		}
	}
	for i := range r.hidden {
		if h := &r.hidden[i]; excused(h.status, h.subject) {
			h.status = Waived
		}
	}
	r.Status, r.Summary = conclude(Pass, r.Summary, r.Findings, r.hidden...)
	return r.withRest()
}

// activeWaivers separates the waiver for the whole precondition from those for a subject.
func activeWaivers(waivers []config.Waiver, now time.Time) (whole bool, subjects map[string]bool) {
	subjects = map[string]bool{}
	for _, w := range waivers {
		switch {
		case !now.Before(w.Expires.Time):
		case w.Subject == "":
			whole = true
		default:
			subjects[w.Subject] = true
		}
	}
	return whole, subjects
}

func waivable(s Status) bool { return s == Warn || s == Fail || s == Unknown }
