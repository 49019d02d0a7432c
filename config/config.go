// Package config reads the exporter's own YAML file: the migrations that it watches, how often, and the decisions
// about them.
//
// Only this file is validated. The files it refers to (password files, Magento's and the tool's own files, backups)
// are read again at each evaluation, and a fault in one of them is a finding of that migration alone.
package config

import (
	"reflect"
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

	// filesWithSecrets are the configuration files that contain a secret.
	filesWithSecrets []string
}

// Global has the settings for all migrations.
type Global struct {
	// EvaluationInterval is the time between two evaluations of one migration.
	EvaluationInterval model.Duration `yaml:"evaluation_interval"`
	// EvaluationTimeout is the time limit of one evaluation of one migration.
	EvaluationTimeout model.Duration `yaml:"evaluation_timeout"`
	// EvaluationConcurrency is how many migrations are evaluated at the same time.
	EvaluationConcurrency int `yaml:"evaluation_concurrency"`
	// BackupReadBytesPerSecond limits how fast backups are read from disk; 0 means no limit.
	BackupReadBytesPerSecond int64 `yaml:"backup_read_bytes_per_second"`
}

// Migration is one shop that moves from Magento 1 to Magento 2.
type Migration struct {
	Name  string `yaml:"name"`
	Phase Phase  `yaml:"phase"`
	// Rehearsed is true when Phase is not that of the configuration, but one that somebody tries out.
	Rehearsed     bool          `yaml:"-"`
	Cutover       *time.Time    `yaml:"cutover"`
	MigrationTool MigrationTool `yaml:"migration_tool"`
	Magento1      System        `yaml:"magento1"`
	Magento2      System        `yaml:"magento2"`
	Preconditions Preconditions `yaml:"preconditions"`
	Waivers       []Waiver      `yaml:"waivers"`
}

// Phase is the stage of a migration.
type Phase string

// The phases. PhaseAuto means to find the phase in the databases; PhaseCutover and PhaseDone
// come only from the configuration.
const (
	PhaseAuto    Phase = "auto"
	PhasePrepare Phase = "prepare"
	PhaseMigrate Phase = "migrate"
	PhaseDelta   Phase = "delta"
	PhaseCutover Phase = "cutover"
	PhaseDone    Phase = "done"
)

// Phases returns the phases that a migration can be in, in their order.
func Phases() []Phase {
	return []Phase{PhasePrepare, PhaseMigrate, PhaseDelta, PhaseCutover, PhaseDone}
}

// MigrationTool has the path of the Data Migration Tool's own configuration.
type MigrationTool struct {
	Config string `yaml:"config"`
}

// System is one of the two shops.
type System struct {
	// Root is Magento's folder on this host; empty when it is on another one.
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
	// TablePrefix is nil when it is not set; an empty one is a prefix too.
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

// SeesAs reports whether the migration's evidence is the same with another entry: the two differ at most in what
// judges it, which are waivers, the date of the cutover and severities.
func (m *Migration) SeesAs(other *Migration) bool {
	return reflect.DeepEqual(m.withoutJudgment(), other.withoutJudgment())
}

func (m *Migration) withoutJudgment() Migration {
	seen := *m
	seen.Waivers, seen.Cutover = nil, nil
	seen.Preconditions = m.Preconditions.withoutSeverities()
	return seen
}

// Default returns the configuration of an empty file.
func Default() *Config {
	return &Config{Global: Global{
		EvaluationInterval:    model.Duration(time.Minute),
		EvaluationTimeout:     model.Duration(15 * time.Second),
		EvaluationConcurrency: 8,
	}}
}
