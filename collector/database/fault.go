package database

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"regexp"
	"slices"
	"strings"
	"syscall"

	"github.com/go-sql-driver/mysql"
)

// Cause is why a database could not be used: each is fixed by another hand. Advise has a sentence and a fix for each.
type Cause string

// The causes. The numbers are the server's error numbers.
const (
	NameNotFound  Cause = "name not found" // DNS
	Refused       Cause = "refused"        // nothing listens
	Timeout       Cause = "timeout"        // no answer in time
	Unreachable   Cause = "unreachable"    // no route
	LoginInHost   Cause = "login in host"  // a URL or DSN where only the host is expected
	SocketMissing Cause = "socket missing" // no Unix socket where PHP would look
	SocketDenied  Cause = "socket denied"  // the socket's permissions

	TLSFiles              Cause = "TLS files"             // ca_file, cert_file or key_file cannot be read
	TLSUnsupported        Cause = "TLS unsupported"       // a server without TLS
	TLSRequired           Cause = "TLS required"          // 3159
	TLSFailed             Cause = "TLS failed"            // any other fault of the handshake
	CertificateUntrusted  Cause = "certificate untrusted" // no known authority signed it
	CertificateName       Cause = "certificate name"      // it is for other names
	CertificateWithoutSAN Cause = "certificate without " +
		"SAN" // as those that servers make for themselves: it is for no name at all
	CertificateExpired Cause = "certificate expired" // or not valid yet

	AccessDenied       Cause = "access denied"         // 1045, 1698
	HostNotAllowed     Cause = "host not allowed"      // 1130
	HostBlocked        Cause = "host blocked"          // 1129
	TooManyConnections Cause = "too many connections"  // 1040
	AccountLimit       Cause = "account limit"         // 1203, 1226
	PasswordExpired    Cause = "password expired"      // 1862, 1820
	AccountLocked      Cause = "account locked"        // 3118, 4151
	LoginsBlocked      Cause = "logins blocked"        // 3955, 4150: too many wrong passwords
	Offline            Cause = "offline"               // 3032
	AuthPlugin         Cause = "authentication plugin" // 1251, 1524, 2059
	UnknownDatabase    Cause = "unknown database"      // 1049
	DatabaseDenied     Cause = "database denied"       // 1044

	Lost         Cause = "connection lost"
	DiskFull     Cause = "disk full"     // 1021, 1114
	TableDamaged Cause = "table damaged" // the numbers are in causeOfNumber
	// TableUnreadable is a table that is there and whose files the server may not open. MariaDB and, of an InnoDB
	// table, MySQL 5.6 answer as if there were none (1146).
	TableUnreadable Cause = "table unreadable"
	Other           Cause = "other"
)

// Fault is a failed attempt to use a database.
type Fault struct {
	Cause Cause
	// Doing is what was being done, like "logging in to 10.0.0.5:3306 as mig".
	Doing string
	// Account is CURRENT_USER() where the login worked and only the database could not be used.
	Account string
	Err     error
}

// Error implements error.
func (f *Fault) Error() string { return f.Doing + ": " + f.Err.Error() }

// Unwrap implements errors.Unwrap.
func (f *Fault) Unwrap() error { return f.Err }

// Number returns the server's error number, or 0 when the error is not the server's.
func Number(err error) uint16 {
	if e, ok := errors.AsType[*mysql.MySQLError](err); ok {
		return e.Number
	}
	return 0
}

// causeOfNumber is empty for a number that says no more than itself.
func causeOfNumber(number uint16) Cause {
	switch number {
	case ErrServerShutdown, ErrConnectionKilled:
		return Lost
	case ErrStatementTimeout, ErrQueryTimeout:
		return Timeout
	case ErrDiskFull, ErrRecordFileFull:
		return DiskFull
	case ErrIndexCrashed, ErrRecordCrashed, ErrCrashedInLastRepair, ErrCrashedOnUsage, ErrNotKeyFile, ErrOldKeyFile,
		ErrTableCrashed,
		ErrTableCrashedInRepair, ErrIndexCorrupt, ErrTablespaceMissing, ErrNoSuchTableInEngine:
		return TableDamaged
	case ErrOpenAsReadOnly:
		return TableUnreadable
	}
	return causeOfLogin(number)
}

