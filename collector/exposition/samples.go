package exposition

import (
	"slices"

	"magento_migration_exporter/collector"
	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/collector/precondition"
	"magento_migration_exporter/config"
)

// The families that every migration has, with any catalogue of preconditions.
const (
	ready              = "ready"
	preconditionStatus = "precondition_status"
	lastEvaluated      = "precondition_last_evaluated_timestamp_seconds"
	lastKnown          = "precondition_last_known_timestamp_seconds"
	lastChanged        = "precondition_last_changed_timestamp_seconds"
	statusChanges      = "precondition_status_changes_total"
	evaluations        = "precondition_evaluations_total"
	evaluationDuration = "precondition_evaluation_duration_seconds"
	waiverExpiry       = "waiver_expiry_timestamp_seconds"
	waiverInfo         = "waiver_info"
	cutoverTime        = "cutover_timestamp_seconds"
	phaseState         = "phase"
)

// Families returns every family of a migration: those that all migrations have, then those of the catalogue's
// preconditions.
func Families(catalogue precondition.Catalogue) []finding.Family {
	one := []string{"precondition"}
	return append([]finding.Family{
		{
			Name: ready,
			Help: "Whether every precondition of the migration is pass, warn, waived or not_applicable " +
				"(1 ready, 0 not).",
		},
		{
			Name: preconditionStatus, Labels: []string{"precondition", "status"},
			Help: "Status of the precondition: 1 for the present one, 0 for the others.",
		},
		{
			Name: lastEvaluated, Labels: one,
			Help: "When the last evaluation of the precondition ended, in Unix seconds.",
		},
		{Name: lastKnown, Labels: one, Help: "When the last evaluation ended that was not unknown, in Unix seconds."},
		{
			Name: lastChanged, Labels: one,
			Help: "When the status changed last, in Unix seconds; absent until a change was seen.",
		},
		{
			Name: statusChanges, Counter: true, Labels: one,
			Help: "Changes of the precondition's status that this process saw.",
		},
		{Name: evaluations, Counter: true, Labels: one, Help: "Evaluations of the precondition that ended."},
		{Name: evaluationDuration, Labels: one, Help: "How long the last evaluation of the precondition took."},
		{
			Name: waiverExpiry, Labels: []string{"precondition", "subject"},
			Help: "When the waiver ends or ended, in Unix seconds.",
		},
		{
			Name: waiverInfo, Labels: []string{"precondition", "subject", "owner"},
			Help: "The waiver's responsible person; always 1.",
		},
		{
			Name: cutoverTime,
			Help: "When the cutover is planned, in Unix seconds; absent when the configuration does not say.",
		},
		{
			Name: phaseState, Labels: []string{"phase"},
			Help: "Phase of the migration: 1 for the present one, 0 for the others; absent when it is not known.",
		},
	}, catalogue.Families()...)
}

// Samples returns all values of a migration: none before its first whole evaluation.
func Samples(s *collector.MigrationState) []finding.Sample {
	if !s.Evaluated {
		return nil
	}
	all := []finding.Sample{{Family: ready, Value: finding.Bool(s.Ready)}}
	for i := range s.Preconditions {
		ps := &s.Preconditions[i]
		all = append(all, statusSamples(ps)...)
		all = append(all, ps.Result.Samples...)
		all = append(all, zeros(ps)...)
		if configured := ps.Precondition.Configured; configured != nil {
			all = append(all, configured(s.Migration)...)
		}
	}
	if s.Migration.Cutover != nil {
		all = append(all, finding.Sample{Family: cutoverTime, Value: finding.UnixSeconds(*s.Migration.Cutover)})
	}
	if s.Phase != "" {
		for _, p := range config.Phases() {
			present := finding.Bool(p == s.Phase)
			all = append(all, finding.Sample{Family: phaseState, Labels: []string{string(p)}, Value: present})
		}
	}
	return all
}

// zeros returns 0 for each series that always exists and for which the last evaluation has no sample.
func zeros(ps *collector.PreconditionState) []finding.Sample {
	var all []finding.Sample
	for i := range ps.Precondition.Families {
		f := &ps.Precondition.Families[i]
		for _, labels := range f.Zero {
			seen := slices.ContainsFunc(ps.Result.Samples, func(s finding.Sample) bool {
				return s.Family == f.Name && slices.Equal(s.Labels, labels)
			})
			if !seen {
				all = append(all, finding.Sample{Family: f.Name, Labels: labels})
			}
		}
	}
	return all
}

// statusSamples returns the values that every precondition has.
func statusSamples(ps *collector.PreconditionState) []finding.Sample {
	id := ps.Precondition.ID
	one := []string{id}
	var all []finding.Sample
	for _, s := range finding.Statuses() {
		present := finding.Bool(s == ps.Result.Status)
		all = append(all, finding.Sample{Family: preconditionStatus, Labels: []string{id, s.String()}, Value: present})
	}
	all = append(all,
		finding.Sample{Family: lastEvaluated, Labels: one, Value: finding.UnixSeconds(ps.Result.EvaluatedAt)},
		finding.Sample{Family: statusChanges, Labels: one, Value: float64(ps.Changes)},
		finding.Sample{Family: evaluations, Labels: one, Value: float64(ps.Evaluations)},
		finding.Sample{Family: evaluationDuration, Labels: one, Value: ps.Result.Duration.Seconds()})
	if !ps.KnownAt.IsZero() {
		all = append(all, finding.Sample{Family: lastKnown, Labels: one, Value: finding.UnixSeconds(ps.KnownAt)})
	}
	if !ps.ChangedAt.IsZero() {
		all = append(all, finding.Sample{Family: lastChanged, Labels: one, Value: finding.UnixSeconds(ps.ChangedAt)})
	}
	for _, w := range ps.Waivers {
		expiry := finding.UnixSeconds(w.Expires.Time)
		all = append(all, finding.Sample{Family: waiverExpiry, Labels: []string{id, w.Subject}, Value: expiry},
			finding.Sample{Family: waiverInfo, Labels: []string{id, w.Subject, w.Owner}, Value: 1})
	}
	return all
}
