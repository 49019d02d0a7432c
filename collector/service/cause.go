package service

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"syscall"
)

// Cause is the kind of reason why a server or program did not give its version. Its text completes a sentence that
// begins with the server's name: "opensearch:9200 refuses the connection".
type Cause string

// The causes. An error without one of these has the empty Cause.
const (
	// InvalidAddress is text that is no address, so that nothing was asked.
	InvalidAddress Cause = "has an address that is not valid"
	// NameUnknown is a host name that the resolver does not know, or cannot look up.
	NameUnknown Cause = "has a host name that cannot be resolved"
	// Refused is a host that answers and has no server at this port, or a socket file without a server.
	Refused Cause = "refuses the connection"
	// Unreachable is a host or network to which there is no route.
	Unreachable Cause = "is not reachable"
	// TimedOut is an answer that did not come within the time limit.
	TimedOut Cause = "does not answer in time"
	// Closed is a connection that the server ended without an answer, as one does that speaks TLS only.
	Closed Cause = "closes the connection without an answer"
	// TLSFailed is a failed TLS handshake: a certificate that is not trusted, or a server that does not speak TLS.
	TLSFailed Cause = "fails the TLS handshake"
	// LoginWanted is a server that answers nobody without a login, or refuses the one that it was given.
	LoginWanted Cause = "wants a login"
	// Failing is a server that answers with an error of its own, such as 503.
	Failing Cause = "answers with an error"
	// OtherServer is a server of another kind than the one that was expected.
	OtherServer Cause = "is another kind of server"
	// NoVersion is a server of the right kind whose answer has no version.
	NoVersion Cause = "does not give its version"
	// NotFound is a program or socket file that is not there.
	NotFound Cause = "is not there"
	// NotPermitted is a program or socket file that the exporter's user may not use.
	NotPermitted Cause = "may not be used by the exporter's user"
)

// Error is an error with its Cause.
type Error struct {
	Cause Cause
	err   error
}

// Error implements error.
func (e *Error) Error() string { return e.err.Error() }

// Unwrap returns the error that the cause was found in.
func (e *Error) Unwrap() error { return e.err }

// CauseOf returns the cause of an error of this package, empty where the error has none of them.
func CauseOf(err error) Cause {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Cause
	}
	return ""
}

// because returns an error with a cause that only the caller knows.
func because(cause Cause, err error) error { return &Error{Cause: cause, err: err} }

// becausef is because for a new error.
func becausef(cause Cause, format string, args ...any) error {
	return because(cause, fmt.Errorf(format, args...))
}

// classified adds the cause that an error of the operating system, the resolver or TLS has. It leaves errors that have
// one.
func classified(err error) error {
	if err == nil || CauseOf(err) != "" {
		return err
	}
	if cause := causeOfSystemError(err); cause != "" {
		return because(cause, err)
	}
	return err
}

func causeOfSystemError(err error) Cause {
	var timeout net.Error
	unresolved, isResolver := errors.AsType[*net.DNSError](err)
	switch {
	case isResolver && strings.HasPrefix(unresolved.Name, "tcp/"): // the name of a port
		return InvalidAddress
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled),
		errors.As(err, &timeout) && timeout.Timeout(), errors.Is(err, syscall.ETIMEDOUT):
		return TimedOut
	case isResolver:
		return NameUnknown
	case errors.Is(err, syscall.ECONNREFUSED):
		return Refused
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return Unreachable
	case isTLSError(err):
		return TLSFailed
	case isClosed(err):
		return Closed
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, exec.ErrNotFound):
		return NotFound
	case errors.Is(err, fs.ErrPermission):
		return NotPermitted
	}
	return ""
}

// isTLSError reports whether a TLS handshake failed. Most of crypto/tls's errors have no type, only a common beginning
// of their text.
func isTLSError(err error) bool {
	_, certificate := errors.AsType[*tls.CertificateVerificationError](err)
	return certificate || errors.Is(err, http.ErrSchemeMismatch) || strings.Contains(err.Error(), "tls: ")
}

// isClosed reports whether the other side ended the connection. The error of net/http for that is not exported.
func isClosed(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) ||
		errors.Is(err, syscall.EPIPE) || strings.Contains(err.Error(), "http: server closed idle connection")
}
