package privilege

import (
	"context"
	"database/sql"
	_ "embed" // the SQL files
	"errors"
	"fmt"
	"strings"

	"magento_migration_exporter/collector/database"
	"magento_migration_exporter/collector/finding"
)

var (
	//go:embed sql/view.sql
	viewQuery string
	//go:embed sql/table.sql
	tableQuery string
	//go:embed sql/column_privileges.sql
	columnPrivilegesQuery string
	//go:embed sql/trust_origin_mariadb.sql
	trustOriginMariaDBQuery string
	//go:embed sql/trust_origin_mysql8.sql
	trustOriginMySQL8Query string
)

// Target is what an account is to be judged for.
type Target struct {
	System   finding.System
	Database string
	// TablePrefix is put before the names of all of the system's tables.
	TablePrefix string
	// DirectCopyFrom is, on Magento 2 and with direct_document_copy=1, the name of Magento 1's database; else it is empty.
	DirectCopyFrom string
}

// Observation is what [Observe] saw. It holds no password and no password hash.
type Observation struct {
	Target Target
	Server Server
	// Login is USER(): who logged in from where.
	Login Account
	// Account is CURRENT_USER(): the account by whose privileges the server goes, which is the definer of triggers made in this session.
	Account Account

	roles         []Account // active ones
	grants        Grants
	grantsProblem string // why SHOW GRANTS gave nothing
	probe         ProbeResult
	// What the account itself has, as the definer of a trigger: set on Magento 1 when roles are active.
	probeWithoutRoles  *ProbeResult
	grantsWithoutRoles *Grants // MySQL 8 only, which does not say which lines come from roles

	hasViews   bool
	showView   Answer // to the tool's own statement on an existing view
	references State  // what a column of an existing table says, when SHOW GRANTS does not give REFERENCES
	directCopy Answer // SELECT on Target.DirectCopyFrom

	deltaLog    deltaLog
	trustOrigin string // where the value of log_bin_trust_function_creators comes from, in the server's word; empty when it does not say
}

// Observe asks the server all that [Assess] and [AssessTrust] judge. It changes nothing but the session.
//
// The session must be a fresh one that was opened for probing, since global privileges and roles are those of the login, and must not be
// used for anything else afterwards: it ends without roles. An error means that the server stopped answering; whatever the server does
// answer is part of the observation.
func Observe(ctx context.Context, s *database.Session, target Target) (Observation, error) {
	o := Observation{Target: target}
	if err := o.observe(ctx, s); err != nil {
		return Observation{}, fmt.Errorf("looking at the privileges on the database %s: %w", target.Database, err)
	}
	return o, nil
}

func (o *Observation) observe(ctx context.Context, s *database.Session) error {
	if err := o.readServer(ctx, s); err != nil {
		return fmt.Errorf("read the server's variables: %w", err)
	}
	if err := o.readAccount(ctx, s); err != nil {
		return fmt.Errorf("read the session's account: %w", err)
	}
	grants, number, err := readGrants(ctx, s, "SHOW GRANTS")
	if err != nil {
		return err
	}
	o.grants = grants
	if number != 0 {
		o.grantsProblem = fmt.Sprintf("error %d", number)
	}
	if o.probe, err = Probe(ctx, s, o.Target.Database); err != nil {
		return err
	}
	if o.Target.System == finding.Magento1 {
		return o.observeSource(ctx, s)
	}
	return o.observeDestination(ctx, s)
}

func (o *Observation) readServer(ctx context.Context, s *database.Session) error {
	variables := map[string]string{}
	err := s.Rows(ctx, variablesQuery, nil, func(scan func(...any) error) error {
		var name, value string
		err := scan(&name, &value)
		variables[name] = value
		return err
	})
	o.Server = newServer(variables)
	return err
}

func (o *Observation) readAccount(ctx context.Context, s *database.Session) error {
	o.Login, o.Account = ParseAccount(s.User), ParseAccount(s.CurrentUser)
	if !o.Server.hasRoles() {
		return nil
	}
	var roles sql.NullString
	if err := s.Row(ctx, "SELECT CURRENT_ROLE()", nil, &roles); err != nil {
		return err
	}
	o.roles = activeRoles(o.Server, roles.String)
	return nil
}

// activeRoles reads CURRENT_ROLE(): one bare name on MariaDB, NONE or a list of quoted accounts on MySQL 8.
func activeRoles(server Server, text string) []Account {
	switch {
	case text == "" || !server.isMariaDB() && text == "NONE":
		return nil
	case server.isMariaDB():
		return []Account{{User: text}}
	}
	r := grantReader{text: text}
	roles, err := r.accounts()
	if err != nil {
		return []Account{{User: text}}
	}
	return roles
}

