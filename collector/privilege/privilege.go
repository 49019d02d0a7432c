// Package privilege answers, for one account and one database on a live connection, what the Data Migration Tool may do
// there: which privileges it needs hold, through what, what hides the others, what cures that, and whether binary
// logging lets it create triggers.
//
// Evidence comes before verdict. [Observe] asks the server and judges nothing; [Assess] and [AssessTrust] judge what it
// saw and ask nothing. The verdict is the server's own answer to statements that cannot succeed ([Probe]); SHOW GRANTS
// only explains it.
package privilege

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
