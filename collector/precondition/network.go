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
	"magento_migration_exporter/config"
	"magento_migration_exporter/config/toolconfig"
)

// The metric families of network.
const (
	databaseUp      = "database_up"
	connectDuration = "database_connect_duration_seconds"
	databaseInfo    = "database_info"
)

// network checks that the tool's accounts can log in to both databases from this host.
func network() Precondition {
	return Precondition{
		ID: "network", Title: "Network access", Needs: []Need{Magento1Database, Magento2Database},
		Families: []finding.Family{
			{
				Name: databaseUp, Labels: []string{"system"},
				Zero: [][]string{{string(finding.Magento1)}, {string(finding.Magento2)}},
				Help: "Whether the login to the database and its selection worked (1 yes, 0 no).",
			},
			{
				Name: connectDuration, Labels: []string{"system"},
				Help: "How long it took to resolve, connect, log in and select the database.",
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
	v := finding.Verdict{Summary: "both databases answer and accept the tool's accounts"}
	for _, s := range e.Systems() {
		if e.Phase.Phase == config.PhaseDone && s.Name == finding.Magento1 && s.Err != nil {
			continue // Magento 1 may be switched off
		}
		judgeLogin(&v, s)
		if s.Session != nil {
			judgeRoute(ctx, &v, e, s)
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
		t := session.Timing
		v.Note(subject, fmt.Sprintf("%s's database answers: %s", s.Label(), session.Version),
			fmt.Sprintf("%s as %s; resolve %s, connect %s, login %s", session.Endpoint(), session.CurrentUser,
				milliseconds(t.Resolve), milliseconds(t.Connect), milliseconds(t.Login)), "")
	case errors.Is(s.Err, evidence.ErrNotConfigured):
		v.Unknown(subject, s.Label()+"'s database is not configured", "", s.ConfigureRemedy())
	case errors.Is(s.Err, evidence.ErrHangs):
		v.Unknown(subject, "the settings of "+s.Label()+"'s database cannot be read", s.Err.Error(),
			evidence.HangRemedy)
	case errors.As(s.Err, &settings):
		v.Unknown(subject, "the settings of "+s.Label()+"'s database cannot be read", s.Err.Error(),
			"Put the file there, readable for the user that the exporter runs as; the next evaluation reads it again.")
	case errors.As(s.Err, &fault) && fault.Cause == database.TLSFiles:
		v.Unknown(subject, "the TLS files for "+s.Label()+"'s database cannot be read", s.Err.Error(),
			"Put the files there, readable for the user that the exporter runs as; "+
				"the next evaluation reads them again.")
	default:
		summary, remedy := loginFault(s, s.Err)
		v.Fail(subject, summary, s.Err.Error(), remedy)
	}
}

func milliseconds(d time.Duration) string { return d.Round(100 * time.Microsecond).String() }

// loginFault says why a login failed and how to fix it.
func loginFault(s *evidence.System, err error) (summary, remedy string) {
	what := s.Label() + "'s database"
	_, address, _ := s.Endpoint.Address()
	switch database.CauseOf(err) {
	case database.NameNotFound:
		return "the host of " + what + " has no address: " + s.Endpoint.Host,
			"Correct the host, or its DNS record. Check with:\ngetent hosts " + s.Endpoint.Host
	case database.LoginInHost:
		return "the host of " + what + " contains more than a host",
			"Write only the host; database, user and password have their own settings."
	case database.Refused:
		return what + " refuses connections at " + address,
			"Start the server, let it listen there (bind-address, port, skip-networking in my.cnf), " +
				"or open the firewall."
	case database.Timeout:
		return what + " did not answer in time at " + address,
			"Open the port in the firewall between this host and the server. If it is open, the server hangs: " +
				"look at its process list and error log."
	case database.Unreachable:
		return "there is no route to " + what + " at " + address,
			"Fix the network route or the firewall between this host and the server."
	case database.SocketMissing:
		return "there is no Unix socket for " + what,
			"localhost means the Unix socket, as in PHP. Start the server, set " + s.Key("database.socket") +
				" to the socket's path, or use 127.0.0.1 for TCP."
	case database.SocketDenied:
		return "this user may not use the Unix socket of " + what,
			"Give the user that the exporter runs as access to the socket (its folder needs x, the socket rw)."
	case database.TLSFailed:
		return "TLS with " + what + " failed",
			"Check ca_file, server_name and the server's certificate:\n" +
				"openssl s_client -starttls mysql -connect " + address
	case database.TLSRequired:
		return what + " requires TLS",
			"Set " + s.Key("database.tls") + " (an empty mapping is enough for a certificate that this host trusts), " +
				"and ssl_ca, ssl_cert, ssl_key in the tool's config.xml."
	}
	return accountFault(s, err, what)
}

// accountFault is for what the server itself refuses.
func accountFault(s *evidence.System, err error, what string) (summary, remedy string) {
	client, user := s.ClientCommand(), stringLiteral(s.Endpoint.User)
	switch database.CauseOf(err) {
	case database.AccessDenied:
		return what + " denies access to " + s.Endpoint.User,
			"Correct user and password (try: " + client + "). The server gives the same answer when an anonymous " +
				"account (''@'localhost') matches the login, and when the account (REQUIRE SSL) or the server " +
				"(require_secure_transport) requires TLS and " + s.Key("database.tls") + " is not set: " +
				"SELECT user, host FROM mysql.user and SHOW CREATE USER show which."
	case database.HostNotAllowed:
		return what + " has no account for this host",
			"Create an account for this host: CREATE USER " + user + "@'<this host>' IDENTIFIED BY '<password>', " +
				"or widen the host of the existing one."
	case database.HostBlocked:
		return what + " has blocked this host after many failed connections",
			"Run FLUSH HOSTS as an administrator, and find out what fails so often."
	case database.TooManyConnections:
		return what + " has no free connection",
			"Find what uses them with SHOW PROCESSLIST, or raise max_connections; " +
				"the server would refuse the tool too."
	case database.AccountLimit:
		return "the account's limit at " + what + " is reached",
			"Raise it:\nALTER USER " + user + "@'<host>' " +
				"WITH MAX_USER_CONNECTIONS 0 MAX_CONNECTIONS_PER_HOUR 0 MAX_QUERIES_PER_HOUR 0"
	case database.PasswordExpired:
		return "the password of " + s.Endpoint.User + " at " + what + " has expired",
			"Set a new one, and write it where the tool reads it:\n" +
				"ALTER USER " + user + "@'<host>' IDENTIFIED BY '<new password>'"
	case database.AccountLocked:
		return "the account " + s.Endpoint.User + " at " + what + " is locked",
			"ALTER USER " + user + "@'<host>' ACCOUNT UNLOCK"
	case database.AuthPlugin:
		return what + " requires an authentication plugin that is not supported here",
			"Give the account a plugin that PHP's mysqlnd supports: ALTER USER " + user + "@'<host>' " +
				"IDENTIFIED WITH mysql_native_password " +
				"(MariaDB: IDENTIFIED VIA mysql_native_password USING PASSWORD('<password>'))"
	case database.UnknownDatabase:
		return what + " does not exist: " + s.Endpoint.Name,
			"Correct " + s.Key("database.name") + ", or create the database."
	case database.DatabaseDenied:
		return "the account may not use " + what + " " + s.Endpoint.Name + ", or there is none with that name",
			"Correct the name, or grant the privileges that the precondition privileges lists to " +
				accountOf(err) + "."
	case database.Lost:
		return what + " closed the connection during the login",
			"Look at the server's error log; a server that crashes does this, or a proxy before it."
	}
	return "logging in to " + what + " failed",
		"Look at the message and at the server's error log. Try:\n" + client
}

func accountOf(err error) string {
	var fault *database.Fault
	if errors.As(err, &fault) && fault.Account != "" {
		return fault.Account
	}
	return "the account"
}

// judgeRoute looks for settings with which the tool connects in another way than the exporter, or to a wrong server.
func judgeRoute(ctx context.Context, v *finding.Verdict, e *evidence.Evidence, s *evidence.System) {
	subject := string(s.Name)
	if strings.EqualFold(s.Config.Database.Host, "localhost") && s.Config.Database.Port != 0 {
		v.Warn(subject+" port", "a port is set with the host localhost, and PHP ignores it",
			fmt.Sprintf("host localhost, port %d; the Unix socket was used", s.Config.Database.Port),
			"Write 127.0.0.1 if you mean the port; otherwise remove the port.")
	}
	if string(s.Endpoint.Password) == "0" {
		v.Warn(subject+" password", "the tool sends the password 0 as an empty one", "",
			"Give the account another password.")
	}
	if s.Name != finding.Magento1 {
		return
	}
	var name, running string
	err := s.Session.Row(ctx, "SHOW GLOBAL STATUS LIKE 'Slave_running'", nil, &name, &running)
	// From migrate on it is delta_log that fails: one cause is one failure.
	if err == nil && strings.EqualFold(running, "ON") && !e.Phase.Migrated() {
		v.Warn(subject+" replica", "Magento 1's database is a replica", "Slave_running is ON",
			"Configure the live primary: with row-based replication the tool's triggers do not fire on a replica, "+
				"and migrate:delta would find nothing.")
	}
}

// judgeToolDatabase reports settings in config.xml that the tool reads in another way than they look.
func judgeToolDatabase(v *finding.Verdict, tool evidence.Tool, s *evidence.System) {
	subject := map[finding.System]string{finding.Magento1: "source", finding.Magento2: "destination"}[s.Name]
	if tool.Config == nil {
		return
	}
	for _, p := range tool.Config.Problems {
		if p.Subject == subject && p.Severity != toolconfig.Refused {
			v.Warn(string(s.Name)+" config.xml",
				"the tool misunderstands its configuration of "+s.Label()+"'s database",
				fmt.Sprintf("%s:%d:%d: %s", tool.Path, p.Place.Line, p.Place.Column, p.Text),
				"Correct <"+subject+"> in "+tool.Path+".")
		}
	}
}

// stringLiteral quotes a text for SQL.
func stringLiteral(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `''`).Replace(s) + "'"
}