// readGrants reads a SHOW GRANTS statement. When the server refuses it, the result is its error number.
func readGrants(ctx context.Context, s *database.Session, statement string) (Grants, uint16, error) {
	var lines []string
	err := s.Rows(ctx, statement, nil, func(scan func(...any) error) error {
		var line string
		err := scan(&line)
		// One more than is read, so that ParseGrants notices.
		if len(lines) <= maxGrantLines {
			lines = append(lines, line)
		}
		return err
	})
	number, err := serverError(err)
	if err != nil {
		return Grants{}, 0, fmt.Errorf("read %s: %w", statement, err)
	}
	return ParseGrants(lines), number, nil
}

func (o *Observation) observeSource(ctx context.Context, s *database.Session) error {
	if err := o.readView(ctx, s); err != nil {
		return fmt.Errorf("look at a view: %w", err)
	}
	var err error
	if o.deltaLog, err = readDeltaLog(ctx, s, o.Target, o.Server, o.Account); err != nil {
		return err
	}
	if err := o.readTrustOrigin(ctx, s); err != nil {
		return fmt.Errorf("look where log_bin_trust_function_creators is set: %w", err)
	}
	// Last, because it cannot be undone without knowing which roles were active by default and which by choice.
	return o.observeWithoutRoles(ctx, s)
}

// observeWithoutRoles sees what the definer of the tool's triggers will have when they fire: roles count in the session that creates them only.
func (o *Observation) observeWithoutRoles(ctx context.Context, s *database.Session) error {
	if len(o.roles) == 0 {
		return nil
	}
	if err := s.Exec(ctx, "SET ROLE NONE"); err != nil {
		return fmt.Errorf("give up the roles: %w", err)
	}
	probe, err := Probe(ctx, s, o.Target.Database)
	if err != nil {
		return fmt.Errorf("without roles: %w", err)
	}
	o.probeWithoutRoles = &probe
	if !o.Server.isMySQL8() {
		return nil
	}
	grants, number, err := readGrants(ctx, s, "SHOW GRANTS")
	if number == 0 {
		o.grantsWithoutRoles = &grants
	}
	return err
}

// readView runs on one view what the tool runs on each, as no statement on a missing table asks for SHOW VIEW.
func (o *Observation) readView(ctx context.Context, s *database.Session) error {
	var view string
	err := s.Row(ctx, viewQuery, []any{o.Server.fold(o.Target.Database)}, &view)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	number, err := serverError(err)
	if err != nil {
		return err
	}
	o.hasViews = true
	if number != 0 {
		o.showView.Why = fmt.Sprintf("listing the views is answered by error %d", number)
		return nil
	}
	number, err = execute(ctx, s, "SHOW CREATE TABLE "+database.Quote(o.Target.Database)+"."+database.Quote(view))
	if err != nil {
		return err
	}
	o.showView.Number = number
	switch number {
	case 0:
		o.showView.State = Held
	case database.ErrTableAccessDenied:
		o.showView.State = Missing
	default:
		o.showView.Why = fmt.Sprintf("SHOW CREATE TABLE on the view %s is answered by error %d", view, number)
	}
	return nil
}

func (o *Observation) observeDestination(ctx context.Context, s *database.Session) error {
	if err := o.readReferences(ctx, s); err != nil {
		return fmt.Errorf("look for REFERENCES: %w", err)
	}
	if o.Target.DirectCopyFrom == "" {
		return nil
	}
	statements := probeStatements(o.Target.DirectCopyFrom, randomName(), randomName())[:1]
	result, err := probe(ctx, s, statements)
	o.directCopy = result.Answers[Select]
	return err
}

// readReferences asks a column of an existing table for its privileges. They include what SHOW GRANTS does not show,
// but on a server on which SELECT is held globally they leave out what is granted on the database, so only a yes means something.
func (o *Observation) readReferences(ctx context.Context, s *database.Session) error {
	if !o.Server.checksReferences() || newReading(*o, o.Target.Database, true).holding(References).state == Held {
		return nil
	}
	schema := o.Server.fold(o.Target.Database)
	var table, column, privileges string
	err := s.Row(ctx, tableQuery, []any{schema}, &table)
	if err == nil {
		err = s.Row(ctx, columnPrivilegesQuery, []any{schema, table}, &column, &privileges)
	}
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if number, err := serverError(err); number != 0 || err != nil {
		return err
	}
	if strings.Contains(","+strings.ToLower(privileges)+",", ",references,") {
		o.references = Held
	}
	return nil
}

func (o *Observation) readTrustOrigin(ctx context.Context, s *database.Session) error {
	query := ""
	switch {
	case o.Server.isMariaDB():
		query = trustOriginMariaDBQuery
	case o.Server.isMySQL8():
		query = trustOriginMySQL8Query
	default:
		return nil
	}
	err := s.Row(ctx, query, nil, &o.trustOrigin)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	// MySQL shows it only to accounts that may read performance_schema; then the origin is not known.
	_, err = serverError(err)
	return err
}