// causeOfLogin is for what a server answers to a login.
func causeOfLogin(number uint16) Cause {
	switch number {
	case ErrTooManyConnections:
		return TooManyConnections
	case ErrDatabaseAccessDenied:
		return DatabaseDenied
	case ErrAccessDenied, ErrAccessDeniedNoPassword:
		return AccessDenied
	case ErrUnknownDatabase:
		return UnknownDatabase
	case ErrHostBlocked:
		return HostBlocked
	case ErrHostNotPrivileged:
		return HostNotAllowed
	case ErrTooManyUserConnections, ErrUserLimitReached:
		return AccountLimit
	case ErrClientPluginUnsupported, ErrPluginNotLoaded, ErrCannotConnectPlugin:
		return AuthPlugin
	case ErrMustChangePassword, ErrPasswordExpired:
		return PasswordExpired
	case ErrAccountLocked, ErrAccountLockedMariaDB:
		return AccountLocked
	case ErrLoginsBlocked, ErrTooManyPasswordErrors:
		return LoginsBlocked
	case ErrOfflineMode:
		return Offline
	case ErrSecureTransportRequired:
		return TLSRequired
	}
	return ""
}

// CauseOf names the cause of an error of this package, the driver or the network. It is empty for no error.
func CauseOf(err error) Cause {
	if err == nil {
		return ""
	}
	if fault, ok := errors.AsType[*Fault](err); ok {
		return fault.Cause
	}
	if n := Number(err); n != 0 {
		return causeOfServer(n, err)
	}
	return causeOfNetwork(err)
}

// systemError is how an error of the operating system, or of a storage engine, reads in the servers' messages.
var systemError = regexp.MustCompile(`\b(?:Errcode|errno|error):? (\d+)\b`)

func causeOfServer(number uint16, err error) Cause {
	if cause := causeOfNumber(number); cause != "" {
		return cause
	}
	if m := systemError.FindStringSubmatch(err.Error()); m != nil {
		switch m[1] {
		case "28": // ENOSPC
			return DiskFull
		case "13", "1", "40": // EACCES, EPERM, ELOOP
			return TableUnreadable
		case "194": // MariaDB's "Tablespace is missing for a table"
			return TableDamaged
		}
	}
	return Other
}

func causeOfNetwork(err error) Cause {
	var dns *net.DNSError
	var timeout net.Error
	if cause := causeOfTLS(err); cause != "" {
		return cause
	}
	switch {
	case errors.As(err, &dns) && !dns.IsTimeout:
		return NameNotFound
	case errors.Is(err, syscall.ECONNREFUSED):
		return Refused
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return Unreachable
	case errors.Is(err, os.ErrNotExist):
		return SocketMissing
	case errors.Is(err, os.ErrPermission):
		return SocketDenied
	case isOneOf(err, context.DeadlineExceeded, context.Canceled), errors.As(err, &timeout) && timeout.Timeout():
		return Timeout
	case isOneOf(err, mysql.ErrUnknownPlugin, mysql.ErrOldPassword, mysql.ErrNativePassword,
		mysql.ErrCleartextPassword):
		return AuthPlugin
	case isOneOf(err, driver.ErrBadConn, sql.ErrConnDone, mysql.ErrInvalidConn, io.EOF, io.ErrUnexpectedEOF,
		syscall.ECONNRESET, syscall.EPIPE):
		return Lost
	}
	return Other
}

func isOneOf(err error, list ...error) bool {
	return slices.ContainsFunc(list, func(e error) bool { return errors.Is(err, e) })
}

// causeOfTLS is empty for an error that is not one of TLS.
func causeOfTLS(err error) Cause {
	var (
		authority x509.UnknownAuthorityError
		hostname  x509.HostnameError
		invalid   x509.CertificateInvalidError
		verify    *tls.CertificateVerificationError
		record    tls.RecordHeaderError
		alert     tls.AlertError
	)
	switch {
	case errors.As(err, &hostname) && hostname.Certificate != nil && hasNoSAN(hostname.Certificate):
		return CertificateWithoutSAN
	case errors.As(err, &hostname):
		return CertificateName
	case errors.As(err, &authority):
		return CertificateUntrusted
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return CertificateExpired
	case errors.Is(err, mysql.ErrNoTLS):
		return TLSUnsupported
	case errors.As(err, &invalid), errors.As(err, &verify), errors.As(err, &record), errors.As(err, &alert),
		strings.HasPrefix(err.Error(), "tls: "), strings.HasPrefix(err.Error(), "remote error: tls: "):
		return TLSFailed
	}
	return ""
}

func hasNoSAN(c *x509.Certificate) bool {
	return len(c.DNSNames) == 0 && len(c.IPAddresses) == 0 && len(c.URIs) == 0
}

// fault wraps an error with what was being done; it is nil for nil.
func fault(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return &Fault{Cause: CauseOf(err), Doing: fmt.Sprintf(format, args...), Err: err}
}
