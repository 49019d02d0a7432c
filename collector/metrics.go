package collector

import (
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"magento_migration_exporter/config"
)

// Namespace begins every metric of a migration and of the exporter.
const Namespace = "magento_migration"

// family names a metric family, without the namespace.
type family string

// Sample is one value that an evaluation saw.
type Sample struct {
	family family
	labels []string
	value  float64
}

// The families. What each means stands beside its help text in descriptions.
const (
	ready              family = "ready"
	preconditionStatus family = "precondition_status"
	lastEvaluated      family = "precondition_last_evaluated_timestamp_seconds"
	lastKnown          family = "precondition_last_known_timestamp_seconds"
	lastChanged        family = "precondition_last_changed_timestamp_seconds"
	statusChanges      family = "precondition_status_changes_total"
	evaluations        family = "precondition_evaluations_total"
	evaluationDuration family = "precondition_evaluation_duration_seconds"
	waiverExpiry       family = "waiver_expiry_timestamp_seconds"
	cutoverTime        family = "cutover_timestamp_seconds"
	phaseState         family = "phase"
	databaseUp         family = "database_up"
	connectDuration    family = "database_connect_duration_seconds"
	databaseInfo       family = "database_info"
	privilegesOK       family = "privileges_ok"
	privilegeGranted   family = "privilege_granted"
	binlogEnabled      family = "binlog_enabled"
	binlogTrust        family = "binlog_trust"
	cronRunning        family = "cron_running"
	cronLastActivity   family = "cron_last_activity_timestamp_seconds"
	entityCount        family = "m2_entity_count"
	newEntities        family = "m2_new_entities"
	backupAge          family = "backup_age_seconds"
	backupTime         family = "backup_timestamp_seconds"
	backupSize         family = "backup_size_bytes"
	backupMaxAge       family = "backup_max_age_seconds"
	installedTime      family = "m2_installed_timestamp_seconds"
	extensionsState    family = "extensions"
	topologyNodes      family = "topology_nodes"
	requirementMet     family = "requirement_met"
	integrityFindings  family = "integrity_findings"
	toolInfo           family = "tool_info"
)

// description is what stands before a family's samples. Labels come after migration.
type description struct {
	family family
	kind   prometheus.ValueType
	labels []string
	help   string
}

// descriptions lists every family of a migration, in the order in which they are exported and documented.
func descriptions() []description {
	const gauge, counter = prometheus.GaugeValue, prometheus.CounterValue
	return []description{
		{ready, gauge, nil, "Whether every precondition of the migration is pass, warn, waived or not_applicable (1 ready, 0 not)."},
		{preconditionStatus, gauge, []string{"precondition", "status"}, "Status of the precondition: 1 for the present one, 0 for the others."},
		{lastEvaluated, gauge, []string{"precondition"}, "When the last evaluation of the precondition ended, in Unix seconds."},
		{lastKnown, gauge, []string{"precondition"}, "When the last evaluation ended that was not unknown, in Unix seconds."},
		{lastChanged, gauge, []string{"precondition"}, "When the status changed last, in Unix seconds; absent until this process saw a change."},
		{statusChanges, counter, []string{"precondition"}, "Changes of the precondition's status that this process saw."},
		{evaluations, counter, []string{"precondition"}, "Evaluations of the precondition that ended."},
		{evaluationDuration, gauge, []string{"precondition"}, "How long the last evaluation of the precondition took."},
		{waiverExpiry, gauge, []string{"precondition", "subject"}, "When the waiver ends or ended, in Unix seconds."},
		{cutoverTime, gauge, nil, "When the cutover is planned, in Unix seconds; absent when the configuration does not say."},
		{phaseState, gauge, []string{"phase"}, "Phase of the migration: 1 for the present one, 0 for the others; absent when it is not known."},
		{databaseUp, gauge, []string{"system"}, "Whether the login to the database and its choice worked (1 yes, 0 no)."},
		{connectDuration, gauge, []string{"system"}, "How long it took to resolve, connect, log in and choose the database."},
		{databaseInfo, gauge, []string{"system", "flavor", "version"}, "The database server's flavor (mysql or mariadb) and version; always 1."},
		{privilegesOK, gauge, []string{"system"}, "Whether the account holds every privilege that the migration tool needs, on magento1 directly (1 yes, 0 no)."},
		{privilegeGranted, gauge, []string{"system", "privilege"}, "Whether the account holds the privilege (1 held, 0 missing)."},
		{binlogEnabled, gauge, nil, "Whether Magento 1's server writes a binary log (1 yes, 0 no)."},
		{binlogTrust, gauge, nil, "Whether Magento 1's server lets the account create triggers: 1 when the log is off, or log_bin_trust_function_creators is set, or the account has SUPER."},
		{cronRunning, gauge, []string{"system"}, "Whether the system's cron runs or is armed to run (1 yes, 0 neither)."},
		{cronLastActivity, gauge, []string{"system"}, "The newest trace of cron in cron_schedule, in Unix seconds."},
		{entityCount, gauge, []string{"entity"}, "Rows of the entity in Magento 2; stops at 10001, which reads more than 10000."},
		{newEntities, gauge, []string{"entity"}, "Rows of the entity in Magento 2 that its installation did not make; stops at 10001, which reads more than 10000."},
		{backupAge, gauge, nil, "How long before the evaluation the newest qualifying backup began."},
		{backupTime, gauge, nil, "When the newest qualifying backup began, in Unix seconds."},
		{backupSize, gauge, nil, "Size of the newest qualifying backup."},
		{backupMaxAge, gauge, nil, "The configured age from which a backup is warned about."},
		{installedTime, gauge, nil, "When Magento 2 was installed, in Unix seconds."},
		{extensionsState, gauge, []string{"state"}, "Third-party modules of Magento 1 by what becomes of them."},
		{topologyNodes, gauge, []string{"system", "role"}, "Nodes that play the role; for magento2 those that answer."},
		{requirementMet, gauge, []string{"component"}, "Whether the component meets Magento 2's system requirements (1 yes, 0 no)."},
		{integrityFindings, gauge, []string{"kind"}, "What the migration tool's integrity check would refuse, by kind."},
		{toolInfo, gauge, []string{"version", "magento2_version"}, "Releases of the migration tool and of Magento 2; always 1."},
	}
}

