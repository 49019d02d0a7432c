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
	// now is when the evaluation began.
	now    time.Time
	logins *Logins
	// refused is kept from one evaluation to the next.
	refused *database.RefusedSettings
	memory  *Memory
	// tlsFiles are the sizes and times of TLS's files.
	tlsFiles string

	instanceOnce sync.Once
	instance     database.Instance
	instanceErr  error

	settingsOnce sync.Once
	settings     []Setting
	settingsErr  error

	searching searching

	observe     sync.Once
	observation privilege.Observation
	observeErr  error
}

// ErrNotConfigured is the error of a system without a database.
var ErrNotConfigured = errors.New("no database is configured")

// SettingsError is a fault in what the configuration refers to, for example a password file that does not exist.
type SettingsError struct {
	err error
	// remedy is empty for a file that cannot be read.
	remedy string
}

// Error implements error.
func (e *SettingsError) Error() string { return e.err.Error() }

// Unwrap implements errors.Unwrap.
func (e *SettingsError) Unwrap() error { return e.err }

// Remedy says how to fix it.
func (e *SettingsError) Remedy() string {
	if e.remedy != "" {
		return e.remedy
	}
	return fileRemedy(e.err)
}

// newSystem combines the configuration and the tool's config.xml; the configuration wins.
func newSystem(name finding.System, m *config.Migration, c *config.System, tool Tool, o Options) *System {
	s := &System{
		Name: name, Config: c, Prefix: tool.prefix(name),
		migration: m, statementTimeout: o.StatementTimeout, logger: o.Logger,
		now: o.Now, logins: o.Logins, memory: o.Memory,
		searching: searching{turn: make(chan struct{}, 1)},
		refused:   Recall[database.RefusedSettings](o.Memory, string(name)+" refused settings"),
	}
	if c.Database.TablePrefix != nil {
		s.Prefix = *c.Database.TablePrefix
	}
	fromTool := tool.database(name)
	s.Endpoint = endpoint(&c.Database, fromTool)
	switch {
	case s.Endpoint.Name != "" && (s.Endpoint.Host != "" || s.Endpoint.Socket != ""):
	case tool.Err != nil:
		s.Err = &SettingsError{err: fmt.Errorf("migration_tool.config: %w", tool.Err)}
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
	// tlsFiles are the sizes and times of TLS's files.
	tlsFiles string
}

// readSecrets reads the configured password. It also touches the TLS files, which the login reads later: the login has
// no guard against a file system that hangs.
func (s *System) readSecrets(ctx context.Context, o Options) {
	if s.Err != nil {
		return
	}
	flight := Flight{s.migration.Name, string(s.Name) + " secrets"}
	read, err := answered(ctx, o.Flights, flight, o.StatementTimeout, func() (secret, error) {
		read, err := readPassword(&s.Config.Database)
		read.tlsFiles = stampsOf(s.Endpoint.TLS)
		return read, err
	})
	s.tlsFiles = read.tlsFiles
	switch {
	case errors.Is(err, ErrHangs):
		s.Err = &SettingsError{err: fmt.Errorf("password_file or a file of tls: %w", err)}
	case errors.Is(err, errNoVariable):
		s.Err = &SettingsError{err: err, remedy: "Start the exporter with this variable in its environment (of a " +
			"unit: Environment= or EnvironmentFile=), or set " + s.Key("database.password_file") + " in its place."}
	case err != nil:
		s.Err = &SettingsError{err: err}
	case read.configured:
		s.Endpoint.Password = read.password
	}
}

// stampsOf returns the sizes and times of TLS's files. The login reports what is wrong with one.
func stampsOf(t *database.TLS) string {
	var stamps strings.Builder
	if t != nil {
		for _, path := range []string{t.CAFile, t.CertFile, t.KeyFile} {
			if info, err := os.Stat(path); err == nil {
				fmt.Fprintf(&stamps, "%d %s\n", info.Size(), info.ModTime())
			}
		}
	}
	return stamps.String()
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

var errNoVariable = errors.New("the environment has no variable")

// maxSecretFile is far above any password, in bytes.
const maxSecretFile = 64 << 10

// readPassword reads the password again at each evaluation: a new one is used at once. One newline at a file's end does
// not belong to the password.
func readPassword(d *config.Database) (secret, error) {
	switch {
	case d.Password != nil:
		return secret{password: *d.Password, configured: true}, nil
	case d.PasswordEnv != "":
		value, ok := os.LookupEnv(d.PasswordEnv)
		if !ok {
			return secret{}, fmt.Errorf("password_env: %w %s", errNoVariable, d.PasswordEnv)
		}
		return secret{password: config.Secret(value), configured: true}, nil
	case d.PasswordFile != "":
		data, err := sourcefile.Read(d.PasswordFile, maxSecretFile)
		if err != nil {
			return secret{}, fmt.Errorf("password_file: %w", err)
		}
		text := strings.TrimSuffix(strings.TrimSuffix(string(data), "\n"), "\r")
		return secret{password: config.Secret(text), configured: true}, nil
	}
	return secret{}, nil
}

func (s *System) connect(ctx context.Context) {
	if s.Err != nil {
		return
	}
	last, present := Recall[credential](s.memory, string(s.Name)+" login"), s.credential()
	s.logins.change(s.now, *last, present)
	*last = present
	s.Session, s.Err = s.open(ctx, database.Options{})
}

// open logs in with a new session, unless the login has to wait; see Logins.
func (s *System) open(ctx context.Context, o database.Options) (*database.Session, error) {
	o.StatementTimeout, o.Logger, o.Refused = s.statementTimeout, s.logger, s.refused
	return s.logins.open(ctx, s.now, s.credential(), func() (*database.Session, error) {
		return database.Open(ctx, s.Endpoint, o)
	})
}

// credential is what the server decides on this system's login by.
func (s *System) credential() credential {
	c := credential{endpoint: s.Endpoint, files: s.tlsFiles}
	if t := s.Endpoint.TLS; t != nil {
		c.tls = *t
	}
	c.endpoint.Name, c.endpoint.TLS = "", nil
	return c
}

// Instance says what the session is on, asked once an evaluation.
func (s *System) Instance(ctx context.Context) (database.Instance, error) {
	s.instanceOnce.Do(func() { s.instance, s.instanceErr = s.Session.Instance(ctx) })
	return s.instance, s.instanceErr
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

// SystemOf returns the system whose server an error is of: Magento 1, unless the error is a *database.SideError of
// Magento 2.
func (e *Evidence) SystemOf(err error) *System {
	if side, ok := errors.AsType[*database.SideError](err); ok {
		return e.Systems()[side.Side]
	}
	return e.Magento1
}

// Broken adds that a statement failed on a database that can be reached.
func (s *System) Broken(v *finding.Verdict, subject string, err error) {
	summary, remedy := s.StatementFault(err)
	v.Unknown(subject, summary, err.Error(), remedy)
}

// StatementFault says why a statement failed and how to fix it.
func (s *System) StatementFault(err error) (summary, remedy string) {
	advice := database.AdviseStatement(err, s.Endpoint, s.Naming())
	return advice.Summary, advice.Remedy + nextLogin(err)
}

// LoginFault says why the login failed, how to fix it, and when it is tried again.
func (s *System) LoginFault() (summary, remedy string) {
	advice := database.Advise(s.Err, s.Endpoint, s.Naming())
	return advice.Summary, advice.Remedy + nextLogin(s.Err)
}

// nextLogin says when a login that was denied is tried again, on lines of its own. It is empty for another error.
func nextLogin(err error) string {
	denied, ok := errors.AsType[*DeniedLogin](err)
	switch {
	case !ok:
		return ""
	case denied.Next.IsZero():
		return "\nThe next evaluation tries this login once more. After that it is tried once an hour, because " +
			"wrong passwords can lock the account."
	}
	return fmt.Sprintf("\nWrong passwords can lock the account, so this login, last tried at %s, is not tried again "+
		"before %s. The first evaluation after a change of the password, the host or the configuration tries it at "+
		"once, and so does one after a reload:\nkill -HUP $(pidof magento_migration_exporter)",
		denied.Tried.UTC().Format(clockTime), denied.Next.UTC().Format(clockTime))
}

// clockTime is how findings write a moment that is less than some hours away.
const clockTime = "15:04:05 UTC"

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
