package database

import (
	"context"
	"crypto/tls"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/go-sql-driver/mysql"
)

// Options says how a session is opened.
type Options struct {
	// StatementTimeout limits each statement, on the server and here. It also limits the login.
	StatementTimeout time.Duration
	// Probing leaves out READ ONLY and the choice of a database: the missing-table probe needs a plain session.
	Probing bool
	// Refused remembers what the server does not let the account set; nil for a session without predecessors.
	Refused *RefusedSettings
	Logger  *slog.Logger
}

// Session is one connection. Its methods may be called from several goroutines, which then wait for each other.
type Session struct {
	Version Version
	// VersionText is what SELECT VERSION() says.
	VersionText string
	// User is USER(), who came; CurrentUser is CURRENT_USER(), whose account the server took.
	User, CurrentUser string
	Timing            Timing

	endpoint Endpoint
	options  Options
	db       *sql.DB
	id       uint64
	// killTimeout is the constant of that name.
	killTimeout time.Duration

	mu   sync.Mutex
	conn *sql.Conn
	lost error
}

// Open logs in without a default database and then chooses it, so that an account that may not use the database, a
// database that does not exist and a network fault are distinguished. The error is a *Fault.
func Open(ctx context.Context, e Endpoint, o Options) (*Session, error) {
	s := &Session{endpoint: e, options: o, killTimeout: killTimeout}
	network, address, err := e.Address()
	if err != nil {
		return nil, err
	}
	doing := fmt.Sprintf("logging in to %s as %s", address, e.User)
	connector, err := s.connector(network, address, &s.Timing, o.StatementTimeout)
	if err != nil {
		return nil, fault(err, "%s", doing)
	}
	s.db = sql.OpenDB(connector)
	s.db.SetMaxOpenConns(1)
	ctx, cancel := context.WithTimeout(ctx, o.StatementTimeout)
	defer cancel()
	start := time.Now()
	s.conn, err = s.db.Conn(ctx)
	if err == nil {
		err = s.greet(ctx)
	}
	if err != nil {
		return nil, errors.Join(fault(deadlineFirst(ctx, err), "%s", doing), s.Close())
	}
	s.Timing.Login = time.Since(start) - s.Timing.Resolve - s.Timing.Connect
	if o.Probing {
		return s, nil
	}
	if err := s.setUp(ctx, "USE "+Quote(e.Name)); err != nil {
		err = deadlineFirst(ctx, err)
		doing = fmt.Sprintf("using database %s on %s as %s", Quote(e.Name), address, e.User)
		return nil, errors.Join(&Fault{Cause: CauseOf(err), Doing: doing, Account: s.CurrentUser, Err: err}, s.Close())
	}
	return s, nil
}

// deadlineFirst names the deadline where the driver only says that the connection is invalid.
func deadlineFirst(ctx context.Context, err error) error {
	if ctxErr := ctx.Err(); ctxErr != nil && !errors.Is(err, ctxErr) && Number(err) == 0 {
		return fmt.Errorf("%w (%w)", ctxErr, err)
	}
	return err
}

// connector makes logins, each of which notes its times in timing and has its own limit, as each statement has.
func (s *Session) connector(network, address string, timing *Timing, limit time.Duration) (driver.Connector, error) {
	c := mysql.NewConfig()
	c.User, c.Passwd = s.endpoint.User, string(s.endpoint.Password)
	c.Net, c.Addr = network, address
	c.Timeout = limit
	// Longer than the context's deadline, else the driver's "invalid connection" comes first and hides that it was a
	// time-out.
	c.ReadTimeout = limit + 5*time.Second
	c.WriteTimeout = c.ReadTimeout
	c.InterpolateParams = true
	c.Logger = driverLog{s.options.Logger}
	c.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		return dial(ctx, network, address, timing)
	}
	if s.endpoint.TLS != nil {
		tlsConfig, err := s.endpoint.TLS.config(s.endpoint.Host)
		if err != nil {
			return nil, &Fault{Cause: TLSFiles, Doing: "preparing TLS", Err: err}
		}
		tlsConfig.VerifyConnection = func(state tls.ConnectionState) error {
			if len(state.PeerCertificates) > 0 {
				timing.CertificateExpiry = state.PeerCertificates[0].NotAfter
			}
			return nil
		}
		c.TLS = tlsConfig
	}
	logins, err := mysql.NewConnector(c)
	return repeated{logins}, err
}

// repeated logs in again where the driver takes the server's challenge for a malformed packet. MariaDB's challenge for
// ed25519 is 32 random bytes; the driver cuts off the last one where that is zero, and one login of 256 fails.
type repeated struct{ driver.Connector }

// mostLogins is how often a login is tried: four zeros in a row come once in 4 billion logins.
const mostLogins = 4

// Connect implements driver.Connector.
func (r repeated) Connect(ctx context.Context) (driver.Conn, error) {
	for n := 1; ; n++ {
		conn, err := r.Connector.Connect(ctx)
		if n == mostLogins || !errors.Is(err, mysql.ErrMalformPkt) {
			return conn, err
		}
	}
}

