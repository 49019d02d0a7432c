package evidence

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"magento_migration_exporter/collector/database"
	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/collector/privilege"
	"magento_migration_exporter/config"
	"magento_migration_exporter/config/shell"
	"magento_migration_exporter/config/sourcefile"
	"magento_migration_exporter/config/toolconfig"
)

// System is one of the two shops during one evaluation.
type System struct {
	Name     finding.System
	Config   *config.System
	Endpoint database.Endpoint
	Prefix   string
	// Session is nil when Err is not.
	Session *database.Session
	// Err is why the database cannot be looked at: ErrNotConfigured, a *SettingsError or a *database.Fault.
	Err error

	migration        *config.Migration
	statementTimeout time.Duration
	logger           *slog.Logger

	observe     sync.Once
	observation privilege.Observation
	observeErr  error
}

// ErrNotConfigured is the error of a system without a database.
var ErrNotConfigured = errors.New("no database is configured")

// SettingsError is a fault in what the configuration refers to, for example a password file that does not exist.
type SettingsError struct{ err error }

// Error implements error.
func (e *SettingsError) Error() string { return e.err.Error() }

// Unwrap implements errors.Unwrap.
func (e *SettingsError) Unwrap() error { return e.err }

// newSystem combines the configuration and the tool's config.xml; the configuration wins.
func newSystem(name finding.System, m *config.Migration, c *config.System, tool Tool, o Options) *System {
	s := &System{
		Name: name, Config: c, Prefix: tool.prefix(name),
		migration: m, statementTimeout: o.StatementTimeout, logger: o.Logger,
	}
	if c.Database.TablePrefix != nil {
		s.Prefix = *c.Database.TablePrefix
	}
	fromTool := tool.database(name)
	s.Endpoint = endpoint(&c.Database, fromTool)
	switch {
	case s.Endpoint.Name != "" && (s.Endpoint.Host != "" || s.Endpoint.Socket != ""):
	case tool.Err != nil:
		s.Err = &SettingsError{fmt.Errorf("migration_tool.config: %w", tool.Err)}
		return s
	default:
		s.Err = ErrNotConfigured
	}
	if fromTool != nil {
		s.Endpoint.Password = fromTool.Password
	}
	return s
}

// secret is a password, and whether the configuration has one.
type secret struct {
	password   config.Secret
	configured bool
}

// readSecrets reads the configured password. It also touches the TLS files, which the login reads later: the login has
// no guard against a file system that hangs.
func (s *System) readSecrets(ctx context.Context, o Options) {
	if s.Err != nil {
		return
	}
	flight := Flight{s.migration.Name, string(s.Name) + " secrets"}
	read, err := answered(ctx, o.Flights, flight, o.StatementTimeout, func() (secret, error) {
		if t := s.Endpoint.TLS; t != nil {
			for _, path := range []string{t.CAFile, t.CertFile, t.KeyFile} {
				_, _ = os.Stat(path) // the login reports what is wrong with it
			}
		}
		return readPassword(&s.Config.Database)
	})
	switch {
	case errors.Is(err, ErrHangs):
		s.Err = &SettingsError{fmt.Errorf("password_file or a file of tls: %w", err)}
	case err != nil:
		s.Err = &SettingsError{err}
	case read.configured:
		s.Endpoint.Password = read.password
	}
}

