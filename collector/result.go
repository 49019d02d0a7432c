package collector

import (
	"fmt"
	"time"

	"magento_migration_exporter/config"
)

// Finding is one thing that was seen, and what follows from it.
type Finding struct {
	Status Status `json:"status"`
	// Subject is what the finding is about, short and stable: waivers name it. It may be empty.
	Subject  string `json:"subject"`
	Summary  string `json:"summary"`
	Evidence string `json:"evidence"`
	// Remedy is what to do or to type; every Fail and Unknown has one.
	Remedy string `json:"remedy"`
}

// Result is what one evaluation of one precondition found.
type Result struct {
	Status   Status
	Summary  string
	Findings []Finding
	// Samples are the values that were seen, and no others.
	Samples     []Sample
	EvaluatedAt time.Time
	Duration    time.Duration
	// decayed marks a result that stands for an evaluation that never ended.
	decayed bool
}

// maxFindings and maxText cap what one result can hold, so that a hostile database cannot fill memory or the page.
const (
	maxFindings = 200
	maxText     = 4096
)

// Verdict is what a precondition's function returns. The status follows from the findings.
type Verdict struct {
	// Summary is the one line for a pass; otherwise the worst finding's summary stands in.
	Summary       string
	Findings      []Finding
	Samples       []Sample
	NotApplicable bool
}

// add appends a finding.
func (v *Verdict) add(f Finding) { v.Findings = append(v.Findings, f) }

// fail, warn, unknown and note append a finding of that status. A note is a pass with something to say.
func (v *Verdict) fail(subject, summary, evidence, remedy string) {
	v.add(Finding{Fail, subject, summary, evidence, remedy})
}

func (v *Verdict) warn(subject, summary, evidence, remedy string) {
	v.add(Finding{Warn, subject, summary, evidence, remedy})
}

func (v *Verdict) unknown(subject, summary, evidence, remedy string) {
	v.add(Finding{Unknown, subject, summary, evidence, remedy})
}

func (v *Verdict) note(subject, summary, evidence, remedy string) {
	v.add(Finding{Pass, subject, summary, evidence, remedy})
}

// worst returns the status that matters most so far.
func (v *Verdict) worst() Status {
	status, _ := conclude(Pass, "", v.Findings)
	return status
}

// sample appends a value.
func (v *Verdict) sample(f family, value float64, labels ...string) {
	v.Samples = append(v.Samples, Sample{family: f, labels: labels, value: value})
}

// result applies severity and caps, and derives status and summary.
func (v Verdict) result(severity config.Severity, at time.Time, took time.Duration) Result {
	r := Result{Status: Pass, Summary: v.Summary, Samples: v.Samples, EvaluatedAt: at, Duration: took}
	for _, f := range v.Findings {
		if f.Status == Warn && severity == config.SeverityFail {
			f.Status = Fail
		}
		r.Findings = append(r.Findings, Finding{f.Status, cut(f.Subject), cut(f.Summary), cut(f.Evidence), cut(f.Remedy)})
	}
	if v.NotApplicable {
		r.Status = NotApplicable
	}
	r.Status, r.Summary = conclude(r.Status, r.Summary, r.Findings)
	if over := len(r.Findings) - maxFindings; over > 0 {
		r.Findings = worstFirst(r.Findings)[:maxFindings]
		r.Findings = append(r.Findings, Finding{Status: r.Status, Summary: fmt.Sprintf("%d more findings are not shown", over)})
	}
	return r
}

// conclude returns the worst finding's status and summary, or what it is given when no finding is worse.
func conclude(status Status, summary string, findings []Finding) (Status, string) {
	also := 0
	for _, f := range findings {
		switch {
		case f.Status.rank() > status.rank():
			status, summary, also = f.Status, f.Summary, 0
		case f.Status.rank() == status.rank() && f.Status.rank() > 0:
			also++
		}
	}
	if also > 0 {
		summary = fmt.Sprintf("%s (and %d more)", summary, also)
	}
	return status, summary
}

// worstFirst keeps the order among equals.
func worstFirst(findings []Finding) []Finding {
	var sorted []Finding
	for rank := Fail.rank(); rank >= 0; rank-- {
		for _, f := range findings {
			if f.Status.rank() == rank {
				sorted = append(sorted, f)
			}
		}
	}
	return sorted
}

// cut caps a text and says so.
func cut(s string) string {
	if len(s) <= maxText {
		return s
	}
	end := maxText
	for end > 0 && s[end]&0xC0 == 0x80 {
		end--
	}
	return s[:end] + fmt.Sprintf("… (%d bytes more)", len(s)-end)
}
