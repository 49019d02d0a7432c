package database

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"magento_migration_exporter/collector/mysqltest"
)

func naming() Naming {
	return Naming{Database: "Magento 1's database", Client: "mysql --user=lg",
		Setting: func(key string) string { return "migrations[acme].magento1.database." + key }}
}

// unsupported are a server's answers where it cannot do what a test asks for: it does not know a syntax (1064), a
// variable or a plugin, it takes a setting only when it starts (1290), or it refuses a certificate that has expired
// (3888).
func unsupported(err error) bool {
	return slices.Contains([]uint16{1064, ErrUnknownVariable, ErrPluginNotLoaded, ErrOptionPreventsStatement, 3888},
		Number(err))
}

// paste runs the statements of a remedy as root, but for those that only show something. It is false where the server
// knows none of them.
func paste(t *testing.T, server *mysqltest.Server, advice Advice) (done bool) {
	t.Helper()
	fill := strings.NewReplacer("<host>", "localhost", "<new password>", "pw", "<password>", "pw")
	for line := range strings.Lines(advice.Remedy) {
		statement, ok := strings.CutSuffix(strings.TrimSpace(fill.Replace(line)), ";")
		if !ok || strings.HasPrefix(statement, "SHOW") || strings.HasPrefix(statement, "SELECT") {
			continue
		}
		err := server.Exec(t.Context(), statement)
		if err != nil && !unsupported(err) {
			t.Errorf("%s: %v", statement, err)
		}
		done = done || err == nil
	}
	return done
}

// TestAdviceKnowsTheAccount is a second session that is refused, when the first has shown which account it is.
func TestAdviceKnowsTheAccount(t *testing.T) {
	t.Parallel()
	n := naming()
	n.Account = "o'brien@10.%"
	err := fault(&mysql.MySQLError{Number: ErrUserLimitReached,
		Message: "User 'o'brien' has exceeded the 'max_user_connections' resource (current value: 1)"}, "logging in")
	advice := Advise(err, Endpoint{User: "o'brien"}, n)
	if !strings.Contains(advice.Remedy, "ALTER USER 'o''brien'@'10.%' WITH MAX_USER_CONNECTIONS 0;") ||
		strings.Contains(advice.Remedy, "SELECT") || advice.Heals {
		t.Errorf("%+v", advice)
	}
}

// TestAdviceOnEverythingElse covers what the servers of the tests cannot be brought to say.
func TestAdviceOnEverythingElse(t *testing.T) {
	t.Parallel()
	answer := func(number uint16, message string) error {
		return fault(&mysql.MySQLError{Number: number, Message: message}, "logging in")
	}
	for _, test := range []struct {
		err     error
		summary string
		remedy  string
		heals   bool
	}{
		{answer(1130, "Host '10.0.0.9' is not allowed to connect to this MySQL server"), "for this host (10.0.0.9)",
			"CREATE USER 'lg'@'10.0.0.9' IDENTIFIED BY", false},
		{answer(1129, "Host '10.0.0.9' is blocked because of many connection errors; unblock with 'mysqladmin "+
			"flush-hosts'"),
			"has blocked this host (10.0.0.9)", "TRUNCATE TABLE performance_schema.host_cache;", false},
		{answer(1040, "Too many connections"), "no free connection", "max_connections", true},
		{answer(1236, "Something new"), "failed with error 1236: Something new", "mysql --user=lg", false},
		{errors.New("something else"), "logging in to Magento 1's database failed", "mysql --user=lg", false},
	} {
		got := Advise(test.err, Endpoint{User: "lg"}, naming())
		if !strings.Contains(got.Summary, test.summary) || !strings.Contains(got.Remedy, test.remedy) ||
			got.Heals != test.heals ||
			strings.Contains(got.Remedy, "tries again") {
			t.Errorf("%v: %+v", test.err, got)
		}
	}
	// Every cause has a sentence of its own, and none promises to end by itself without being one that does.
	for _, c := range []Cause{NameNotFound, Refused, Timeout, Unreachable, LoginInHost, SocketMissing, SocketDenied,
		TLSFiles, TLSUnsupported,
		TLSRequired, TLSFailed, CertificateUntrusted, CertificateName, CertificateWithoutSAN, CertificateExpired,
		AccessDenied, HostNotAllowed,
		HostBlocked, TooManyConnections, AccountLimit, PasswordExpired, AccountLocked, LoginsBlocked, Offline,
		AuthPlugin, UnknownDatabase,
		DatabaseDenied, Lost} {
		advice := Advise(&Fault{Cause: c, Doing: "logging in", Err: errors.New("x")}, Endpoint{Host: "db", User: "lg",
			Name: "shop"}, naming())
		if advice.Remedy == "" || strings.HasPrefix(advice.Summary, "logging in to") {
			t.Errorf("%s: %+v", c, advice)
		}
	}
}