// endpoint merges field by field; only the address is taken as a whole.
func endpoint(d *config.Database, fromTool *toolconfig.Database) database.Endpoint {
	e := database.Endpoint{Host: d.Host, Port: d.Port, Socket: d.Socket, Name: d.Name, User: d.User}
	if d.TLS != nil {
		e.TLS = &database.TLS{
			CAFile: d.TLS.CAFile, CertFile: d.TLS.CertFile, KeyFile: d.TLS.KeyFile,
			ServerName: d.TLS.ServerName, InsecureSkipVerify: d.TLS.InsecureSkipVerify,
		}
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

// maxSecretFile is far above any password, in bytes.
const maxSecretFile = 64 << 10

// readPassword reads the password again at each evaluation: a new one is used at once. One newline at a file's end does
// not belong to the password.
func readPassword(d *config.Database) (secret, error) {
	switch {
	case d.Password != nil:
		return secret{*d.Password, true}, nil
	case d.PasswordEnv != "":
		value, ok := os.LookupEnv(d.PasswordEnv)
		if !ok {
			return secret{}, fmt.Errorf("password_env: the environment has no variable %s", d.PasswordEnv)
		}
		return secret{config.Secret(value), true}, nil
	case d.PasswordFile != "":
		data, err := sourcefile.Read(d.PasswordFile, maxSecretFile)
		if err != nil {
			return secret{}, fmt.Errorf("password_file: %w", err)
		}
		text := strings.TrimSuffix(strings.TrimSuffix(string(data), "\n"), "\r")
		return secret{config.Secret(text), true}, nil
	}
	return secret{}, nil
}

func (s *System) connect(ctx context.Context) {
	if s.Err == nil {
		s.Session, s.Err = s.open(ctx, database.Options{})
	}
}

// open logs in with a new session.
func (s *System) open(ctx context.Context, o database.Options) (*database.Session, error) {
	o.StatementTimeout, o.Logger = s.statementTimeout, s.logger
	return database.Open(ctx, s.Endpoint, o)
}

// Table returns the quoted name of one of Magento's tables.
func (s *System) Table(name string) string { return database.Quote(s.Prefix + name) }

// Label is the system's name for people.
func (s *System) Label() string { return s.Name.Label() }

// Key is the path of one of this system's settings from the configuration's root.
func (s *System) Key(path string) string { return s.migration.Key(string(s.Name) + "." + path) }

// Unreachable reports whether the database cannot be read. If so, it adds an unknown finding that says why.
func (s *System) Unreachable(v *finding.Verdict) bool {
	switch {
	case s.Err == nil:
		return false
	case errors.Is(s.Err, ErrNotConfigured):
		v.Unknown("", s.Label()+"'s database is not configured", "", s.ConfigureRemedy())
	default:
		v.Unknown("", s.Label()+"'s database cannot be read", s.Err.Error(),
			"See the precondition network, which says why and how to fix it.")
	}
	return true
}

// ConfigureRemedy says how to configure the database.
func (s *System) ConfigureRemedy() string {
	return fmt.Sprintf("Name the tool's config.xml in %s, or set %s (host, name, user, password_file).",
		s.migration.Key("migration_tool.config"), s.Key("database"))
}

// Broken adds that a statement failed on a database that can be reached.
func (s *System) Broken(v *finding.Verdict, subject string, err error) {
	summary, remedy := s.StatementFault(err)
	v.Unknown(subject, summary, err.Error(), remedy)
}

// StatementFault says why a statement failed and how to fix it.
func (s *System) StatementFault(err error) (summary, remedy string) {
	advice := database.AdviseStatement(err, s.Endpoint, s.Naming())
	return advice.Summary, advice.Remedy
}

// Naming is how advice names the database and its settings.
func (s *System) Naming() database.Naming {
	n := database.Naming{
		Database: s.Label() + "'s database",
		Setting:  func(key string) string { return s.Key("database." + key) },
		Client:   s.ClientCommand(),
	}
	if s.Session != nil {
		n.Account = s.Session.CurrentUser
	}
	return n
}

// ClientCommand is how a person tries the same login.
func (s *System) ClientCommand() string { return "mysql " + s.ClientOptions() }

// ClientOptions are the login and the database for the command line of MySQL's client programs.
func (s *System) ClientOptions() string {
	user := "--user=" + shell.Word(s.Endpoint.User)
	network, address, err := s.Endpoint.Address()
	switch {
	case err != nil:
		return "--host=localhost " + user + " --password"
	case network == "unix":
		return "--socket=" + shell.Word(address) + " " + user + " --password " + shell.Word(s.Endpoint.Name)
	}
	port := cmp.Or(s.Endpoint.Port, database.DefaultPort)
	return fmt.Sprintf("--host=%s --port=%d %s --password %s",
		shell.Word(s.Endpoint.Host), port, user, shell.Word(s.Endpoint.Name))
}
