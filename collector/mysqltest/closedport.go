package mysqltest

import (
	"net/netip"
	"os"
	"syscall"
	"testing"
)

// ClosedPort returns a TCP port of 127.0.0.1 that refuses connections until the test ends. It is taken, so that nothing
// else listens on it meanwhile, and nobody listens on it.
func ClosedPort(t testing.TB) int {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(os.NewSyscallError("socket", err))
	}
	t.Cleanup(func() { _ = syscall.Close(fd) })
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: netip.MustParseAddr(loopback).As4()}); err != nil {
		t.Fatal(os.NewSyscallError("bind", err))
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(os.NewSyscallError("getsockname", err))
	}
	return name.(*syscall.SockaddrInet4).Port
}
