package collector

import (
	"time"

	"magento_migration_exporter/config"
)

// waive applies the waivers of one precondition that have not ended. A waiver covers warn, fail and unknown; it demotes and never
// hides: findings stay, and where nothing is left to waive the status is the real one.
func waive(r Result, waivers []config.Waiver, now time.Time) Result {
	whole, subjects := activeWaivers(waivers, now)
	if !whole && len(subjects) == 0 || !waivable(r.Status) {
		return r
	}
	if whole {
		r.Status = Waived
		return r
	}
	findings := make([]Finding, len(r.Findings))
	for i, f := range r.Findings {
		if f.Subject != "" && subjects[f.Subject] && waivable(f.Status) {
			f.Status = Waived
		}
		findings[i] = f
	}
	r.Findings = findings
	r.Status, r.Summary = conclude(Pass, r.Summary, findings)
	return r
}

// activeWaivers tells the waiver of the whole precondition from those of a subject.
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
