// Package database opens sessions on MySQL and MariaDB that cannot change anything, cannot linger on the server, and
// whose failures have names.
package database

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/config"

	"magento_migration_exporter/config/address"
	"magento_migration_exporter/config/sourcefile"
)

// DefaultPort is MySQL's.
const DefaultPort = 3306

// Endpoint is one database and the account that logs in to it.
type Endpoint struct {
	// Host is a name or address. Empty and "localhost" mean the Unix socket, as in PHP; so does a host with a slash in
	// it.
	Host string
	// Port is 0 for DefaultPort.
	Port     int
	Socket   string
	Name     string
	User     string
	Password config.Secret
	// TLS is nil for an unencrypted connection.
	TLS *TLS
}

// TLS says how to encrypt a connection. The files are read at each login.
type TLS struct {
	CAFile, CertFile, KeyFile, ServerName string
	InsecureSkipVerify                    bool
}

// SocketPlaces is where PHP's builds look for the Unix socket of "localhost".
func SocketPlaces() []string {
	return []string{"/run/mysqld/mysqld.sock", "/var/run/mysqld/mysqld.sock", "/var/lib/mysql/mysql.sock",
		"/tmp/mysql.sock"}
}

// IsLocal reports whether PHP would use the Unix socket.
func (e Endpoint) IsLocal() bool {
	return e.Host == "" || strings.EqualFold(e.Host, "localhost") || strings.Contains(e.Host, "/")
}

// Address returns what to dial: network "tcp" or "unix", and the address. It is an error where the host or the socket
// holds a login, as in a URL: what cannot be dialled anyway would be shown in every message. White space in a host is
// an error, too: no name has it.
func (e Endpoint) Address() (network, text string, err error) {
	network, text, err = e.dialled()
	if shown := address.WithoutLogin(text); err == nil && shown != text {
		return network, shown, &Fault{Cause: LoginInHost, Doing: "logging in to " + shown,
			Err: errors.New("the host holds a login or is a whole URL")}
	}
	if err == nil && network == "tcp" && strings.ContainsAny(e.Host, " \t\r\n") {
		return network, text, &Fault{Cause: NameNotFound, Doing: fmt.Sprintf("logging in to %q", text),
			Err: errors.New("there is white space in the host")}
	}
	return network, text, err
}

func (e Endpoint) dialled() (network, address string, err error) {
	if !e.IsLocal() {
		port := e.Port
		if port == 0 {
			port = DefaultPort
		}
		return "tcp", net.JoinHostPort(e.Host, strconv.Itoa(port)), nil
	}
	if strings.Contains(e.Host, "/") {
		return "unix", e.Host, nil
	}
	if e.Socket != "" {
		return "unix", e.Socket, nil
	}
	for _, place := range SocketPlaces() {
		if _, err := os.Stat(place); err == nil {
			return "unix", place, nil
		}
	}
	return "unix", "", &Fault{Cause: SocketMissing, Doing: "looking for the Unix socket of localhost",
		Err: fmt.Errorf("none of %s is there", strings.Join(SocketPlaces(), ", "))}
}

// String is the address and account for people; it has no password.
func (e Endpoint) String() string {
	_, address, _ := e.Address()
	return e.User + "@" + cmp.Or(address, "localhost") + "/" + e.Name
}

// config reads the files. ServerName defaults to the host.
func (t *TLS) config(host string) (*tls.Config, error) {
	c := &tls.Config{ServerName: cmp.Or(t.ServerName, host), MinVersion: tls.VersionTLS12}
	c.InsecureSkipVerify = t.InsecureSkipVerify // the user's own choice, off by default
	if t.CAFile != "" {
		pem, err := sourcefile.Read(t.CAFile, maxPEM)
		if err != nil {
			return nil, fmt.Errorf("reading ca_file: %w", err)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("reading ca_file %s: it holds no certificate", t.CAFile)
		}
	}
	if t.CertFile != "" {
		pair, err := t.keyPair()
		if err != nil {
			return nil, fmt.Errorf("reading cert_file and key_file: %w", err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c, nil
}

// maxPEM is far above the certificates that a system trusts, in bytes.
const maxPEM = 4 << 20

func (t *TLS) keyPair() (tls.Certificate, error) {
	cert, err := sourcefile.Read(t.CertFile, maxPEM)
	if err != nil {
		return tls.Certificate{}, err
	}
	key, err := sourcefile.Read(t.KeyFile, maxPEM)
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.X509KeyPair(cert, key)
}

// Timing is how long the parts of a login took, and when it will stop to work.
type Timing struct {
	// Resolve is 0 for an address that needs no resolving.
	Resolve, Connect, Login time.Duration
	// CertificateExpiry is the end of the server's certificate, zero for a login without TLS.
	CertificateExpiry time.Time
}

// Total is from the first look-up to the chosen database.
func (t Timing) Total() time.Duration { return t.Resolve + t.Connect + t.Login }

// dial resolves and connects, and notes how long each took.
func dial(ctx context.Context, network, address string, timing *Timing) (net.Conn, error) {
	var dialer net.Dialer
	if network == "unix" {
		start := time.Now()
		conn, err := dialer.DialContext(ctx, network, address)
		timing.Connect = time.Since(start)
		return conn, err
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	start := time.Now()
	addresses, err := net.DefaultResolver.LookupHost(ctx, host)
	if err != nil {
		return nil, err
	}
	if net.ParseIP(host) == nil {
		timing.Resolve = time.Since(start)
	}
	start = time.Now()
	var errs []error
	for _, a := range addresses {
		conn, err := dialer.DialContext(ctx, network, net.JoinHostPort(a, port))
		timing.Connect = time.Since(start)
		if err == nil {
			return conn, nil
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(errs...)
}
