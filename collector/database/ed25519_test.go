package database

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"

	"magento_migration_exporter/collector/mysqltest"
)

// challenges passes connections on to a server, and counts the challenges for ed25519 that end in a zero.
type challenges struct {
	net.Listener
	server string
	zeros  atomic.Int64
}

func newChallenges(t *testing.T, server *mysqltest.Server) *challenges {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &challenges{Listener: l, server: fmt.Sprintf("127.0.0.1:%d", server.Port())}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			serving.Go(func() { c.serve(t, client) })
		}
	})
	t.Cleanup(func() { _ = l.Close(); serving.Wait() })
	return c
}

// serve ends when either side has closed its connection.
func (c *challenges) serve(t *testing.T, client net.Conn) {
	server, err := net.Dial("tcp4", c.server)
	if err != nil {
		t.Error(err)
		_ = client.Close()
		return
	}
	var both sync.WaitGroup
	pass := func(from, to net.Conn, see io.Writer) {
		_, _ = io.Copy(io.MultiWriter(to, see), from)
		_, _ = client.Close(), server.Close()
	}
	both.Go(func() { pass(client, server, io.Discard) })
	both.Go(func() { pass(server, client, &challenge{of: c}) })
	both.Wait()
}

// challenge looks for the challenge in what one connection's server says.
type challenge struct {
	of   *challenges
	said []byte
}

// Write implements io.Writer.
func (c *challenge) Write(p []byte) (int, error) {
	if c.of == nil {
		return len(p), nil
	}
	c.said = append(c.said, p...)
	const name, length = "client_ed25519\x00", 32
	if i := bytes.Index(c.said, []byte(name)); i >= 0 && len(c.said) >= i+len(name)+length {
		if c.said[i+len(name)+length-1] == 0 {
			c.of.zeros.Add(1)
		}
		c.of, c.said = nil, nil
	}
	return len(p), nil
}

// TestEachLoginByEd25519Succeeds logs in until the server has sent a challenge that the driver cuts.
func TestEachLoginByEd25519Succeeds(t *testing.T) {
	t.Parallel()
	onServer(t, mysqltest.MariaDB, func(t *testing.T, server *mysqltest.Server) {
		root := func(statements ...string) {
			if err := server.Exec(context.WithoutCancel(t.Context()), statements...); err != nil {
				t.Fatal(err)
			}
		}
		root("INSTALL SONAME 'auth_ed25519'")
		t.Cleanup(func() { root("DROP USER IF EXISTS ed", "UNINSTALL SONAME 'auth_ed25519'") })
		root("CREATE USER ed IDENTIFIED VIA ed25519 USING PASSWORD('pw')")
		c := newChallenges(t, server)
		e := Endpoint{Host: "127.0.0.1", Port: c.Addr().(*net.TCPAddr).Port, User: "ed", Password: "pw"}
		o := options()
		o.Probing = true
		for c.zeros.Load() == 0 {
			s, err := Open(t.Context(), e, o)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		}
	})
}
