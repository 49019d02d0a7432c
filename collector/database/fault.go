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
	"strings"
	"syscall"

	"github.com/go-sql-driver/mysql"
)

// Cause is why a database could not be used: each needs another hand to mend it.
type Cause string

// The causes. The numbers are the server's error numbers.
const (
	NameNotFound       Cause = "name not found"       // DNS
	Refused            Cause = "refused"              // nothing listens
	Timeout            Cause = "timeout"              // no answer in time
	Unreachable        Cause = "unreachable"          // no route
	LoginInHost        Cause = "login in host"        // a URL or DSN where only the host is expected
	SocketMissing      Cause = "socket missing"       // no Unix socket where PHP would look
	SocketDenied       Cause = "socket denied"        // the socket's permissions
	TLSFailed          Cause = "TLS failed"           // certificate, protocol, or a server without TLS
	TLSFiles           Cause = "TLS files"            // ca_file, cert_file or key_file cannot be read
	TLSRequired        Cause = "TLS required"         // 3159
	AccessDenied       Cause = "access denied"        // 1045, 1698
	HostNotAllowed     Cause = "host not allowed"     // 1130
	HostBlocked        Cause = "host blocked"         // 1129
	TooManyConnections Cause = "too many connections" // 1040
	AccountLimit       Cause = "account limit"        // 1203, 1226
	PasswordExpired    Cause = "password expired"     // 1862, 1820
	AccountLocked      Cause = "account locked"       // 3118, 4151
	AuthPlugin         Cause = "authentication plugin"
	UnknownDatabase    Cause = "unknown database" // 1049
	DatabaseDenied     Cause = "database denied"  // 1044
	Lost               Cause = "connection lost"
	DiskFull           Cause = "disk full"     // 1021, 1114
	TableDamaged       Cause = "table damaged" // 126, 127, 144, 145, 1034, 1035, 1194, 1195, 1712, 1932
	Other              Cause = "other"
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

var causeOfNumber = map[uint16]Cause{
	1053: Lost, 1927: Lost, 1969: Timeout, 3024: Timeout, 1021: DiskFull, 1114: DiskFull,
	126: TableDamaged, 127: TableDamaged, 144: TableDamaged, 145: TableDamaged, // these four are the storage engines' own
	1034: TableDamaged, 1035: TableDamaged, 1194: TableDamaged, 1195: TableDamaged, 1712: TableDamaged, 1932: TableDamaged,
	1040: TooManyConnections, 1044: DatabaseDenied, 1045: AccessDenied, 1049: UnknownDatabase,
	1129: HostBlocked, 1130: HostNotAllowed, 1203: AccountLimit, 1226: AccountLimit, 1251: AuthPlugin, 1524: AuthPlugin,
	1698: AccessDenied, 1820: PasswordExpired, 1862: PasswordExpired, 2059: AuthPlugin, 3118: AccountLocked, 3159: TLSRequired, 4151: AccountLocked,
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

// noSpace is how the operating system's ENOSPC reads in the servers' messages.
var noSpace = regexp.MustCompile(`\b(?:Errcode|errno|error):? 28\b`)

func causeOfServer(number uint16, err error) Cause {
	if cause, ok := causeOfNumber[number]; ok {
		return cause
	}
	if noSpace.MatchString(err.Error()) {
		return DiskFull
	}
	return Other
}

func causeOfNetwork(err error) Cause {
	var dns *net.DNSError
	var timeout net.Error
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
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled), errors.As(err, &timeout) && timeout.Timeout():
		return Timeout
	case isTLS(err):
		return TLSFailed
	case errors.Is(err, mysql.ErrUnknownPlugin), errors.Is(err, mysql.ErrOldPassword), errors.Is(err, mysql.ErrNativePassword), errors.Is(err, mysql.ErrCleartextPassword):
		return AuthPlugin
	case errors.Is(err, driver.ErrBadConn), errors.Is(err, sql.ErrConnDone), errors.Is(err, mysql.ErrInvalidConn), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return Lost
	}
	return Other
}

func isTLS(err error) bool {
	var (
		authority x509.UnknownAuthorityError
		hostname  x509.HostnameError
		invalid   x509.CertificateInvalidError
		verify    *tls.CertificateVerificationError
		record    tls.RecordHeaderError
		alert     tls.AlertError
	)
	return errors.As(err, &authority) || errors.As(err, &hostname) || errors.As(err, &invalid) || errors.As(err, &verify) ||
		errors.As(err, &record) || errors.As(err, &alert) || errors.Is(err, mysql.ErrNoTLS) || strings.HasPrefix(err.Error(), "tls: ")
}

// fault wraps an error with what was being done; it is nil for nil.
func fault(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return &Fault{Cause: CauseOf(err), Doing: fmt.Sprintf(format, args...), Err: err}
}
