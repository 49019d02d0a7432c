package collector

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"magento_migration_exporter/collector/database"
	"magento_migration_exporter/collector/privilege"
	"magento_migration_exporter/config"
	"magento_migration_exporter/config/toolconfig"
)

// System is one of the two shops during one evaluation.
type System struct {
	// Name is magento1 or magento2.
	Name     string
	Config   *config.System
	Endpoint database.Endpoint
	Prefix   string
	// Session is nil when Err is not.
	Session *database.Session
	// Err is why the database cannot be looked at: errNotConfigured, a *settingsError or a *database.Fault.
	Err error

	statementTimeout time.Duration
	logger           *slog.Logger

	observe     sync.Once
	observation privilege.Observation
	observeErr  error
}

var errNotConfigured = errors.New("no database is configured")

// settingsError is a fault in what the configuration names, like a password file that is not there.
type settingsError struct{ err error }

func (e *settingsError) Error() string { return e.err.Error() }
func (e *settingsError) Unwrap() error { return e.err }

// Tool is the Data Migration Tool's own configuration, read anew at each evaluation.
type Tool struct {
	// Path is empty when the configuration names none.
	Path string
	// Config is nil when Path is empty or Err is not nil.
	Config *toolconfig.Config
	Err    error
}

func readTool(ctx context.Context, m *config.Migration, o gatherOptions) Tool {
	t := Tool{Path: m.MigrationTool.Config}
	if t.Path != "" {
		t.Config, t.Err = answered(ctx, o.flights, flight{m.Name, "config.xml"}, o.statementTimeout, func() (*toolconfig.Config, error) { return toolconfig.Read(t.Path) })
	}
	return t
}

// moduleDir returns the tool's own folder, empty when it is not found on this host.
func (t Tool) moduleDir(magentoRoot string) string {
	for _, dir := range toolconfig.ModuleDirs(magentoRoot, t.Path) {
		if _, err := os.Stat(filepath.Join(dir, "etc/config.xsd")); err == nil {
			return dir
		}
	}
	return ""
}

// file returns the file that an option of config.xml names, found as the tool finds it; empty when it is not there.
func (t Tool) file(option, magentoRoot string) string {
	if t.Config == nil {
		return ""
	}
	for _, candidate := range t.Config.Candidates(option, magentoRoot, t.moduleDir(magentoRoot)) {
		if _, err := os.Stat(candidate.Path); err == nil {
			return candidate.Path
		}
	}
	return ""
}

// mapping returns the edition and Magento 1's release of the mapping folder, empty where the map file is in none.
func (t Tool) mapping() (edition, version string) {
	if t.Config == nil {
		return "", ""
	}
	edition, version, _ = toolconfig.MappingOf(t.Config.Value("map_file"))
	return edition, version
}

// database returns what config.xml says of a system's database, nil when it says nothing.
func (t Tool) database(system string) *toolconfig.Database {
	switch {
	case t.Config == nil:
		return nil
	case system == magento1:
		return t.Config.Source
	}
	return t.Config.Destination
}

// prefix returns the table prefix that the tool uses.
func (t Tool) prefix(system string) string {
	switch {
	case t.Config == nil:
		return ""
	case system == magento1:
		return t.Config.Value("source_prefix")
	}
	return t.Config.Value("dest_prefix")
}

// newSystem puts together what the configuration and the tool's config.xml say; the former wins.
func newSystem(name string, c *config.System, tool Tool, o gatherOptions) *System {
	s := &System{Name: name, Config: c, Prefix: tool.prefix(name), statementTimeout: o.statementTimeout, logger: o.logger}
	if c.Database.TablePrefix != nil {
		s.Prefix = *c.Database.TablePrefix
	}
	fromTool := tool.database(name)
	s.Endpoint = endpoint(&c.Database, fromTool)
	switch {
	case s.Endpoint.Name != "" && (s.Endpoint.Host != "" || s.Endpoint.Socket != ""):
	case tool.Err != nil:
		s.Err = &settingsError{fmt.Errorf("migration_tool.config: %w", tool.Err)}
		return s
	default:
		s.Err = errNotConfigured
	}
	if fromTool != nil {
		s.Endpoint.Password = fromTool.Password
	}
	return s
}

// readSecrets reads the password that the configuration says, and touches the TLS files, which the login reads: it must not be that
// which finds out that their file system hangs.
func (s *System) readSecrets(ctx context.Context, m *config.Migration, o gatherOptions) {
	if s.Err != nil {
		return
	}
	type secret struct {
		password config.Secret
		said     bool
	}
	read, err := answered(ctx, o.flights, flight{m.Name, s.Name + " secrets"}, o.statementTimeout, func() (secret, error) {
		if t := s.Endpoint.TLS; t != nil {
			for _, path := range []string{t.CAFile, t.CertFile, t.KeyFile} {
				_, _ = os.Stat(path) // what is wrong with it is for the login to tell
			}
		}
		password, said, err := readPassword(&s.Config.Database)
		return secret{password, said}, err
	})
	switch {
	case errors.Is(err, errHangs):
		s.Err = &settingsError{fmt.Errorf("password_file or a file of tls: %w", err)}
	case err != nil:
		s.Err = &settingsError{err}
	case read.said:
		s.Endpoint.Password = read.password
	}
}

