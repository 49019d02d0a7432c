// Package finding has the vocabulary of the whole collector: statuses, findings, verdicts, results, samples, and the
// two systems of a migration. It gathers nothing and judges nothing.
package finding

import "time"

// Finding is one thing that was seen, and its consequence. It holds no secret.
type Finding struct {
	Status Status `json:"status"`
	// Subject is what the finding is about, short and stable: waivers name it. It may be empty.
	Subject string `json:"subject"`
	// Summary is one line.
	Summary  string `json:"summary"`
	Evidence string `json:"evidence"`
	// Remedy is what to do or to type; every Fail and Unknown has one.
	Remedy string `json:"remedy"`
}

// Verdict is what a precondition's function returns. The status follows from the findings.
type Verdict struct {
	// Summary is the one line for a pass; otherwise the worst finding's summary is used.
	Summary       string
	Findings      []Finding
	Samples       []Sample
	NotApplicable bool
	// Incomplete says that only a part of the evidence was looked at, and that the next evaluation continues.
	Incomplete bool
	// Again is how long to wait until another evaluation can say more, because this one needs a second look; 0 for not.
	Again time.Duration
	// Chart is for pages; nil for none.
	Chart *Chart
}

// Add appends a finding.
func (v *Verdict) Add(f Finding) { v.Findings = append(v.Findings, f) }

// Fail appends a finding of that status.
func (v *Verdict) Fail(subject, summary, evidence, remedy string) {
	v.Add(Finding{Fail, subject, summary, evidence, remedy})
}

// Warn appends a finding of that status.
func (v *Verdict) Warn(subject, summary, evidence, remedy string) {
	v.Add(Finding{Warn, subject, summary, evidence, remedy})
}

// Unknown appends a finding of that status.
func (v *Verdict) Unknown(subject, summary, evidence, remedy string) {
	v.Add(Finding{Unknown, subject, summary, evidence, remedy})
}

// Note appends a finding that passes and is worth reading.
func (v *Verdict) Note(subject, summary, evidence, remedy string) {
	v.Add(Finding{Pass, subject, summary, evidence, remedy})
}

// Worst returns the status that matters most so far.
func (v *Verdict) Worst() Status {
	status, _ := conclude(Pass, "", v.Findings)
	return status
}

// Sample appends a value.
func (v *Verdict) Sample(family string, value float64, labels ...string) {
	v.Samples = append(v.Samples, Sample{Family: family, Labels: labels, Value: value})
}