// TestAdviceOnSockets checks what to do about a socket that is not there, by what the host setting looks like.
func TestAdviceOnSockets(t *testing.T) {
	t.Parallel()
	err := &Fault{Cause: SocketMissing, Doing: "logging in", Err: os.ErrNotExist}
	for name, test := range map[string]struct {
		endpoint Endpoint
		remedy   string
	}{
		"localhost":                {Endpoint{Host: "localhost"}, "localhost means the Unix socket, as in PHP."},
		"nothing":                  {Endpoint{}, "pdo_mysql.default_socket in php.ini"},
		"the default":              {Endpoint{}, "migrations[acme].magento1.database.socket for the exporter"},
		"a URL":                    {Endpoint{Socket: "mysql://127.0.0.1:3306"}, "Write only the host's name into host"},
		"a URL with a path":        {Endpoint{Socket: "tcp://db/shop"}, "and the port into port"},
		"a path behind a host":     {Endpoint{Socket: "localhost:/run/mysqld.sock"}, "without localhost: before it"},
		"with a port behind":       {Endpoint{Socket: "localhost:/run/mysqld.sock:3306"}, "without localhost: before it"},
		"of the configuration":     {Endpoint{Host: "db:/run/mysqld.sock"}, "without db: before it"},
		"a database behind a host": {Endpoint{Socket: "db.example.com/shop"}, "Write only the host's name into host."},
		"a path with a port":       {Endpoint{Socket: "/run/mysqld.sock:3306"}, "A path has no port"},
		"a path":                   {Endpoint{Socket: "/run/mysqld.sock"}, "correct the path"},
	} {
		got := Advise(err, test.endpoint, naming())
		if !strings.Contains(got.Remedy, test.remedy) {
			t.Errorf("%s: %+v", name, got)
		}
		if wrong := strings.Contains(got.Remedy, "localhost means"); wrong != (test.endpoint.Socket+test.endpoint.Host == "" ||
			test.endpoint.Host == "localhost") {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestAdviceOnStatements(t *testing.T) {
	t.Parallel()
	for number, want := range map[uint16]string{
		ErrTableAccessDenied: "may not read", ErrNoSuchTable: "lacks a table", ErrLockWaitTimeout: "is locked",
		ErrDiskFull:     "disk",
		ErrTableCrashed: "damaged", ErrOpenAsReadOnly: "cannot open its files",
		ErrUserLimitReached: "max_user_connections",
		ErrOfflineMode:      "offline", ErrStatementTimeout: "stopped answering", 1064: "answered with error 1064: words",
	} {
		err := fault(&mysql.MySQLError{Number: number, Message: "words"}, "running x")
		got := AdviseStatement(err, Endpoint{User: "lg"}, naming())
		if !strings.Contains(got.Summary, want) || got.Remedy == "" || got.Heals != strings.Contains(got.Remedy,
			"tries again") {
			t.Errorf("%d: %+v", number, got)
		}
	}
}

// authority signs certificates for tests.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	dir         string
}

func newAuthority(t *testing.T) authority {
	t.Helper()
	a := authority{dir: t.TempDir()}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"},
		IsCA:                  true,
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign, NotBefore: time.Unix(0, 0),
		NotAfter: time.Now().Add(24 * time.Hour)}
	a.certificate, a.key = template, nil
	der, key := a.sign(t, template)
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	a.certificate, a.key = certificate, key
	a.write(t, "ca.pem", "CERTIFICATE", der)
	return a
}

// sign makes a key and a certificate for it; the authority without a key signs its own.
func (a authority) sign(t *testing.T, template *x509.Certificate) ([]byte, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer := a.key
	if signer == nil {
		signer = key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	return der, key
}

func (a authority) write(t *testing.T, name, kind string, der []byte) {
	t.Helper()
	path := filepath.Join(a.dir, name)
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
}

// issue writes name-cert.pem and name-key.pem.
func (a authority) issue(t *testing.T, name string, change func(*x509.Certificate)) {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		IPAddresses: []net.IP{net.ParseIP("127.0.0.1")}, NotBefore: time.Unix(0, 0),
		NotAfter: time.Now().Add(24 * time.Hour)}
	if change != nil {
		change(template)
	}
	der, key := a.sign(t, template)
	a.write(t, name+"-cert.pem", "CERTIFICATE", der)
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	a.write(t, name+"-key.pem", "PRIVATE KEY", keyDER)
}

// certificateCase is a certificate of the server and what a login that verifies it finds.
type certificateCase struct {
	change func(*x509.Certificate)
	login  func(*TLS)
	want   Cause
	says   string
}

func certificateCases(other string) map[string]certificateCase {
	return map[string]certificateCase{
		"good": {},
		"for another name": {change: func(c *x509.Certificate) {
			c.IPAddresses, c.DNSNames = nil,
				[]string{"db.example"}
		},
			want: CertificateName, says: "database.tls.server_name to a name"},
		"for the name that is set": {change: func(c *x509.Certificate) {
			c.IPAddresses, c.DNSNames = nil,
				[]string{"db.example"}
		},
			login: func(c *TLS) { c.ServerName = "db.example" }},
		"for no name": {change: func(c *x509.Certificate) { c.IPAddresses = nil }, want: CertificateWithoutSAN,
			says: "subjectAltName=DNS:127.0.0.1"},
		"for no name, unverified": {change: func(c *x509.Certificate) { c.IPAddresses = nil },
			login: func(c *TLS) { c.InsecureSkipVerify = true }},
		"expired": {change: func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Hour) },
			want: CertificateExpired,
			says: "Renew the server's certificate"},
		"of an unknown authority": {login: func(c *TLS) { c.CAFile = other }, want: CertificateUntrusted,
			says: "database.tls.ca_file"},
	}
}

