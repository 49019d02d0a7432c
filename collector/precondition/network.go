package precondition

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"magento_migration_exporter/collector/database"
	"magento_migration_exporter/collector/evidence"
	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/config/toolconfig"
)

// The metric families of network.
const (
	databaseUp      = "database_up"
	connectDuration = "database_connect_duration_seconds"
	databaseInfo    = "database_info"
)

// network says whether the tool's accounts can log in to both databases from here.
func network() Precondition {
	return Precondition{
		ID: "network", Title: "The tool reaches both databases", Needs: []Need{Magento1Database, Magento2Database},
		Families: []finding.Family{
			{
				Name: databaseUp, Labels: []string{"system"}, Zero: [][]string{{string(finding.Magento1)}, {string(finding.Magento2)}},
				Help: "Whether the login to the database and its choice worked (1 yes, 0 no).",
			},
			{
				Name: connectDuration, Labels: []string{"system"},
				Help: "How long it took to resolve, connect, log in and choose the database.",
			},
			{
				Name: databaseInfo, Labels: []string{"system", "flavor", "version"},
				Help: "The database server's flavor (mysql or mariadb) and version; always 1.",
			},
		},
		Evaluate: evaluateNetwork,
	}
}

func evaluateNetwork(ctx context.Context, e *evidence.Evidence) finding.Verdict {
	v := finding.Verdict{Summary: "both databases answer and let the tool's accounts in"}
	for _, s := range e.Systems() {
		judgeLogin(&v, s)
		if s.Session != nil {
			judgeRoute(ctx, &v, s)
		}
		judgeToolDatabase(&v, e.Tool, s)
	}
	return v
}

func judgeLogin(v *finding.Verdict, s *evidence.System) {
	subject := string(s.Name)
	var settings *evidence.SettingsError
	var fault *database.Fault
	switch {
	case s.Err == nil:
		session := s.Session
		v.Sample(databaseUp, 1, subject)
		v.Sample(connectDuration, session.Timing.Total().Seconds(), subject)
		v.Sample(databaseInfo, 1, subject, string(session.Version.Flavor), session.Version.Number())
		v.Note(
			subject,
			fmt.Sprintf("%s's database answers: %s", s.Label(), session.Version),
			fmt.Sprintf(
				"%s as %s; resolved in %s, connected in %s, logged in in %s",
				session.Endpoint(),
				session.CurrentUser,
				milliseconds(
					session.Timing.Resolve,
				),
				milliseconds(session.Timing.Connect),
				milliseconds(session.Timing.Login),
			),
			"",
		)
	case errors.Is(s.Err, evidence.ErrNotConfigured):
		v.Unknown(subject, s.Label()+"'s database is not configured", "", s.ConfigureRemedy())
	case errors.Is(s.Err, evidence.ErrHangs):
		v.Unknown(
			subject,
			"the settings of "+s.Label()+"'s database cannot be read",
			s.Err.Error(),
			evidence.HangRemedy,
		)
	case errors.As(s.Err, &settings):
		v.Unknown(
			subject,
			"the settings of "+s.Label()+"'s database cannot be read",
			s.Err.Error(),
			"Put the file there, readable for the user that the exporter runs as; it is read again at the next evaluation.",
		)
	case errors.As(s.Err, &fault) && fault.Cause == database.TLSFiles:
		v.Unknown(
			subject,
			"the TLS files for "+s.Label()+"'s database cannot be read",
			s.Err.Error(),
			"Put the files there, readable for the user that the exporter runs as; they are read again at the next evaluation.",
		)
	default:
		summary, remedy := loginFault(s, s.Err)
		v.Fail(subject, summary, s.Err.Error(), remedy)
	}
}

func milliseconds(d time.Duration) string { return d.Round(100 * time.Microsecond).String() }

// loginFault names a failed login and says who mends it how.
func loginFault(s *evidence.System, err error) (summary, remedy string) {
	what := s.Label() + "'s database"
	_, address, _ := s.Endpoint.Address()
	client := s.ClientCommand()
	switch database.CauseOf(err) {
	case database.NameNotFound:
		return fmt.Sprintf(
			"the host of %s has no address: %s",
			what,
			s.Endpoint.Host,
		), "Correct the host, or its DNS record. Check with:\ngetent hosts " + s.Endpoint.Host
	case database.LoginInHost:
		return "the host of " + what + " holds more than a host", "Write the host alone; database, user and password have a place of their own beside it."
	case database.Refused:
		return what + " refuses connections at " + address, "Start the server, let it listen there (bind-address, port, skip-networking in my.cnf), or open the firewall."
	case database.Timeout:
		return what + " did not answer in time at " + address, "Open the port in the firewall between this host and the server; if it is open, the server hangs: look at its process list and error log."
	case database.Unreachable:
		return "there is no route to " + what + " at " + address, "Mend the network route or the firewall between this host and the server."
	case database.SocketMissing:
		return "there is no Unix socket for " + what, "localhost means the Unix socket, as in PHP. Start the server, set " + s.Key(
			"database.socket",
		) + " to where it is, or use 127.0.0.1 for TCP."
	case database.SocketDenied:
		return "the Unix socket of " + what + " may not be used by this user", "Let the user that the exporter runs as reach the socket (its folder needs x, the socket rw)."
	case database.TLSFailed:
		return "TLS with " + what + " failed", "Check ca_file, server_name and the server's certificate:\nopenssl s_client -starttls mysql -connect " + address
	case database.TLSRequired:
		return what + " demands TLS", fmt.Sprintf(
			"Set %s (an empty mapping is enough for a certificate that this host trusts), and ssl_ca, ssl_cert, ssl_key in the tool's config.xml.",
			s.Key("database.tls"),
		)
	}
	return accountFault(s, err, what, client)
}

