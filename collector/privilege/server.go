package privilege

import (
	_ "embed" // the SQL files
	"strconv"
	"strings"

	"magento_migration_exporter/collector/database"
)

// Server is what the rules need to know about a server.
type Server struct {
	// Version is what the server calls itself, but that its flavor is the one that its variables show.
	Version database.Version
	// Has are variables that show what it can do, whatever it calls itself.
	Has Features
	// FoldsCase is true where database names are compared in lower case (lower_case_table_names is not 0).
	FoldsCase bool
	// PartialRevokes is MySQL 8's partial_revokes, under which _, % and \ in the database names of grants stand for
	// themselves.
	PartialRevokes bool
	// ReadOnly is read_only or super_read_only.
	ReadOnly bool
	// InnoDBReadOnly is the setting of InnoDB's for which it takes no writes, whoever asks; empty where it takes them.
	// Statements on tables that do not exist never come as far as InnoDB.
	InnoDBReadOnly string
	// AmazonRDS is true for RDS and Aurora, where nobody has SUPER and variables are set in parameter groups.
	AmazonRDS bool
	// Aurora is true for Aurora, whose clusters have parameter groups of their own.
	Aurora bool
	// BinaryLog is what it says about the binary log.
	BinaryLog BinaryLog
}

// Features are what a server's variables show of it. A proxy or a fork can call its version anything.
type Features struct {
	// DefaultRoles is MySQL 8's privilege system: roles, dynamic privileges, partial revokes.
	DefaultRoles bool
	// StatementLimit is MySQL 5.7's limit for statements.
	StatementLimit bool
}

// BinaryLog holds the settings that decide whether an account without SUPER may create triggers.
type BinaryLog struct {
	Enabled bool   // log_bin
	Format  string // binlog_format
	Trust   bool   // log_bin_trust_function_creators
	// Galera is true on a node of a Galera cluster, which behaves as if it had a binary log even when log_bin is off.
	Galera bool
}

// Open reports whether creating a trigger needs SUPER or trust.
func (b BinaryLog) Open() bool { return b.Enabled || b.Galera }

// variablesQuery asks for the global variables that newServer reads; a server leaves out those that it does not have.
// All of them can be read without any privilege.
//
//go:embed sql/variables.sql
var variablesQuery string

func newServer(variables map[string]string) Server {
	on := func(name string) bool { return isOn(variables[name]) }
	// A version that is not understood is 0.0.0, which has nothing that later ones brought.
	version, _ := database.ParseVersion(variables["version"], variables["version_comment"])
	has := func(name string) bool { _, ok := variables[name]; return ok }
	if has("gtid_domain_id") { // no other server has it
		version.Flavor = database.MariaDB
	}
	s := Server{
		Version:        version,
		Has:            Features{has("activate_all_roles_on_login"), has("max_execution_time")},
		FoldsCase:      variables["lower_case_table_names"] != "0" && variables["lower_case_table_names"] != "",
		PartialRevokes: on("partial_revokes"),
		ReadOnly:       on("read_only") || on("super_read_only"),
		BinaryLog: BinaryLog{
			Enabled: on("log_bin"),
			Format:  variables["binlog_format"],
			Trust:   on("log_bin_trust_function_creators"),
			Galera:  on("wsrep_on") && variables["wsrep_provider"] != "" && variables["wsrep_provider"] != "none",
		},
	}
	s.InnoDBReadOnly = s.innoDBReadOnly(variables)
	s.Aurora = variables["aurora_version"] != ""
	s.AmazonRDS = s.Aurora || isAmazonRDS(variables)
	return s
}

// mariaDBRecovery is the lowest innodb_force_recovery with which MariaDB's InnoDB takes no writes. MySQL's takes none
// with any.
const mariaDBRecovery = 5

func (s Server) innoDBReadOnly(variables map[string]string) string {
	recovery, _ := strconv.Atoi(variables["innodb_force_recovery"])
	switch {
	case isOn(variables["innodb_read_only"]):
		return "innodb_read_only = ON"
	case recovery >= mariaDBRecovery, recovery > 0 && !s.isMariaDB():
		return "innodb_force_recovery = " + strconv.Itoa(recovery)
	}
	return ""
}

// isOn reads a variable that is on or off.
func isOn(value string) bool { return strings.EqualFold(value, "ON") || value == "1" }

// isAmazonRDS knows RDS by where it keeps its programs and data, by its variables, and by what some releases call
// themselves.
func isAmazonRDS(variables map[string]string) bool {
	for name := range variables {
		if strings.HasPrefix(name, "rds_") {
			return true
		}
	}
	return strings.HasPrefix(variables["basedir"], "/rdsdbbin") ||
		strings.HasPrefix(variables["datadir"], "/rdsdbdata") ||
		strings.Contains(strings.ToLower(variables["version_comment"]), "amazon")
}

func (s Server) isMariaDB() bool { return s.Version.Flavor == database.MariaDB }

// isMySQL8 reports whether the server has MySQL 8's privilege system: roles, dynamic privileges, partial revokes.
func (s Server) isMySQL8() bool {
	return !s.isMariaDB() && (s.Has.DefaultRoles || s.Version.AtLeast(8, 0, 0))
}

// hasRoles reports whether accounts can have roles. Each supported MariaDB has them.
func (s Server) hasRoles() bool { return s.isMariaDB() || s.isMySQL8() }

// hasDatabaseOptions reports whether a database can be read-only: since MySQL 8.0.22. A server that calls itself older
// than its privilege system is asked.
func (s Server) hasDatabaseOptions() bool {
	return s.isMySQL8() && (s.Version.AtLeast(8, 0, 22) || !s.Version.AtLeast(8, 0, 0))
}

// fold returns a database name as the server compares it.
func (s Server) fold(name string) string {
	if s.FoldsCase {
		return strings.ToLower(name)
	}
	return name
}

// matches reports whether a database name in a GRANT applies to a database.
func (s Server) matches(pattern, name string) bool {
	if s.PartialRevokes {
		return s.fold(pattern) == s.fold(name)
	}
	return matchPattern(s.fold(pattern), s.fold(name))
}

// pattern returns what a GRANT has to name so that it is for exactly this database.
func (s Server) pattern(name string) string {
	if s.PartialRevokes {
		return name
	}
	return escapePattern(name)
}

// checksReferences reports whether a foreign key needs REFERENCES on the table that it refers to. Before MySQL 5.7, and
// on MariaDB, any privilege on that table does.
func (s Server) checksReferences() bool {
	return !s.isMariaDB() && (s.Has.StatementLimit || s.isMySQL8() || s.Version.AtLeast(5, 7, 0))
}
