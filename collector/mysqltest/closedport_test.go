package mysqltest

import (
	"errors"
	"net"
	"strconv"
	"syscall"
	"testing"
)

// TestClosedPort connects to it, and tries to listen there as somebody else would.
func TestClosedPort(t *testing.T) {
	t.Parallel()
	address := net.JoinHostPort(loopback, strconv.Itoa(ClosedPort(t)))
	if _, err := net.Dial("tcp4", address); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("connecting: %v", err)
	}
	if _, err := net.Listen("tcp4", address); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("listening: %v", err)
	}
}
