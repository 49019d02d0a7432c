// Package config reads the exporter's own YAML file: the migrations it watches, how often, and what somebody decided about them.
//
// Only this file can be refused. What it names (password files, Magento's and the tool's own files, backups) is evidence: it is read
// at each evaluation, and a fault in it is a finding of that migration alone.
package config

import (
	"time"

	"github.com/prometheus/common/config"
	"github.com/prometheus/common/model"
)

// Secret is a text that prints as <secret> when it is marshalled.
type Secret = config.Secret

// Config is the whole file.
type Config struct {
	Global     Global      `yaml:"global"`
	Migrations []Migration `yaml:"migrations"`

	// filesWithSecrets are the files read that hold a secret themselves.
	filesWithSecrets []string
}

// Global says how often and how hard the exporter works.
type Global struct {
	// EvaluationInterval is the time between two evaluations of one migration.
	EvaluationInterval model.Duration `yaml:"evaluation_interval"`
	// EvaluationTimeout is the time limit of one evaluation of one migration.
	EvaluationTimeout model.Duration `yaml:"evaluation_timeout"`
	// EvaluationConcurrency is how many migrations are evaluated at the same time.
	EvaluationConcurrency int `yaml:"evaluation_concurrency"`
	// BackupReadBytesPerSecond limits how fast backups are read from disk; 0 is no limit.
	BackupReadBytesPerSecond int64 `yaml:"backup_read_bytes_per_second"`
}

// Migration is one shop that moves from Magento 1 to Magento 2.
type Migration struct {
	Name          string        `yaml:"name"`
	Phase         Phase         `yaml:"phase"`
	Cutover       *time.Time    `yaml:"cutover"`
	MigrationTool MigrationTool `yaml:"migration_tool"`
	Magento1      System        `yaml:"magento1"`
	Magento2      System        `yaml:"magento2"`
	Preconditions Preconditions `yaml:"preconditions"`
	Waivers       []Waiver      `yaml:"waivers"`
}

// Phase is how far a migration has come.
type Phase string

// The phases. PhaseAuto asks for the evidence; PhaseCutover comes only from the configuration.
const (
	PhaseAuto    Phase = "auto"
	PhasePrepare Phase = "prepare"
	PhaseMigrate Phase = "migrate"
	PhaseDelta   Phase = "delta"
	PhaseCutover Phase = "cutover"
)

// MigrationTool names the Data Migration Tool's own configuration.
type MigrationTool struct {
	Config string `yaml:"config"`
}

// System is one of the two shops.
type System struct {
	// Root is Magento's folder on this machine; empty when it is on another.
	Root     string   `yaml:"root"`
	Database Database `yaml:"database"`
}

// Database says how to log in. A field that is not set is taken from the tool's config.xml.
type Database struct {
	Host         string  `yaml:"host"`
	Port         int     `yaml:"port"`
	Socket       string  `yaml:"socket"`
	Name         string  `yaml:"name"`
	User         string  `yaml:"user"`
	Password     *Secret `yaml:"password"`
	PasswordFile string  `yaml:"password_file"`
	PasswordEnv  string  `yaml:"password_env"`
	// TablePrefix is nil when it was not said, so that an empty prefix can be said.
	TablePrefix *string `yaml:"table_prefix"`
	TLS         *TLS    `yaml:"tls"`
}

// TLS asks for an encrypted connection.
type TLS struct {
	CAFile             string `yaml:"ca_file"`
	CertFile           string `yaml:"cert_file"`
	KeyFile            string `yaml:"key_file"`
	ServerName         string `yaml:"server_name"`
	InsecureSkipVerify bool   `yaml:"insecure_skip_verify"`
}

// Preconditions holds the settings of the preconditions that have any. The others can only be given a severity.
type Preconditions struct {
	Backup             Backup              `yaml:"backup"`
	CronStopped        CronStopped         `yaml:"cron_stopped"`
	Extensions         Extensions          `yaml:"extensions"`
	Topology           Topology            `yaml:"topology"`
	SystemRequirements SystemRequirements  `yaml:"system_requirements"`
	Others             map[string]Judgment `yaml:",inline"`
}