// Source is what metrics are made from: a Board, or a part of one.
type Source interface {
	Snapshot() []*MigrationState
}

// Metrics is a prometheus.Collector over a board. A scrape reads the board and nothing else.
type Metrics struct {
	board Source
	descs map[family]*prometheus.Desc
	kinds map[family]prometheus.ValueType
}

// NewMetrics returns the collector of the migrations' metrics.
func NewMetrics(board Source) *Metrics {
	m := &Metrics{board: board, descs: map[family]*prometheus.Desc{}, kinds: map[family]prometheus.ValueType{}}
	for _, d := range descriptions() {
		labels := append([]string{"migration"}, d.labels...)
		m.descs[d.family] = prometheus.NewDesc(prometheus.BuildFQName(Namespace, "", string(d.family)), d.help, labels, nil)
		m.kinds[d.family] = d.kind
	}
	return m
}

// Describe implements prometheus.Collector.
func (m *Metrics) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range descriptions() {
		ch <- m.descs[d.family]
	}
}

// Collect implements prometheus.Collector.
func (m *Metrics) Collect(ch chan<- prometheus.Metric) {
	for _, state := range m.board.Snapshot() {
		for _, s := range state.samples() {
			labels := []string{state.Migration.Name}
			for _, l := range s.labels {
				labels = append(labels, strings.ToValidUTF8(l, "\uFFFD"))
			}
			ch <- prometheus.MustNewConstMetric(m.descs[s.family], m.kinds[s.family], s.value, labels...)
		}
	}
}

// samples returns all values of a migration: none before its first whole evaluation.
func (s *MigrationState) samples() []Sample {
	if !s.Evaluated {
		return nil
	}
	all := []Sample{{ready, nil, boolValue(s.Ready)}}
	up := map[string]bool{}
	for i := range s.Preconditions {
		all = append(all, s.Preconditions[i].samples()...)
		for _, sample := range s.Preconditions[i].Result.Samples {
			if sample.family == databaseUp {
				up[sample.labels[0]] = true
			}
			all = append(all, sample)
		}
	}
	for _, system := range systems() {
		if !up[system] {
			all = append(all, Sample{databaseUp, []string{system}, 0})
		}
	}
	if s.Migration.Cutover != nil {
		all = append(all, Sample{cutoverTime, nil, unixSeconds(*s.Migration.Cutover)})
	}
	if s.Phase != "" {
		for _, p := range []config.Phase{config.PhasePrepare, config.PhaseMigrate, config.PhaseDelta, config.PhaseCutover} {
			all = append(all, Sample{phaseState, []string{string(p)}, boolValue(p == s.Phase)})
		}
	}
	if age := s.Migration.Preconditions.Backup.MaxAge; age > 0 {
		all = append(all, Sample{backupMaxAge, nil, seconds(age)})
	}
	return all
}

// samples returns the values that every precondition has.
func (ps *PreconditionState) samples() []Sample {
	id := ps.Precondition.ID
	one := []string{id}
	var all []Sample
	for _, s := range Statuses() {
		all = append(all, Sample{preconditionStatus, []string{id, s.String()}, boolValue(s == ps.Result.Status)})
	}
	all = append(all,
		Sample{lastEvaluated, one, unixSeconds(ps.Result.EvaluatedAt)},
		Sample{statusChanges, one, float64(ps.Changes)},
		Sample{evaluations, one, float64(ps.Evaluations)},
		Sample{evaluationDuration, one, ps.Result.Duration.Seconds()})
	if !ps.KnownAt.IsZero() {
		all = append(all, Sample{lastKnown, one, unixSeconds(ps.KnownAt)})
	}
	if !ps.ChangedAt.IsZero() {
		all = append(all, Sample{lastChanged, one, unixSeconds(ps.ChangedAt)})
	}
	for _, w := range ps.Waivers {
		all = append(all, Sample{waiverExpiry, []string{id, w.Subject}, unixSeconds(w.Expires.Time)})
	}
	return all
}
