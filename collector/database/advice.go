package database

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"strings"

	"github.com/go-sql-driver/mysql"
)

// Naming is how advice names a database and the settings of its login.
type Naming struct {
	// Database is what people call it, like "Magento 1's database".
	Database string
	// Setting returns the full name of one of its settings, of which it gets the last part, such as "tls".
	Setting func(key string) string
	// Client is a command line that tries the same login with the mysql client.
	Client string
	// Account is CURRENT_USER() of another session, where there is one; without it the account's host may be unknown.
	Account string
}

// Advice says what is wrong and how it is fixed.
type Advice struct {
	// Summary is one line that begins with a small letter.
	Summary string
	// Remedy has statements, commands and configuration on lines of their own. A statement ends with a semicolon.
	Remedy string
	// Heals is true where the next evaluation may find nothing wrong although nobody did anything.
	Heals bool
}

// Advise returns the advice on an error of Open. What it cannot explain it does not promise to end.
func Advise(err error, e Endpoint, n Naming) Advice {
	a := adviser{err, e, n}
	cause := CauseOf(err)
	for _, part := range []func(Cause) (Advice, bool){
		a.host, a.network, a.socket, a.tls, a.certificate, a.denied, a.account, a.limits, a.database,
	} {
		if advice, ok := part(cause); ok {
			return advice
		}
	}
	return a.other()
}

type adviser struct {
	err error
	e   Endpoint
	n   Naming
}

