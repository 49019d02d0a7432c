package collector

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"magento_migration_exporter/collector/backup"
	"magento_migration_exporter/collector/database"
	"magento_migration_exporter/collector/privilege"
	"magento_migration_exporter/config"
)

// Evidence is what the preconditions of one migration look at during one evaluation.
type Evidence struct {
	Migration *config.Migration
	// Now is when the evaluation began.
	Now                time.Time
	Magento1, Magento2 *System
	Phase              PhaseEvidence
	Backups            *backup.Reader
}

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

// gather logs in to both databases at once, so that one that hangs does not cost the other its time.
func gather(ctx context.Context, m *config.Migration, o gatherOptions) *Evidence {
	e := &Evidence{Migration: m, Now: o.now, Backups: o.backups}
	e.Magento1 = newSystem(magento1, &m.Magento1, o)
	e.Magento2 = newSystem(magento2, &m.Magento2, o)
	var both sync.WaitGroup
	for _, s := range []*System{e.Magento1, e.Magento2} {
		both.Go(func() { s.connect(ctx) })
	}
	both.Wait()
	e.Phase = findPhase(ctx, e)
	return e
}

// gatherOptions is what does not come from the migration's own configuration.
type gatherOptions struct {
	now              time.Time
	statementTimeout time.Duration
	backups          *backup.Reader
	logger           *slog.Logger
}

// Close ends the sessions.
func (e *Evidence) Close() {
	for _, s := range []*System{e.Magento1, e.Magento2} {
		if err := s.Session.Close(); err != nil {
			s.logger.Debug("closing a session failed", "system", s.Name, "err", err)
		}
	}
}

// System returns the system of that name.
func (e *Evidence) System(name string) *System {
	if name == magento1 {
		return e.Magento1
	}
	return e.Magento2
}

func newSystem(name string, c *config.System, o gatherOptions) *System {
	s := &System{Name: name, Config: c, statementTimeout: o.statementTimeout, logger: o.logger}
	d := &c.Database
	s.Endpoint = database.Endpoint{Host: d.Host, Port: d.Port, Socket: d.Socket, Name: d.Name, User: d.User}
	if d.TablePrefix != nil {
		s.Prefix = *d.TablePrefix
	}
	if d.TLS != nil {
		s.Endpoint.TLS = &database.TLS{CAFile: d.TLS.CAFile, CertFile: d.TLS.CertFile, KeyFile: d.TLS.KeyFile, ServerName: d.TLS.ServerName, InsecureSkipVerify: d.TLS.InsecureSkipVerify}
	}
	if d.Host == "" && d.Socket == "" || d.Name == "" {
		s.Err = errNotConfigured
		return s
	}
	password, err := readPassword(d)
	if err != nil {
		s.Err = &settingsError{err}
		return s
	}
	s.Endpoint.Password = password
	return s
}

// maxSecretFile is far above any password.
const maxSecretFile = 64 << 10

// readPassword reads the password again at each evaluation, so that a rotated one is used at once. One newline at a file's end is the
// editor's, not the password's.
func readPassword(d *config.Database) (config.Secret, error) {
	switch {
	case d.Password != nil:
		return *d.Password, nil
	case d.PasswordEnv != "":
		value, ok := os.LookupEnv(d.PasswordEnv)
		if !ok {
			return "", fmt.Errorf("password_env: the environment has no variable %s", d.PasswordEnv)
		}
		return config.Secret(value), nil
	case d.PasswordFile != "":
		info, err := os.Stat(d.PasswordFile)
		if err != nil {
			return "", fmt.Errorf("password_file: %w", err)
		}
		if !info.Mode().IsRegular() || info.Size() > maxSecretFile {
			return "", fmt.Errorf("password_file: %s is not a file of at most %d KiB", d.PasswordFile, maxSecretFile>>10)
		}
		data, err := os.ReadFile(d.PasswordFile)
		if err != nil {
			return "", fmt.Errorf("password_file: %w", err)
		}
		return config.Secret(strings.TrimSuffix(strings.TrimSuffix(string(data), "\n"), "\r")), nil
	}
	return "", nil
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
	switch database.CauseOf(err) {
	case database.Timeout, database.Lost:
		v.unknown(subject, s.label()+"'s database stopped answering", err.Error(), "Look at the server's load and at SHOW PROCESSLIST; the next evaluation tries again.")
		return
	}
	switch database.Number(err) {
	case 1142, 1143:
		v.unknown(subject, "the account may not read "+s.label()+"'s tables", err.Error(), "Grant it SELECT; the precondition privileges has the exact statement.")
	case 1146:
		v.unknown(subject, s.label()+" lacks a table", err.Error(), "Check the database name and table_prefix; the precondition m2_installed says more about Magento 2.")
	case 1205:
		v.unknown(subject, "a table of "+s.label()+" is locked", err.Error(), "Find who holds the lock with SHOW PROCESSLIST; the next evaluation tries again.")
	default:
		v.unknown(subject, "reading "+s.label()+"'s database failed", err.Error(), "Look at the server's error log; the next evaluation tries again.")
	}
}
