package mysqltest

import (
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
)

// greeter is a TCP server that says a text to whoever connects, and hangs up after the client's first byte.
func greeter(t *testing.T, text string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() { l.Close(); <-done })
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			// What fails here fails for the client too, where it is looked at.
			_, _ = io.WriteString(conn, text)
			_, _ = conn.Read(make([]byte, 1))
			_ = conn.Close()
		}
	}()
	return l.Addr().String()
}

func proxyTo(t *testing.T, upstream string) *Proxy {
	t.Helper()
	p, err := StartProxy(t.Context(), upstream)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Stop)
	return p
}

func dial(t *testing.T, address string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func TestProxyFaults(t *testing.T) {
	t.Parallel()
	upstream := greeter(t, "hello")
	p := proxyTo(t, upstream)
	address := p.Addr()
	for range 2 { // from every fault back, and the same again
		for fault, want := range map[Fault]string{NoFault: "hello", BlackHole: "", Reset: "either"} {
			if err := p.Set(t.Context(), upstream, fault); err != nil {
				t.Fatal(err)
			}
			conn := dial(t, p.Addr())
			if _, err := io.WriteString(conn, "x"); err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(conn)
			if reset := errors.Is(err, syscall.ECONNRESET); reset != (fault == Reset) || !reset && string(got) != want {
				t.Errorf("fault %d: got %q and %v", fault, got, err)
			}
			conn.Close()
		}
	}
	if p.Addr() != address {
		t.Errorf("the address is %s, was %s", p.Addr(), address)
	}
}

// A dripping proxy has not passed thousands of bytes when the first has arrived, and changing the fault cuts the
// connection.
func TestProxyDrips(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("x", 5000)
	upstream := greeter(t, text)
	p := proxyTo(t, upstream)
	if err := p.Set(t.Context(), upstream, Drip); err != nil {
		t.Fatal(err)
	}
	conn := dial(t, p.Addr())
	if _, err := io.ReadFull(conn, make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	other := greeter(t, "other")
	if err := p.Set(t.Context(), other, NoFault); err != nil {
		t.Fatal(err)
	}
	if rest, err := io.ReadAll(conn); len(rest) >= len(text)-1 {
		t.Errorf("all arrived (%v)", err)
	}
	got := make([]byte, len("other"))
	if _, err := io.ReadFull(dial(t, p.Addr()), got); string(got) != "other" {
		t.Errorf("the proxy leads to %q, %v", got, err)
	}
}

func TestProxyStops(t *testing.T) {
	t.Parallel()
	p := proxyTo(t, greeter(t, "hello"))
	pid := p.process.cmd.Process.Pid
	for range 2 {
		p.Stop()
	}
	if running(pid) {
		t.Errorf("process %d is still there", pid)
	}
	if conn, err := net.Dial("tcp", p.Addr()); err == nil {
		conn.Close()
		t.Error("the proxy accepts connections")
	}
}

func TestProxyMissing(t *testing.T) {
	t.Chdir("/")
	if _, err := StartProxy(t.Context(), "127.0.0.1:1"); err == nil || !strings.Contains(err.Error(), "go.mod") {
		t.Errorf("outside the project: %v", err)
	}
}