// endpoint merges field by field, apart from the address, which is one thing.
func endpoint(d *config.Database, fromTool *toolconfig.Database) database.Endpoint {
	e := database.Endpoint{Host: d.Host, Port: d.Port, Socket: d.Socket, Name: d.Name, User: d.User}
	if d.TLS != nil {
		e.TLS = &database.TLS{CAFile: d.TLS.CAFile, CertFile: d.TLS.CertFile, KeyFile: d.TLS.KeyFile, ServerName: d.TLS.ServerName, InsecureSkipVerify: d.TLS.InsecureSkipVerify}
	}
	if fromTool == nil {
		return e
	}
	e.Name, e.User = cmp.Or(e.Name, fromTool.Name), cmp.Or(e.User, fromTool.User)
	if d.Host == "" {
		a := fromTool.Address
		switch {
		case a.DefaultSocket:
			e.Host = "localhost"
		case a.Socket != "":
			e.Socket = cmp.Or(e.Socket, a.Socket)
		default:
			e.Host, e.Port = a.Host, cmp.Or(e.Port, a.Port)
		}
	}
	if e.TLS == nil && fromTool.TLS {
		e.TLS = &database.TLS{CAFile: fromTool.SSLCA, CertFile: fromTool.SSLCert, KeyFile: fromTool.SSLKey}
	}
	return e
}

// maxSecretFile is far above any password.
const maxSecretFile = 64 << 10

// readPassword reads the password again at each evaluation, so that a rotated one is used at once. One newline at a file's end is the
// editor's, not the password's.
func readPassword(d *config.Database) (password config.Secret, said bool, err error) {
	switch {
	case d.Password != nil:
		return *d.Password, true, nil
	case d.PasswordEnv != "":
		value, ok := os.LookupEnv(d.PasswordEnv)
		if !ok {
			return "", true, fmt.Errorf("password_env: the environment has no variable %s", d.PasswordEnv)
		}
		return config.Secret(value), true, nil
	case d.PasswordFile != "":
		info, err := os.Stat(d.PasswordFile)
		if err != nil {
			return "", true, fmt.Errorf("password_file: %w", err)
		}
		if !info.Mode().IsRegular() || info.Size() > maxSecretFile {
			return "", true, fmt.Errorf("password_file: %s is not a file of at most %d KiB", d.PasswordFile, maxSecretFile>>10)
		}
		data, err := os.ReadFile(d.PasswordFile)
		if err != nil {
			return "", true, fmt.Errorf("password_file: %w", err)
		}
		return config.Secret(strings.TrimSuffix(strings.TrimSuffix(string(data), "\n"), "\r")), true, nil
	}
	return "", false, nil
}

func (s *System) connect(ctx context.Context) {
	if s.Err != nil {
		return
	}
	s.Session, s.Err = database.Open(ctx, s.Endpoint, database.Options{StatementTimeout: s.statementTimeout, Logger: s.logger})
}

// openProbing logs in once more, for what must not share a session.
func (s *System) openProbing(ctx context.Context) (*database.Session, error) {
	return database.Open(ctx, s.Endpoint, database.Options{StatementTimeout: s.statementTimeout, Probing: true, Logger: s.logger})
}

// table returns the quoted name of one of Magento's tables.
func (s *System) table(name string) string { return database.Quote(s.Prefix + name) }

// label is what people call the system.
func (s *System) label() string {
	if s.Name == magento1 {
		return "Magento 1"
	}
	return "Magento 2"
}

// unseen says that what needs this database cannot be told. It is true when that is so.
func (s *System) unseen(v *Verdict) bool {
	switch {
	case s.Err == nil:
		return false
	case errors.Is(s.Err, errNotConfigured):
		v.unknown("", s.label()+"'s database is not configured", "", s.configureRemedy())
	default:
		v.unknown("", s.label()+"'s database cannot be read", s.Err.Error(), "See the precondition network, which says why and how to mend it.")
	}
	return true
}

func (s *System) configureRemedy() string {
	return fmt.Sprintf("Name the tool's config.xml under migration_tool.config, or set %s.database (host, name, user, password_file).", s.Name)
}

// broken says that a statement failed on a database that was reached.
func (s *System) broken(v *Verdict, subject string, err error) {
	summary, remedy := s.statementFault(err)
	v.unknown(subject, summary, err.Error(), remedy)
}

// statementFault names a failed statement and says who mends it how.
func (s *System) statementFault(err error) (summary, remedy string) {
	switch database.CauseOf(err) {
	case database.Timeout, database.Lost:
		return s.label() + "'s database stopped answering", "Look at the server's load and at SHOW PROCESSLIST; the next evaluation tries again."
	case database.DiskFull:
		return "the disk of " + s.label() + "'s server is full", "Make room where its temporary files and its data lie (SELECT @@tmpdir, @@datadir; then df -h there): the tool's writes would fail too."
	case database.TableDamaged:
		return "a table of " + s.label() + " is damaged", "Copy its files away, then mend the table that the message names, or restore it from a backup if it is InnoDB's:\nCHECK TABLE <table>; REPAIR TABLE <table>"
	}
	switch database.Number(err) {
	case 1142, 1143:
		return "the account may not read " + s.label() + "'s tables", "Grant it SELECT; the precondition privileges has the exact statement."
	case 1146:
		return s.label() + " lacks a table", "Check the database name and table_prefix; the precondition m2_installed says more about Magento 2."
	case 1205:
		return "a table of " + s.label() + " is locked", "Find who holds the lock with SHOW PROCESSLIST; the next evaluation tries again."
	}
	return "reading " + s.label() + "'s database failed", "Look at the server's error log; the next evaluation tries again."
}