// accountFault is for what the server itself refuses.
func accountFault(s *evidence.System, err error, what, client string) (summary, remedy string) {
	switch database.CauseOf(err) {
	case database.AccessDenied:
		return what + " denies access to " + s.Endpoint.User, "Correct user and password (try: " + client + "). The server answers the same when an anonymous account (''@'localhost') catches the login, and when the account (REQUIRE SSL) or the server (require_secure_transport) demands TLS and " + s.Key(
			"database.tls",
		) + " is not set: SELECT user, host FROM mysql.user and SHOW CREATE USER tell."
	case database.HostNotAllowed:
		return what + " lets no account in from this host", "Make an account for this host: CREATE USER " + stringLiteral(
			s.Endpoint.User,
		) + "@'<this host>' IDENTIFIED BY '<password>', or widen the host of the existing one."
	case database.HostBlocked:
		return what + " has blocked this host after many failed connections", "Run FLUSH HOSTS as an administrator, and find out what fails so often."
	case database.TooManyConnections:
		return what + " has no connection left", "Find what holds them with SHOW PROCESSLIST, or raise max_connections; the tool would be refused too."
	case database.AccountLimit:
		return "the account's limit at " + what + " is reached", "Raise it:\nALTER USER " + stringLiteral(
			s.Endpoint.User,
		) + "@'<host>' WITH MAX_USER_CONNECTIONS 0 MAX_CONNECTIONS_PER_HOUR 0 MAX_QUERIES_PER_HOUR 0"
	case database.PasswordExpired:
		return "the password of " + s.Endpoint.User + " at " + what + " has expired", "Set a new one and write it down where the tool reads it:\nALTER USER " + stringLiteral(
			s.Endpoint.User,
		) + "@'<host>' IDENTIFIED BY '<new password>'"
	case database.AccountLocked:
		return "the account " + s.Endpoint.User + " at " + what + " is locked", "ALTER USER " + stringLiteral(
			s.Endpoint.User,
		) + "@'<host>' ACCOUNT UNLOCK"
	case database.AuthPlugin:
		return what + " wants a login method that cannot be used here", "Give the account a method that PHP's mysqlnd knows: ALTER USER " + stringLiteral(
			s.Endpoint.User,
		) + "@'<host>' IDENTIFIED WITH mysql_native_password (MariaDB: IDENTIFIED VIA mysql_native_password USING PASSWORD('<password>'))"
	case database.UnknownDatabase:
		return what + " does not exist: " + s.Endpoint.Name, "Correct " + s.Key(
			"database.name",
		) + ", or create the database."
	case database.DatabaseDenied:
		return "the account may not use " + what + " " + s.Endpoint.Name + ", or there is none of that name", "Correct the name, or grant the privileges that the precondition privileges names to " + accountOf(
			err,
		) + "."
	case database.Lost:
		return what + " closed the connection during the login", "Look at the server's error log; a server that crashes or a proxy in between does this."
	}
	return "logging in to " + what + " failed", "Look at the message and at the server's error log. Try:\n" + client
}

func accountOf(err error) string {
	var fault *database.Fault
	if errors.As(err, &fault) && fault.Account != "" {
		return fault.Account
	}
	return "the account"
}

// judgeRoute looks at what makes the tool take another way than the exporter, or end at another server than was meant.
func judgeRoute(ctx context.Context, v *finding.Verdict, s *evidence.System) {
	subject := string(s.Name)
	if strings.EqualFold(s.Config.Database.Host, "localhost") && s.Config.Database.Port != 0 {
		v.Warn(subject+" port", "a port is set beside localhost, which PHP ignores",
			fmt.Sprintf("host localhost, port %d; the Unix socket was used", s.Config.Database.Port),
			"Write 127.0.0.1 if the port is meant, or leave the port out.")
	}
	if string(s.Endpoint.Password) == "0" {
		v.Warn(
			subject+" password",
			"the tool sends the password 0 as an empty one",
			"",
			"Give the account another password.",
		)
	}
	if s.Name != finding.Magento1 {
		return
	}
	var name, running string
	err := s.Session.Row(ctx, "SHOW GLOBAL STATUS LIKE 'Slave_running'", nil, &name, &running)
	if err == nil && strings.EqualFold(running, "ON") {
		v.Warn(
			subject+" replica",
			"Magento 1's database is a replica",
			"Slave_running is ON",
			"Name the live primary: under row-based replication the tool's triggers do not fire on a replica, and migrate:delta would find nothing.",
		)
	}
}

// judgeToolDatabase says what the tool makes of its config.xml although it looks otherwise.
func judgeToolDatabase(v *finding.Verdict, tool evidence.Tool, s *evidence.System) {
	subject := map[finding.System]string{finding.Magento1: "source", finding.Magento2: "destination"}[s.Name]
	if tool.Config == nil {
		return
	}
	for _, p := range tool.Config.Problems {
		if p.Subject == subject && p.Severity != toolconfig.Refused {
			v.Warn(
				string(s.Name)+" config.xml",
				"the tool misunderstands its configuration of "+s.Label()+"'s database",
				fmt.Sprintf(
					"%s:%d:%d: %s",
					tool.Path,
					p.Place.Line,
					p.Place.Column,
					p.Text,
				),
				"Correct <"+subject+"> in "+tool.Path+".",
			)
		}
	}
}

// stringLiteral quotes a text for SQL.
func stringLiteral(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `''`).Replace(s) + "'"
}