// TestAdviceOnCertificates renews the certificate of a running server for each case, with the statements of the advice
// on an expired one. The servers are those whose TLS is 1.2 or newer.
func TestAdviceOnCertificates(t *testing.T) {
	t.Parallel()
	for _, flavor := range []mysqltest.Flavor{mysqltest.MariaDB, mysqltest.MySQL97, mysqltest.MariaDB118,
		mysqltest.MariaDB105} {
		onServer(t, flavor, func(t *testing.T, server *mysqltest.Server) {
			a, other := newAuthority(t), newAuthority(t)
			a.issue(t, "server", nil)
			path := func(name string) string { return filepath.Join(a.dir, name) }
			if err := server.Restart(t.Context(), "--ssl-ca="+path("ca.pem"), "--ssl-cert="+path("server-cert.pem"),
				"--ssl-key="+path("server-key.pem")); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { restart(t, server) })
			if err := server.Exec(t.Context(), "CREATE USER lg@localhost IDENTIFIED BY 'pw'"); err != nil {
				t.Fatal(err)
			}
			reload := Advise(&Fault{Cause: CertificateExpired, Err: errors.New("x")}, Endpoint{}, naming())
			for name, test := range certificateCases(filepath.Join(other.dir, "ca.pem")) {
				a.issue(t, "server", test.change)
				if !paste(t, server, reload) {
					continue
				}
				e := Endpoint{Host: server.Host(), Port: server.Port(), User: "lg", Password: "pw",
					TLS: &TLS{CAFile: path("ca.pem")}}
				if test.login != nil {
					test.login(e.TLS)
				}
				expectAdvice(t, name, e, test.want, test.says)
			}
			a.issue(t, "server", nil)
			paste(t, server, reload)
			a.issue(t, "client", nil)
			testClientCertificate(t, server, a)
		})
	}
}

func testClientCertificate(t *testing.T, server *mysqltest.Server, a authority) {
	t.Helper()
	path := func(name string) string { return filepath.Join(a.dir, name) }
	with := &TLS{CAFile: path("ca.pem"), CertFile: path("client-cert.pem"), KeyFile: path("client-key.pem")}
	without := &TLS{CAFile: path("ca.pem")}
	for _, test := range []struct {
		require string
		tls     *TLS
		want    Cause
		says    string
	}{
		{"X509", with, "", ""},
		{"X509", without, AccessDenied, "database.tls.cert_file and migrations[acme].magento1.database.tls.key_file " +
			"are not set"},
		{"X509", nil, AccessDenied, "database.tls is not set"},
		{"SUBJECT '/CN=somebody else'", with, AccessDenied, "another certificate of the client than that in " +
			"migrations[acme].magento1.database.tls.cert_file"},
	} {
		if err := server.Exec(t.Context(), "DROP USER lg@localhost", "CREATE USER lg@localhost IDENTIFIED BY 'pw' "+
			"REQUIRE "+test.require); err != nil {
			t.Fatal(err)
		}
		e := Endpoint{Host: server.Host(), Port: server.Port(), User: "lg", Password: "pw", TLS: test.tls}
		expectAdvice(t, fmt.Sprintf("REQUIRE %s with %+v", test.require, test.tls), e, test.want, test.says)
	}
}

// expectAdvice logs in and wants this cause, and advice that says this.
func expectAdvice(t *testing.T, name string, e Endpoint, want Cause, says string) {
	t.Helper()
	o := options()
	o.Probing = true
	s, err := Open(t.Context(), e, o)
	if err == nil {
		_ = s.Close()
	}
	if CauseOf(err) != want {
		t.Errorf("%s: %q, want %q: %v", name, CauseOf(err), want, err)
		return
	}
	if advice := Advise(err, e, naming()); err != nil && !strings.Contains(advice.Remedy, says) {
		t.Errorf("%s: %q is not in: %s", name, says, advice.Remedy)
	}
}
