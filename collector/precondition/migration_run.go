package precondition

import (
	"context"
	"fmt"
	"slices"

	"magento_migration_exporter/collector/evidence"
	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/collector/transfer"
	"magento_migration_exporter/config"
)

// migrationRunID is the precondition's id, and the key of its settings.
const migrationRunID = "migration_run"

// The metric families of migration_run.
const (
	toolLastRun             = "tool_last_run_timestamp_seconds"
	toolLastRunOK           = "tool_last_run_ok"
	predictedStatementBytes = "predicted_statement_bytes"
	maxAllowedPacketBytes   = "max_allowed_packet_bytes"
	runEstimatedRows        = "migration_run_estimated_rows"
	runEstimatedSeconds     = "migration_run_estimated_seconds"
)

// migrationRun says whether the tool's run gets through, and whether the last one did.
func migrationRun() Precondition {
	return Precondition{
		ID: migrationRunID, Title: "Migration run", Group: GroupCutover,
		Needs: []Need{Magento1Database, Magento2Database, LocalFiles}, Phases: untilDone(),
		Families: []finding.Family{
			{
				Name: toolLastRun, Labels: []string{"mode"},
				Help: "When the migration tool wrote the last line of its last run of a mode, in Unix seconds.",
			},
			{
				Name: toolLastRunOK, Labels: []string{"mode"},
				Help: "Whether the migration tool's last run of a mode ended well (1 yes, 0 it failed or died).",
			},
			{
				Name: predictedStatementBytes, Labels: []string{"mode"},
				Help: "The longest statement to expect from the migration tool, in bytes.",
			},
			{
				Name: maxAllowedPacketBytes, Labels: []string{"system"},
				Help: "The server's max_allowed_packet, in bytes.",
			},
			{
				Name: runEstimatedRows,
				Help: "Rows that migrate:data has to copy, as the server estimates them.",
			},
			{
				Name: runEstimatedSeconds,
				Help: "How long migrate:data takes: as its last whole run did, else the upper end of a wide range.",
			},
		},
		Settings: func() config.Settings { return &runSettings{} },
		Evaluate: evaluateMigrationRun,
	}
}

// runSettings are the keys of preconditions.migration_run.
type runSettings struct {
	config.Judgment `yaml:",inline"`
	// MemoryLimit is that of the php that runs the tool, as in php.ini; empty when it is not known.
	MemoryLimit string `yaml:"memory_limit"`
	// Log is the tool's log, when it is not where config.xml says.
	Log string `yaml:"log"`
}

// Validate implements config.Validator.
func (s *runSettings) Validate(fail func(message string, path ...any)) {
	if s.MemoryLimit == "" {
		return
	}
	if _, err := transfer.ParseMemoryLimit(s.MemoryLimit); err != nil {
		fail(err.Error(), "memory_limit")
	}
}

// Paths implements config.PathSettings.
func (s *runSettings) Paths(resolve func(path *string, keys ...any)) { resolve(&s.Log, "log") }

// RunLog implements evidence.DeclaredRunLog.
func (s *runSettings) RunLog() string { return s.Log }

// runJudge judges the tool's run, the next one and the last one.
type runJudge struct {
	*finding.Verdict
	e        *evidence.Evidence
	settings *runSettings
	// runs are the tool's earlier runs.
	runs *evidence.Runs
	// missing are the options of config.xml whose files were reported as not there.
	missing []string
}

// lacks reports the options of config.xml whose files are needed to know what the tool copies, and not there.
func (j *runJudge) lacks(options []string) {
	for _, option := range options {
		if slices.Contains(j.missing, option) {
			continue
		}
		j.missing = append(j.missing, option)
		j.Unknown(option, "the file of "+option+" cannot be found: it is unknown what a step copies", "",
			"Name a file that is there in <"+option+"> of config.xml; the tool brings each as .dist.")
	}
}

func evaluateMigrationRun(ctx context.Context, e *evidence.Evidence) finding.Verdict {
	v := finding.Verdict{Summary: "nothing that was looked at would stop the migration tool"}
	j := &runJudge{
		Verdict: &v, e: e,
		settings: config.SettingsOf[runSettings](&e.Migration.Preconditions, migrationRunID),
		runs:     e.Runs(ctx),
	}
	j.past(j.runs)
	unreachable := e.Magento1.Unreachable(&v)
	if e.Magento2.Unreachable(&v) || unreachable {
		return v
	}
	j.packets(ctx)
	j.triggers(ctx)
	j.statements(ctx)
	j.data(ctx)
	return v
}

// packets reads what the servers accept in one packet.
func (j *runJudge) packets(ctx context.Context) {
	for _, s := range j.e.Systems() {
		var bytes int64
		if err := s.Session.Row(ctx, "SELECT @@global.max_allowed_packet", nil, &bytes); err != nil {
			s.Broken(j.Verdict, "max_allowed_packet", fmt.Errorf("reading max_allowed_packet: %w", err))
			continue
		}
		j.Sample(maxAllowedPacketBytes, float64(bytes), string(s.Name))
	}
}