// lines puts sentences and statements on lines of their own, without the empty ones.
func lines(all ...string) string {
	var kept []string
	for _, line := range all {
		if line != "" {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "\n")
}

func (a adviser) address() string {
	_, address, _ := a.e.Address()
	return cmp.Or(address, "localhost")
}

// serverWords is what the server said, empty where it said nothing.
func serverWords(err error) string {
	if e, ok := errors.AsType[*mysql.MySQLError](err); ok {
		return e.Message
	}
	return ""
}

// other is for what has no advice of its own.
func (a adviser) other() Advice {
	summary := "logging in to " + a.n.Database + " failed"
	if number := Number(a.err); number != 0 {
		summary = fmt.Sprintf("%s with error %d: %s", summary, number, serverWords(a.err))
	}
	return Advice{Summary: summary, Remedy: lines("Look at the message and at the server's error log. Try:",
		a.n.Client)}
}

// host is for hosts that no name server needs to be asked for.
func (a adviser) host(Cause) (Advice, bool) {
	host := a.e.Host
	inner := strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	ip, err := netip.ParseAddr(inner)
	switch {
	case err == nil && ip.Is6() && inner != host:
		return Advice{
			Summary: "the host of " + a.n.Database + " is an IPv6 address in brackets",
			Remedy:  "Write the address without brackets into host, and the port into port.",
		}, true
	case strings.ContainsAny(host, "[]"):
		return Advice{
			Summary: fmt.Sprintf("the host of %s is neither a name nor an address: %q", a.n.Database, host),
			Remedy:  "Write a name or an IPv4 address into host: the tool splits an IPv6 address at its colons.",
		}, true
	case strings.ContainsAny(host, " \t\r\n") && !a.e.IsLocal():
		return Advice{
			Summary: fmt.Sprintf("there is white space in the host of %s: %q", a.n.Database, host),
			Remedy:  "Remove the white space: it is taken for a part of the name.",
		}, true
	}
	return Advice{}, false
}

func (a adviser) network(c Cause) (Advice, bool) {
	what, address := a.n.Database, a.address()
	switch c {
	case NameNotFound:
		return Advice{
			Summary: fmt.Sprintf("the host of %s has no address: %s", what, a.e.Host),
			Remedy:  lines("Correct the host, or its DNS record. Check with:", "getent hosts "+a.e.Host),
		}, true
	case LoginInHost:
		return Advice{
			Summary: "the host of " + what + " contains more than a host",
			Remedy:  "Write only the host; database, user and password have their own settings.",
		}, true
	case Refused:
		return Advice{
			Summary: what + " refuses connections at " + address,
			Remedy: "Start the server, let it listen there (bind-address, port, skip-networking in my.cnf), " +
				"or open the firewall.",
		}, true
	case Timeout:
		return Advice{
			Summary: what + " did not answer in time at " + address,
			Remedy: "Open the port in the firewall between this host and the server; if it is open, the server " +
				"hangs: " +
				"look at its process list and error log.",
			Heals: true,
		}, true
	case Unreachable:
		return Advice{
			Summary: "there is no route to " + what + " at " + address,
			Remedy:  "Fix the network route or the firewall between this host and the server.",
		}, true
	case Lost:
		return Advice{
			Summary: what + " closed the connection during the login",
			Remedy:  "Look at the server's error log; a server that crashes or a proxy in between does this.",
			Heals:   true,
		}, true
	}
	return Advice{}, false
}

func (a adviser) socket(c Cause) (Advice, bool) {
	switch c {
	case SocketMissing:
		return Advice{
			Summary: "there is no Unix socket for " + a.n.Database,
			Remedy:  a.missingSocket(),
		}, true
	case SocketDenied:
		return Advice{
			Summary: "this user may not use the Unix socket of " + a.n.Database,
			Remedy: "Give the user that the exporter runs as access to the socket (its folder needs x, the socket " +
				"rw).",
		}, true
	}
	return Advice{}, false
}

// missingSocket is what to do about a socket that is not there. Magento's adapter takes every host with a slash in it
// for the path of one.
func (a adviser) missingSocket() string {
	path := a.e.Socket
	if path == "" && strings.Contains(a.e.Host, "/") {
		path = a.e.Host
	}
	const taken = "A host with a slash in it is taken for the path of a Unix socket. "
	name, rest, behind := strings.Cut(path, ":")
	switch {
	case path == "":
		return "localhost means the Unix socket, as in PHP. Start the server, or write 127.0.0.1 for TCP. If its " +
			"socket is at another place, set pdo_mysql.default_socket in php.ini to that for the tool, and " +
			a.n.Setting("socket") + " for the exporter."
	case strings.Contains(path, "://"):
		return taken + "Write only the host's name into host, and the port into port."
	case behind && strings.HasPrefix(rest, "/"):
		return taken + "Write only the path into host, without " + name + ": before it."
	case !strings.HasPrefix(path, "/"):
		return taken + "Write only the host's name into host."
	case behind:
		return "A path has no port: remove what stands behind the colon, and the port beside it."
	}
	return "Start the server, or correct the path, which my.cnf has as socket; or write 127.0.0.1 into host for TCP."
}

func (a adviser) tls(c Cause) (Advice, bool) {
	what := a.n.Database
	look := "openssl s_client -starttls mysql -connect " + a.address()
	switch c {
	case TLSRequired:
		return Advice{
			Summary: what + " requires TLS",
			Remedy: fmt.Sprintf("Set %s (an empty mapping is enough for a certificate that this host trusts), "+
				"and ssl_ca, ssl_cert, ssl_key in the tool's config.xml.", a.n.Setting("tls")),
		}, true
	case TLSUnsupported:
		return Advice{
			Summary: what + " does not offer TLS, and " + a.n.Setting("tls") + " asks for it",
			Remedy:  lines("Give the server a certificate (ssl_cert and ssl_key in my.cnf), or take tls out:", look),
		}, true
	case TLSFiles:
		return Advice{
			Summary: "the TLS files for " + what + " cannot be read",
			Remedy: "Put the files there, readable for the user that the exporter runs as; " +
				"they are read again at the next evaluation.",
		}, true
	case TLSFailed:
		return Advice{
			Summary: "TLS with " + what + " failed",
			Remedy: lines("Check the versions of TLS that the server offers (tls_version, at least TLSv1.2) "+
				"and which client certificates it takes (ssl_ca):", look),
		}, true
	}
	return Advice{}, false
}

func (a adviser) certificate(c Cause) (Advice, bool) {
	what, name := "the certificate of "+a.n.Database, a.e.Host
	if t := a.e.TLS; t != nil {
		name = cmp.Or(t.ServerName, name)
	}
	without := fmt.Sprintf("without that, encrypted but unverified, set %s to true.",
		a.n.Setting("tls.insecure_skip_verify"))
	switch c {
	case CertificateUntrusted:
		return Advice{
			Summary: what + " is signed by an authority that this host does not know",
			Remedy: fmt.Sprintf("Set %s to the certificate of that authority, such as the server's own ca.pem; %s",
				a.n.Setting("tls.ca_file"), without),
		}, true
	case CertificateName:
		return Advice{
			Summary: what + " is not for " + name,
			Remedy: lines("Set "+a.n.Setting("tls.server_name")+" to a name that it is for, or give the server "+
				"another one. See its names with:", fmt.Sprintf("openssl s_client -starttls mysql -connect %s "+
				"</dev/null | "+
				"openssl x509 -noout -ext subjectAltName", a.address())),
		}, true
	case CertificateWithoutSAN:
		return Advice{
			Summary: what + " contains no host (it has no subjectAltName), so it cannot be verified for any name",
			Remedy: fmt.Sprintf("It is probably the one that the server made for itself. "+
				"Give the server one with subjectAltName=DNS:%s; %s", name, without),
		}, true
	case CertificateExpired:
		return Advice{
			Summary: what + " has expired, or is not valid yet",
			Remedy: lines("Renew the server's certificate, and let it read it without a restart:",
				"ALTER INSTANCE RELOAD TLS;", "On MariaDB:", "FLUSH SSL;"),
		}, true
	}
	return Advice{}, false
}

// addressee finds the account in the server's messages: 'mig'@'10.0.0.9'.
var addressee = regexp.MustCompile(`'([^']*)'@'([^']*)'`)

// foreignHost finds the client's host in the answer of a server that lets nobody in from it.
var foreignHost = regexp.MustCompile(`[Hh]ost '([^']*)'`)

// client returns user and host as the server saw them; the host is empty where it did not say.
func (a adviser) client() (user, host string) {
	if m := addressee.FindStringSubmatch(serverWords(a.err)); m != nil {
		return m[1], m[2]
	}
	if m := foreignHost.FindStringSubmatch(serverWords(a.err)); m != nil {
		return a.e.User, m[1]
	}
	return a.e.User, ""
}

// accountSQL is the account in SQL. Its host stands in angle brackets where it is unknown.
func (a adviser) accountSQL() string {
	if at := strings.LastIndexByte(a.n.Account, '@'); at >= 0 {
		return Literal(a.n.Account[:at]) + "@" + Literal(a.n.Account[at+1:])
	}
	return Literal(a.e.User) + "@'<host>'"
}

// findHost is the statement that shows the host in angle brackets, empty where it is known.
func (a adviser) findHost() string {
	if a.n.Account != "" {
		return ""
	}
	return "SELECT user, host FROM mysql.user WHERE user = " + Literal(a.e.User) + ";"
}

// denied is for 1045, which a server answers for several reasons, of which it tells none.
func (a adviser) denied(c Cause) (Advice, bool) {
	if c != AccessDenied {
		return Advice{}, false
	}
	user, host := a.client()
	who := user
	if host != "" {
		who += "@" + host
	}
	all := []string{"The server does not say which of these it is:"}
	for i, reason := range []string{
		a.passwordReason(),
		lines(fmt.Sprintf("There is no account %s for this host, or an anonymous one ('') goes before it. "+
			"As an administrator look at:", user),
			fmt.Sprintf("SELECT user, host, plugin FROM mysql.user WHERE user IN (%s, '');", Literal(user)),
			"and where an anonymous one is for this host:", "DROP USER ''@"+Literal(cmp.Or(host, "<host>"))+";"),
		"The account, as the server found it, logs in by another method, such as unix_socket or auth_socket, " +
			"which are for the operating system's user of that name.",
		a.tlsReason(),
	} {
		all = append(all, fmt.Sprintf("%d. %s", i+1, reason))
	}
	return Advice{Summary: a.n.Database + " denies access to " + who, Remedy: lines(all...)}, true
}

func (a adviser) passwordReason() string {
	if a.e.Password == "" {
		return lines("No password is set: set "+a.n.Setting("password_file")+". Try:", a.n.Client)
	}
	return lines(fmt.Sprintf("The password is wrong: correct %s, or where it is in the tool's config.xml. Try:",
		a.n.Setting("password_file")), a.n.Client)
}

// tlsReason says what the account may demand of the connection beyond what it is.
func (a adviser) tlsReason() string {
	show := "SHOW CREATE USER " + a.accountSQL() + ";"
	cert := a.n.Setting("tls.cert_file")
	switch t := a.e.TLS; {
	case t == nil:
		return lines(fmt.Sprintf("The account (REQUIRE SSL or X509) or the server (require_secure_transport) "+
			"requires TLS, and %s is not set:", a.n.Setting("tls")), show)
	case t.CertFile == "":
		return lines(fmt.Sprintf("The account requires a certificate of the client (REQUIRE X509, ISSUER or SUBJECT), "+
			"and %s and %s are not set:", cert, a.n.Setting("tls.key_file")), show)
	default:
		return lines(fmt.Sprintf("The account requires another certificate of the client than that in %s "+
			"(REQUIRE ISSUER, SUBJECT or CIPHER):", cert), show)
	}
}

func (a adviser) account(c Cause) (Advice, bool) {
	what, user := a.n.Database, a.e.User
	alter := "ALTER USER " + a.accountSQL()
	switch c {
	case HostNotAllowed:
		_, host := a.client()
		return Advice{
			Summary: what + " has no account for this host" + inBrackets(host),
			Remedy: lines("Create an account for this host, and grant it what the precondition privileges lists, "+
				"or widen the host of the existing one:", fmt.Sprintf("CREATE USER %s@%s IDENTIFIED BY '<password>';",
				Literal(user), Literal(cmp.Or(host, "<this host>")))),
		}, true
	case PasswordExpired:
		return Advice{
			Summary: "the password of " + user + " at " + what + " has expired",
			Remedy: lines("Set a new one, and write it down where the tool reads it:", a.findHost(),
				alter+" IDENTIFIED BY '<new password>';", "On MySQL 5.6:",
				"SET PASSWORD FOR "+a.accountSQL()+" = PASSWORD('<new password>');"),
		}, true
	case AccountLocked:
		return Advice{
			Summary: "the account " + user + " at " + what + " is locked",
			Remedy:  lines("As an administrator:", a.unlock()),
		}, true
	case LoginsBlocked:
		return Advice{
			Summary: what + " has blocked the account " + user + " after too many logins with a wrong password",
			Remedy: lines("Correct the password first, here and wherever else it is tried with a wrong one. "+
				"Then, as an administrator:", a.unlock(), "On MariaDB:", "FLUSH PRIVILEGES;"),
		}, true
	case AuthPlugin:
		return Advice{
			Summary: what + " requires an authentication plugin that is not supported here",
			Remedy: lines("Give the account a plugin that PHP's mysqlnd supports:", a.findHost(),
				alter+" IDENTIFIED WITH caching_sha2_password BY '<password>';", "On MySQL before 8.0:",
				alter+" IDENTIFIED WITH mysql_native_password BY '<password>';", "On MariaDB:",
				alter+" IDENTIFIED VIA mysql_native_password USING PASSWORD('<password>');"),
		}, true
	}
	return Advice{}, false
}

// unlock returns the statements, for the account that the server names if it names one.
func (a adviser) unlock() string {
	if user, host := a.client(); host != "" && a.n.Account == "" {
		find := a.findHost()
		a.n.Account = user + "@" + host
		return lines(find, "ALTER USER "+a.accountSQL()+" ACCOUNT UNLOCK;")
	}
	return lines(a.findHost(), "ALTER USER "+a.accountSQL()+" ACCOUNT UNLOCK;")
}

func inBrackets(s string) string {
	if s == "" {
		return ""
	}
	return " (" + s + ")"
}

func (a adviser) limits(c Cause) (Advice, bool) {
	what := a.n.Database
	switch c {
	case HostBlocked:
		_, host := a.client()
		return Advice{
			Summary: what + " has blocked this host" + inBrackets(host) + " after many failed connections",
			Remedy: lines("Find out what fails so often, then, as an administrator:", "FLUSH HOSTS;",
				"On MySQL 8.4 and newer:", "TRUNCATE TABLE performance_schema.host_cache;"),
		}, true
	case TooManyConnections:
		return Advice{
			Summary: what + " has no free connection",
			Remedy: "Find what uses them with SHOW PROCESSLIST, or raise max_connections; " +
				"the server would refuse the tool too.",
			Heals: true,
		}, true
	case Offline:
		return Advice{
			Summary: what + " is offline for this account (offline_mode): the server would refuse the tool too",
			Remedy: lines("As an administrator, and without offline_mode in the server's my.cnf:",
				"SET GLOBAL offline_mode = OFF;"),
		}, true
	case AccountLimit:
		return a.accountLimit(), true
	}
	return Advice{}, false
}

// exceeded finds the limit in the answer 1226.
var exceeded = regexp.MustCompile(`exceeded the '([^']*)' resource \(current value: (\d+)\)`)

// limitOption returns the option of ALTER USER for a limit, which the flavors name differently.
func limitOption(resource string) string {
	switch resource {
	case "max_questions", "max_queries_per_hour":
		return "MAX_QUERIES_PER_HOUR"
	case "max_updates", "max_updates_per_hour":
		return "MAX_UPDATES_PER_HOUR"
	}
	return strings.ToUpper(resource)
}

// accountLimit is for what an account may do at once, or in an hour. The exporter needs three connections at once
// beside the tool's.
func (a adviser) accountLimit() Advice {
	m := exceeded.FindStringSubmatch(serverWords(a.err))
	if Number(a.err) == ErrTooManyUserConnections || m == nil {
		return Advice{
			Summary: "all connections that an account may have at " + a.n.Database +
				" at once are in use (max_user_connections)",
			Remedy: lines("Find what uses them with SHOW PROCESSLIST, or allow more; "+
				"the exporter needs three beside the tool's:", "SET GLOBAL max_user_connections = 0;"),
		}
	}
	option := limitOption(m[1])
	advice := Advice{
		Summary: fmt.Sprintf("the account %s at %s may have only %s connection(s) at once (%s)",
			a.e.User, a.n.Database, m[2], option),
		Remedy: "The exporter needs three beside the tool's. Allow more (0 means no limit):",
	}
	if option != "MAX_USER_CONNECTIONS" {
		advice = Advice{
			Summary: fmt.Sprintf("the account %s at %s has used up %s, which is %s", a.e.User, a.n.Database, option,
				m[2]),
			Remedy: "Raise it (0 means no limit): each evaluation takes some connections, and so does the tool:",
			Heals:  true,
		}
	}
	advice.Remedy = lines(advice.Remedy, a.findHost(),
		fmt.Sprintf("ALTER USER %s WITH %s 0;", a.accountSQL(), option), "On MySQL 5.6:",
		fmt.Sprintf("GRANT USAGE ON *.* TO %s WITH %s 0;", a.accountSQL(), option))
	return advice
}

func (a adviser) database(c Cause) (Advice, bool) {
	switch c {
	case UnknownDatabase:
		return Advice{
			Summary: a.n.Database + " does not exist: " + a.e.Name,
			Remedy:  "Correct " + a.n.Setting("name") + ", or create the database.",
		}, true
	case DatabaseDenied:
		account := "the account"
		if f, ok := errors.AsType[*Fault](a.err); ok && f.Account != "" {
			account = f.Account
		}
		return Advice{
			Summary: "the account may not use " + a.n.Database + " " + a.e.Name + ", or there is none with that name",
			Remedy: "Correct the name, or grant the privileges that the precondition privileges lists to " +
				account + ".",
		}, true
	}
	return Advice{}, false
}

// AdviseStatement returns the advice on a statement that failed in a session, or on a further session that could not be
// opened.
func AdviseStatement(err error, e Endpoint, n Naming) Advice {
	if advice, ok := adviseCause(CauseOf(err), n); ok {
		return advice
	}
	switch number := Number(err); number {
	case ErrTableAccessDenied, ErrColumnAccessDenied:
		return Advice{
			Summary: "the account may not read the tables of " + n.Database,
			Remedy:  "Grant it SELECT; the precondition privileges has the exact statement.",
		}
	case ErrNoSuchTable:
		return Advice{
			Summary: n.Database + " lacks a table",
			Remedy: "Check the database name and table_prefix; the preconditions migration_tool (Magento 1) and " +
				"m2_installed (Magento 2) say more.",
		}
	case ErrLockWaitTimeout:
		return Advice{
			Summary: "a table of " + n.Database + " is locked",
			Remedy:  "Find who holds the lock with SHOW PROCESSLIST; the next evaluation tries again.",
			Heals:   true,
		}
	default:
		if number == 0 || causeOfLogin(number) != "" {
			return Advise(err, e, n)
		}
		return Advice{
			Summary: fmt.Sprintf("%s answered with error %d: %s", n.Database, number, serverWords(err)),
			Remedy:  "Look at the message and at the server's error log.",
		}
	}
}

// adviseCause is for what ends a statement whatever it is.
func adviseCause(c Cause, n Naming) (Advice, bool) {
	switch c {
	case Timeout, Lost:
		return Advice{
			Summary: n.Database + " stopped answering",
			Remedy:  "Look at the server's load and at SHOW PROCESSLIST; the next evaluation tries again.",
			Heals:   true,
		}, true
	case DiskFull:
		return Advice{
			Summary: "the disk of the server of " + n.Database + " is full",
			Remedy: "Free disk space where its temporary files and its data lie (SELECT @@tmpdir, @@datadir; " +
				"then df -h there): the tool's writes would fail too.",
		}, true
	case TableDamaged:
		return Advice{
			Summary: "a table of " + n.Database + " is damaged",
			Remedy: lines("Copy its files away, then repair the table that the message names, or restore it from a "+
				"backup if it is InnoDB's:", "CHECK TABLE <table>; REPAIR TABLE <table>"),
		}, true
	case TableUnreadable:
		return Advice{
			Summary: "a table of " + n.Database + " is there, but the server cannot open its files",
			Remedy: lines("Give its files back to the user that the server runs as, with the mode that the other "+
				"files beside it have (SELECT @@datadir; then ls -l there), and then, as an "+
				"administrator:", "FLUSH TABLES;"),
		}, true
	}
	return Advice{}, false
}
