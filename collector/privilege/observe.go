package privilege

import (
	"context"
	"database/sql"
	_ "embed" // the SQL files
	"errors"
	"fmt"
	"slices"
	"strings"

	"magento_migration_exporter/collector/database"
	"magento_migration_exporter/collector/finding"
)

var (
	//go:embed sql/view.sql
	viewQuery string
	//go:embed sql/database_options.sql
	databaseOptionsQuery string
)

// Target is what an account is to be judged for.
type Target struct {
	System   finding.System
	Database string
	// TablePrefix is put before the names of all of the system's tables.
	TablePrefix string
	// DirectCopyFrom is, on Magento 2 and with direct_document_copy=1, the name of Magento 1's database; else it is
	// empty.
	DirectCopyFrom string
}

// Observation is what [Observe] saw. It holds no password and no password hash.
type Observation struct {
	Target Target
	Server Server
	// Login is USER(): who logged in from where.
	Login Account
	// Account is CURRENT_USER(): the account by whose privileges the server goes, which is the definer of triggers made
	// in this session.
	Account Account

	session standing
	// definer is how the account stands when a trigger of which it is the definer fires. It is nil away from Magento 1,
	// and where that is as in the session.
	definer *standing
	// own is what SHOW GRANTS says of the account without any role.
	own Grants

	hasViews   bool
	showView   Answer // to the tool's own statement on an existing view
	directCopy Answer // SELECT on Target.DirectCopyFrom
	// readOnlyDatabase is true for a database that takes no writes by itself, on a server that takes them.
	readOnlyDatabase bool

	deltaLog deltaLog
	restart  restart
}

// standing is what an account may do while certain roles are active.
type standing struct {
	roles         []Account
	probe         ProbeResult
	grants        Grants
	grantsProblem string // why SHOW GRANTS gave nothing
}

// Observe asks the server all that [Assess], [AssessTrust] and [AssessReadOnly] judge. It changes nothing but the
// session.
//
// The session must be a fresh one that was opened for probing, since global privileges and roles are those of the
// login, and must not be used for anything else afterwards. An error means that the server stopped answering; whatever
// the server does answer is part of the observation.
func Observe(ctx context.Context, s *database.Session, target Target) (Observation, error) {
	o := Observation{Target: target, Login: ParseAccount(s.User), Account: ParseAccount(s.CurrentUser)}
	if err := o.observe(ctx, s); err != nil {
		return Observation{}, fmt.Errorf("looking at the privileges on the database %s: %w", target.Database, err)
	}
	return o, nil
}