// Judgment is what can be set for every precondition.
type Judgment struct {
	Severity Severity `yaml:"severity"`
}

// Severity says what a warning counts as.
type Severity string

// The severities; an empty one is SeverityWarn.
const (
	SeverityWarn Severity = "warn"
	SeverityFail Severity = "fail"
)

// Backup names the backups of the Magento 2 database.
type Backup struct {
	Judgment `yaml:",inline"`
	// Paths are files, folders and glob patterns.
	Paths []string `yaml:"paths"`
	// MaxAge is the age from which a backup is warned about; 0 is never.
	MaxAge model.Duration `yaml:"max_age"`
}

// CronStopped says where Magento 2's cron could be started from.
type CronStopped struct {
	Judgment `yaml:",inline"`
	// Window is how long a cron that works can be quiet.
	Window model.Duration `yaml:"window"`
	// Crontabs are files and glob patterns; nil looks in the usual places, empty says that cron is not on this host.
	Crontabs *[]string `yaml:"crontabs"`
	// Processes is false when Magento 2's processes do not run on this host; nil is true.
	Processes *bool `yaml:"processes"`
}

// Extensions holds the decisions about Magento 1's third-party modules.
type Extensions struct {
	Judgment `yaml:",inline"`
	// Decisions are keyed by module name or by the code of its row in core_resource.
	Decisions map[string]Decision `yaml:"decisions"`
}

// Decision is what becomes of one Magento 1 module: exactly one field is set.
type Decision struct {
	// ReplacedBy is the Magento 2 module that takes its place.
	ReplacedBy string `yaml:"replaced_by"`
	// Dropped is the reason why nothing takes its place.
	Dropped string `yaml:"dropped"`
}

// Topology declares the nodes of both systems by role.
type Topology struct {
	Judgment `yaml:",inline"`
	Magento1 map[string]Nodes `yaml:"magento1"`
	Magento2 map[string]Nodes `yaml:"magento2"`
}

// SystemRequirements says what cannot be found out from Magento's own files.
type SystemRequirements struct {
	Judgment `yaml:",inline"`
	// PHP is a php binary to ask.
	PHP string `yaml:"php"`
	// Magento2Version is the release, where no composer.lock can be read.
	Magento2Version string `yaml:"magento2_version"`
	// RequirementsFile replaces the built-in table.
	RequirementsFile string `yaml:"requirements_file"`
	// Endpoints are addresses by component: search, cache, session, queue, varnish.
	Endpoints map[string]string `yaml:"endpoints"`
}

// Severity returns how the warnings of a precondition count.
func (p *Preconditions) Severity(id string) Severity {
	severity := map[string]Severity{
		"backup":              p.Backup.Severity,
		"cron_stopped":        p.CronStopped.Severity,
		"extensions":          p.Extensions.Severity,
		"topology":            p.Topology.Severity,
		"system_requirements": p.SystemRequirements.Severity,
	}[id]
	if severity == "" {
		severity = p.Others[id].Severity
	}
	if severity == "" {
		severity = SeverityWarn
	}
	return severity
}

// WatchProcesses reports whether Magento 2's processes can be seen on this host.
func (c *CronStopped) WatchProcesses() bool { return c.Processes == nil || *c.Processes }

// Default returns the configuration of an empty file.
func Default() *Config {
	return &Config{Global: Global{
		EvaluationInterval:    model.Duration(time.Minute),
		EvaluationTimeout:     model.Duration(15 * time.Second),
		EvaluationConcurrency: 8,
	}}
}

// DefaultCronWindow is within what time a working Magento 2 cron leaves a trace: 22 of its jobs are due each minute.
const DefaultCronWindow = 5 * time.Minute
