// Package privilege answers, for one account and one database on a live connection, what the Data Migration Tool may do there:
// which privileges it needs hold, through what, what hides the others, what cures that, and whether binary logging lets it create triggers.
//
// Evidence comes before verdict. [Observe] asks the server and judges nothing; [Assess] and [AssessTrust] judge what it saw and ask nothing.
// The verdict is the server's own answer to statements that cannot succeed ([Probe]); SHOW GRANTS only explains it.
package privilege

import (
	"context"
	"database/sql"
)

// Privilege is the name of a privilege, spelt as MySQL spells it.
type Privilege string

// The privileges that this package reasons about. SHOW GRANTS may name any other one, which is kept as it is.
const (
	Select     Privilege = "SELECT"
	Insert     Privilege = "INSERT"
	Update     Privilege = "UPDATE"
	Delete     Privilege = "DELETE"
	Create     Privilege = "CREATE"
	Drop       Privilege = "DROP"
	Trigger    Privilege = "TRIGGER"
	References Privilege = "REFERENCES"
	ShowView   Privilege = "SHOW VIEW"

	Super                Privilege = "SUPER"
	BinlogAdmin          Privilege = "BINLOG ADMIN"           // MariaDB 10.5
	SystemVariablesAdmin Privilege = "SYSTEM_VARIABLES_ADMIN" // MySQL 8.0

	allPrivileges Privilege = "ALL PRIVILEGES"
	usage         Privilege = "USAGE"
)

// State says whether a privilege is held. The zero value is Undetermined.
type State int

// The three states of a privilege.
const (
	Undetermined State = iota
	Missing
	Held
)

// String returns the state in lower case.
func (s State) String() string {
	switch s {
	case Missing:
		return "missing"
	case Held:
		return "held"
	default:
		return "undetermined"
	}
}

// System is one of the two systems of a migration, named as the exporter's label names it.
type System string

// The systems. The tool calls Magento 1's database its source and Magento 2's its destination.
const (
	Magento1 System = "magento1"
	Magento2 System = "magento2"
)

// Phase is a migration's phase, named as the exporter's label names it. The empty phase, not known, needs what prepare needs.
type Phase string

// The phases of a migration.
const (
	Prepare Phase = "prepare"
	Migrate Phase = "migrate"
	Delta   Phase = "delta"
	Cutover Phase = "cutover"
)

// Level is how much a finding weighs. Levels are ordered: the greatest one of an assessment's findings is its status.
type Level int

// The levels, from the lightest.
const (
	Note Level = iota
	Warn
	Unknown
	Fail
)

// String returns the level in lower case.
func (l Level) String() string {
	switch l {
	case Note:
		return "note"
	case Warn:
		return "warn"
	case Unknown:
		return "unknown"
	case Fail:
		return "fail"
	default:
		return "invalid level"
	}
}

// Finding is one thing that a person should know. It holds no secret.
type Finding struct {
	Level   Level
	Subject string // what it is about, in few words that stay the same: a privilege, or one of the Subject constants
	Summary string // one line
	// Evidence is what the server said.
	Evidence string
	// Remedy is what to do. Statements and configuration lines stand on lines of their own and work when pasted.
	Remedy string
}

// Subjects of findings that are not about one privilege.
const (
	SubjectAccount        = "account"
	SubjectRoles          = "roles"
	SubjectLiveShop       = "live shop"
	SubjectHiddenGrants   = "hidden grants"
	SubjectTriggers       = "existing triggers"
	SubjectDefiner        = "trigger definer"
	SubjectDirectCopy     = "direct_document_copy"
	SubjectReadOnly       = "read_only"
	SubjectGrants         = "SHOW GRANTS"
	SubjectTrust          = "log_bin_trust_function_creators"
	SubjectTrustPermanent = "server configuration"
)

// Session is what the package needs of a connection; *[sql.Conn] is one.
type Session interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	PrepareContext(ctx context.Context, query string) (*sql.Stmt, error)
}
