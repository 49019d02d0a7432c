package service

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"magento_migration_exporter/collector/leaktest"
	"magento_migration_exporter/collector/mysqltest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// patience is how long a test waits for what has to happen. Nothing is measured with it.
const patience = 10 * time.Minute

func limited(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// answering serves one answer over HTTP.
func answering(t *testing.T, status int, header, body string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if header != "" {
			w.Header().Set("Via", header)
		}
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// speaking accepts one connection, writes a text and ends its side; with hold, it ends it only with the test.
// The channel is closed when somebody has connected.
func speaking(t *testing.T, text string, hold bool) (address string, connected <-chan struct{}) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	accepted, served, ended := make(chan struct{}), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(served)
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		close(accepted)
		_, _ = conn.Write([]byte(text))
		if hold {
			<-ended
			return
		}
		// Closing with something left to read would send a reset, which can overtake the text.
		_ = conn.(*net.TCPConn).CloseWrite()
		_, _ = io.Copy(io.Discard, conn)
	}()
	t.Cleanup(func() {
		close(ended)
		_ = l.Close()
		<-served
	})
	return l.Addr().String(), accepted
}

func freePort(t *testing.T) int {
	t.Helper()
	port, err := mysqltest.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// start runs a server until the test ends.
func start(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	// A group of its own, since some servers are started by scripts that stay.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL); _ = cmd.Wait() })
}

// eventually asks until there is an answer.
func eventually(t *testing.T, ask func(context.Context) (Service, error)) Service {
	t.Helper()
	for patient := limited(t); ; time.Sleep(50 * time.Millisecond) {
		ctx, cancel := context.WithTimeout(patient, 10*time.Second)
		s, err := ask(ctx)
		cancel()
		if err == nil {
			return s
		}
		if patient.Err() != nil {
			t.Fatal(err)
		}
	}
}

// answerOf waits for a result, and fails the test when none comes.
func answerOf(t *testing.T, what string, ask func() error) error {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- ask() }()
	select {
	case err := <-done:
		return err
	case <-time.After(patience):
		t.Fatal(what + " does not return")
		return nil
	}
}