func (o *Observation) observe(ctx context.Context, s *database.Session) error {
	if err := o.readServer(ctx, s); err != nil {
		return fmt.Errorf("reading the server's variables: %w", err)
	}
	if err := o.readSession(ctx, s); err != nil {
		return err
	}
	if err := o.readDatabase(ctx, s); err != nil {
		return fmt.Errorf("reading how the database was made: %w", err)
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

// readOnlyOption is among a database's options after ALTER DATABASE … READ ONLY = 1.
const readOnlyOption = "READ ONLY=1"

// readDatabase looks whether the database is read-only, on servers that have such databases. No probe can tell: the
// server looks at its option only after it has found the table.
func (o *Observation) readDatabase(ctx context.Context, s *database.Session) error {
	if !o.Server.hasDatabaseOptions() {
		return nil
	}
	var options string
	err := s.Row(ctx, databaseOptionsQuery, []any{o.Server.fold(o.Target.Database)}, &options)
	if errors.Is(err, sql.ErrNoRows) { // not shown to this account
		return nil
	}
	_, err = serverError(err)
	o.readOnlyDatabase = strings.Contains(options, readOnlyOption)
	return err
}

// readSession sees what the session may do as it is.
func (o *Observation) readSession(ctx context.Context, s *database.Session) error {
	var err error
	if o.session.roles, err = readRoles(ctx, s, o.Server); err != nil {
		return err
	}
	if o.session.grants, o.session.grantsProblem, err = readGrants(ctx, s, "SHOW GRANTS"); err != nil {
		return err
	}
	o.own = o.session.grants
	if len(o.session.roles) > 0 {
		// MySQL shows the active roles' privileges as the account's; asked for by its name, it shows the account's own.
		if o.own, _, err = readGrants(ctx, s, "SHOW GRANTS FOR "+o.Account.Quoted()); err != nil {
			return err
		}
	}
	o.session.probe, err = probe(ctx, s, o.statements())
	return err
}

// statements are those of the probe. Magento 2 is asked for REFERENCES too, where a foreign key needs it.
func (o *Observation) statements() []probeStatement {
	list := probeStatements(o.Target.Database, randomName(), randomName())
	if o.Target.System == finding.Magento2 && o.Server.checksReferences() {
		list = append(list, referencesStatement(o.Target.Database, randomName(), randomName()))
	}
	return list
}

// readRoles reads the active roles. A server that only says that it is one with roles has none.
func readRoles(ctx context.Context, s *database.Session, server Server) ([]Account, error) {
	if !server.hasRoles() {
		return nil, nil
	}
	var text sql.NullString
	if _, err := serverError(s.Row(ctx, "SELECT CURRENT_ROLE()", nil, &text)); err != nil {
		return nil, fmt.Errorf("reading the active roles: %w", err)
	}
	return activeRoles(server, text.String), nil
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

// readGrants reads a SHOW GRANTS statement. Where the server refuses it, problem says why.
func readGrants(ctx context.Context, s *database.Session, statement string) (grants Grants, problem string, err error) {
	var lines []string
	err = s.Rows(ctx, statement, nil, func(scan func(...any) error) error {
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
		return Grants{}, "", fmt.Errorf("reading %s: %w", statement, err)
	}
	if number != 0 {
		problem = fmt.Sprintf("error %d", number)
	}
	return ParseGrants(lines), problem, nil
}

func (o *Observation) observeSource(ctx context.Context, s *database.Session) error {
	if err := o.readView(ctx, s); err != nil {
		return fmt.Errorf("looking at a view: %w", err)
	}
	var err error
	if o.deltaLog, err = readDeltaLog(ctx, s, o.Target, o.Server, o.Account); err != nil {
		return err
	}
	if o.restart, err = readRestart(ctx, s, o.Server); err != nil {
		return err
	}
	// Last, because it cannot be undone without knowing which roles were active by default and which by choice.
	return o.readDefiner(ctx, s)
}

// readDefiner sees what the definer of the tool's triggers may do when they fire. On MariaDB that is what the account
// has without roles, on MySQL 8 and newer what it has with its default roles: neither mandatory ones nor those that
// activate_all_roles_on_login adds.
func (o *Observation) readDefiner(ctx context.Context, s *database.Session) error {
	if len(o.session.roles) == 0 {
		return nil
	}
	definer := standing{grants: withoutRoles(o.session.grants), grantsProblem: o.session.grantsProblem}
	statement := "SET ROLE NONE"
	if o.Server.isMySQL8() {
		statement = "SET ROLE DEFAULT"
	}
	err := s.Exec(ctx, statement)
	if err == nil && o.Server.isMySQL8() {
		definer.roles, err = readRoles(ctx, s, o.Server)
	}
	if err != nil {
		return fmt.Errorf("changing the roles: %w", err)
	}
	if sameRoles(definer.roles, o.session.roles) {
		return nil
	}
	if o.Server.isMySQL8() {
		if definer.grants, definer.grantsProblem, err = readGrants(ctx, s, "SHOW GRANTS"); err != nil {
			return err
		}
	}
	definer.probe.Locked = o.session.probe.Locked // or the first statement would wait once more
	if err := definer.probe.askAll(ctx, s, firingStatements(o.Target.Database)); err != nil {
		return fmt.Errorf("as a trigger's definer: %w", err)
	}
	o.definer = &definer
	return nil
}

// withoutRoles leaves out the lines that MariaDB prints of the active role.
func withoutRoles(g Grants) Grants {
	g.Lines = slices.DeleteFunc(slices.Clone(g.Lines), func(l Grant) bool { return l.GranteeKind == GranteeRole })
	return g
}

func sameRoles(a, b []Account) bool {
	return len(a) == len(b) && !slices.ContainsFunc(a, func(r Account) bool { return !slices.Contains(b, r) })
}

// readView runs on one view what the tool runs on each, as no statement on a missing table asks for SHOW VIEW. Where it
// is granted on single views, it goes on until one is denied.
func (o *Observation) readView(ctx context.Context, s *database.Session) error {
	var views []string
	err := s.Rows(ctx, viewQuery, []any{o.Server.fold(o.Target.Database)}, func(scan func(...any) error) error {
		var view string
		err := scan(&view)
		views = append(views, view)
		return err
	})
	number, err := serverError(err)
	if err != nil {
		return err
	}
	o.hasViews = len(views) > 0 || number != 0
	if number != 0 {
		o.showView.Why = fmt.Sprintf("listing the views is answered by error %d", number)
		return nil
	}
	onDatabase := newReading(o.Server, o.session, o.Target.Database).holding(ShowView).state
	for _, view := range views {
		if err := o.showCreate(ctx, s, view); err != nil {
			return err
		}
		if o.showView.State != Held || onDatabase == Held {
			return nil
		}
	}
	return nil
}

func (o *Observation) showCreate(ctx context.Context, s *database.Session, view string) error {
	number, err := execute(ctx, s, "SHOW CREATE TABLE "+database.Quote(o.Target.Database)+"."+database.Quote(view))
	if err != nil {
		return err
	}
	o.showView = Answer{Number: number}
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
	if o.Target.DirectCopyFrom == "" {
		return nil
	}
	result, err := probe(ctx, s, probeStatements(o.Target.DirectCopyFrom, randomName(), randomName())[:1])
	o.directCopy = result.Answers[Select]
	return err
}
