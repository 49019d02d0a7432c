package report

import (
	"cmp"
	"time"

	"magento_migration_exporter/collector"
	"magento_migration_exporter/collector/evidence"
	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/collector/history"
	"magento_migration_exporter/collector/precondition"
	"magento_migration_exporter/config"
)

// Readiness is the document that the JSON API serves and `check --format=json` prints.
type Readiness struct {
	Version     string               `json:"version"`
	GeneratedAt time.Time            `json:"generated_at"`
	Ready       bool                 `json:"ready"`
	Migrations  []MigrationReadiness `json:"migrations"`
}

// MigrationReadiness is one migration of the document.
type MigrationReadiness struct {
	Name  string `json:"name"`
	Ready bool   `json:"ready"`
	// Phase is empty when it is unknown. PhaseReason says what it was found from, or why it is unknown.
	Phase         config.Phase            `json:"phase"`
	PhaseReason   string                  `json:"phase_reason"`
	Cutover       *time.Time              `json:"cutover"`
	Servers       []evidence.Server       `json:"servers"`
	Preconditions []PreconditionReadiness `json:"preconditions"`
	// Runbook is nil before the phase delta.
	Runbook *Runbook `json:"runbook"`
	// Since is nil unless somebody asked what changed.
	Since *Since `json:"since"`
}

// PreconditionReadiness is one precondition of the document. Times are UTC, or null.
type PreconditionReadiness struct {
	ID              string             `json:"id"`
	Group           precondition.Group `json:"group"`
	Title           string             `json:"title"`
	Status          finding.Status     `json:"status"`
	Summary         string             `json:"summary"`
	EvaluatedAt     *time.Time         `json:"evaluated_at"`
	ChangedAt       *time.Time         `json:"changed_at"`
	DurationSeconds float64            `json:"duration_seconds"`
	Findings        []finding.Finding  `json:"findings"`
	DocsURL         string             `json:"docs_url"`
	Waivers         []WaiverReadiness  `json:"waivers"`
	// History holds the last statuses, oldest first.
	History history.Log `json:"history"`
	// Chart is what the page draws, null where there is nothing to draw.
	Chart *finding.Chart `json:"chart"`
}

// WaiverReadiness is one waiver of the document.
type WaiverReadiness struct {
	Subject string    `json:"subject"`
	Reason  string    `json:"reason"`
	Owner   string    `json:"owner"`
	Expires time.Time `json:"expires"`
}

// NewReadiness makes the document of a snapshot.
func NewReadiness(version string, states []*collector.MigrationState, now time.Time) Readiness {
	doc := Readiness{
		Version:     version,
		GeneratedAt: now.UTC().Truncate(time.Millisecond),
		Ready:       len(states) > 0,
		Migrations:  []MigrationReadiness{},
	}
	for _, state := range states {
		m := MigrationReadiness{
			Name:          state.Migration.Name,
			Ready:         state.Ready,
			Phase:         state.Phase,
			PhaseReason:   state.PhaseReason,
			Servers:       []evidence.Server{},
			Preconditions: []PreconditionReadiness{},
			Runbook:       newRunbook(state),
		}
		m.Servers = append(m.Servers, state.Servers...)
		if state.Migration.Cutover != nil {
			m.Cutover = utc(*state.Migration.Cutover)
		}
		for i := range state.Preconditions {
			m.Preconditions = append(m.Preconditions, readiness(&state.Preconditions[i]))
		}
		doc.Ready = doc.Ready && m.Ready
		doc.Migrations = append(doc.Migrations, m)
	}
	return doc
}

func readiness(ps *collector.PreconditionState) PreconditionReadiness {
	r := PreconditionReadiness{
		ID:              ps.Precondition.ID,
		Group:           cmp.Or(ps.Precondition.Group, precondition.GroupGuide),
		Title:           ps.Precondition.Title,
		Status:          ps.Result.Status,
		Summary:         ps.Result.Summary,
		EvaluatedAt:     utc(ps.Result.EvaluatedAt),
		ChangedAt:       utc(ps.ChangedAt),
		DurationSeconds: ps.Result.Duration.Seconds(),
		Findings:        []finding.Finding{},
		DocsURL:         ps.Precondition.DocsURL(),
		Waivers:         []WaiverReadiness{},
		History:         history.Log{},
		Chart:           ps.Result.Chart,
	}
	r.Findings = append(r.Findings, ps.Result.Findings...)
	for _, c := range ps.History {
		c.At = *utc(c.At)
		r.History = append(r.History, c)
	}
	for _, w := range ps.Waivers {
		r.Waivers = append(r.Waivers, WaiverReadiness{w.Subject, w.Reason, w.Owner, w.Expires.UTC()})
	}
	return r
}

// utc returns nil for the zero time, which means never.
func utc(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC().Truncate(time.Millisecond)
	return &t
}