// greet asks who is there and sets what the session relies on.
func (s *Session) greet(ctx context.Context) error {
	var comment string
	start := time.Now()
	err := s.conn.QueryRowContext(ctx, "SELECT VERSION(), @@version_comment, USER(), CURRENT_USER(), CONNECTION_ID()").
		Scan(&s.VersionText, &comment, &s.User, &s.CurrentUser, &s.id)
	count(ctx, start)
	if err != nil {
		return err
	}
	// A server that calls its version something else is taken for the oldest one: what it can do is tried.
	s.Version, _ = ParseVersion(s.VersionText, comment)
	return s.set(ctx)
}

// setUp runs one of the statements that belong to the login, whose limit is that of the login.
func (s *Session) setUp(ctx context.Context, statement string) error {
	defer count(ctx, time.Now())
	_, err := s.conn.ExecContext(ctx, statement)
	return err
}

// Close ends the session. It waits for a statement that is running. Closing a lost connection is not an error.
func (s *Session) Close() error {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn != nil {
		_ = s.conn.Close()
	}
	if s.db == nil {
		return nil
	}
	if err := s.db.Close(); s.lost == nil {
		return err
	}
	return nil
}

// Endpoint is what the session was opened with.
func (s *Session) Endpoint() Endpoint { return s.endpoint }

// Exec runs a statement that has no rows.
func (s *Session) Exec(ctx context.Context, statement string, args ...any) error {
	return s.do(ctx, statement, func(ctx context.Context) error {
		_, err := s.conn.ExecContext(ctx, statement, args...)
		return err
	})
}

// Check lets the server check a statement without running it (PREPARE). The statement has no parameters.
func (s *Session) Check(ctx context.Context, statement string) error {
	return s.do(ctx, statement, func(ctx context.Context) error {
		prepared, err := s.conn.PrepareContext(ctx, statement)
		if err != nil {
			return err
		}
		defer prepared.Close()
		return nil
	})
}

// Row reads the first row. Without one the error is [sql.ErrNoRows].
func (s *Session) Row(ctx context.Context, query string, args []any, dest ...any) error {
	return s.do(ctx, query, func(ctx context.Context) error {
		return s.conn.QueryRowContext(ctx, query, args...).Scan(dest...)
	})
}

// Rows calls each for every row. It must not use the session, which is busy until the last row.
func (s *Session) Rows(ctx context.Context, query string, args []any, each func(scan func(...any) error) error) error {
	return s.do(ctx, query, func(ctx context.Context) error {
		rows, err := s.conn.QueryContext(ctx, query, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			if err := each(rows.Scan); err != nil {
				return err
			}
		}
		return rows.Err()
	})
}

// Texts calls each with the columns of every row as texts, NULL as empty. It must not use the session either.
func (s *Session) Texts(ctx context.Context, query string, args []any, width int, each func(row []string)) error {
	return s.Rows(ctx, query, args, func(scan func(...any) error) error {
		values, dest := make([]sql.NullString, width), make([]any, width)
		for i := range values {
			dest[i] = &values[i]
		}
		if err := scan(dest...); err != nil {
			return err
		}
		row := make([]string, width)
		for i, v := range values {
			row[i] = v.String
		}
		each(row)
		return nil
	})
}

// do runs one statement under its limit, and remembers when the connection is lost, so that the next statement fails at
// once.
func (s *Session) do(ctx context.Context, query string, run func(context.Context) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lost != nil {
		return s.lost
	}
	// A little more than the server's own limit, which has the better error.
	limit, cancel := context.WithTimeout(ctx, s.options.StatementTimeout+500*time.Millisecond)
	defer cancel()
	start := time.Now()
	err := run(limit)
	count(ctx, start)
	if err == nil || errors.Is(err, sql.ErrNoRows) {
		return err
	}
	err = fault(deadlineFirst(limit, err), "running %s", abridged(query))
	if Number(err) == ErrNoSuchTable && !s.options.Probing {
		return s.unlessListed(limit, err)
	}
	if cause := CauseOf(err); cause == Lost || cause == Timeout && Number(err) == 0 {
		s.lost = err
		if limit.Err() != nil {
			s.kill(ctx, query)
		}
	}
	return err
}

// abridged keeps log lines and findings readable.
func abridged(query string) string {
	query = strings.Join(strings.Fields(query), " ")
	if r := []rune(query); len(r) > 120 {
		return string(r[:120]) + "…"
	}
	return query
}

// Quote quotes an identifier.
func Quote(identifier string) string { return "`" + strings.ReplaceAll(identifier, "`", "``") + "`" }

// Literal quotes a text as a string of SQL, for a session without NO_BACKSLASH_ESCAPES.
func Literal(text string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `''`).Replace(text) + "'"
}

// Parameters returns placeholders for n values, at least one, with commas between them.
func Parameters(n int) string { return "?" + strings.Repeat(", ?", n-1) }

// EscapeLike makes a text match only itself in LIKE with the default escape character.
func EscapeLike(text string) string {
	return strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(text)
}

// Time reads a time as the server writes it as text. It is zero for a text that is none: empty for NULL, a zero date.
func Time(text string) time.Time {
	t, err := time.Parse(time.DateTime, text)
	if err != nil {
		return time.Time{}
	}
	return t
}

// driverLog takes the driver's own lines, which would otherwise go to standard error.
type driverLog struct{ logger *slog.Logger }

// Print implements mysql.Logger.
func (l driverLog) Print(v ...any) { l.logger.Debug("mysql driver", "message", fmt.Sprint(v...)) }
