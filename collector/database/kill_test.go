package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"magento_migration_exporter/collector/mysqltest"
)

// patience is far above what any server needs for what a test waits for.
const patience = 10 * time.Minute

// waitFor waits for a state.
func waitFor(t *testing.T, what string, reached func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !reached(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

// running counts the statements of a session that the server works on.
func running(t *testing.T, server *mysqltest.Server, id uint64) (n int) {
	t.Helper()
	root, err := server.Root(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	const query = "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE ID = ? AND COMMAND <> 'Sleep'"
	if err := root.QueryRowContext(t.Context(), strings.Replace(query, "?", fmt.Sprint(id), 1)).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// holdTable makes everything wait that needs shop.t, also for as long as PREPARE needs it: a transaction reads it, and
// DROP TABLE waits for its end.
func holdTable(t *testing.T, server *mysqltest.Server) {
	t.Helper()
	root, err := server.Root(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	transaction, err := root.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var n int
	if err := transaction.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM shop.t").Scan(&n); err != nil {
		t.Fatal(err)
	}
	drop, err := root.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var id uint64
	if err := drop.QueryRowContext(t.Context(), "SELECT CONNECTION_ID()").Scan(&id); err != nil {
		t.Fatal(err)
	}
	var waiting sync.WaitGroup
	waiting.Go(func() { _, _ = drop.ExecContext(context.WithoutCancel(t.Context()), "DROP TABLE shop.t") })
	t.Cleanup(func() {
		_ = transaction.Rollback()
		waiting.Wait()
		_ = drop.Close()
	})
	waitFor(t, "DROP TABLE waits for the transaction", func() bool {
		var state string
		row := root.QueryRowContext(t.Context(), fmt.Sprint(
			"SELECT COALESCE(MAX(STATE), '') FROM information_schema.PROCESSLIST WHERE ID = ", id))
		if err := row.Scan(&state); err != nil {
			t.Fatal(err)
		}
		return state == "Waiting for table metadata lock"
	})
}

// TestStatementsEndOnTheServer sends statements that wait for a lock, by each of the ways to send one. A server that
// waits for a lock, as opposed to one that sleeps, does not notice that the client has gone.
func TestStatementsEndOnTheServer(t *testing.T) {
	t.Parallel()
	eachServer(t, func(t *testing.T, server *mysqltest.Server) {
		holdTable(t, server)
		var n int
		for name, send := range map[string]func(context.Context, *Session) error{
			"Row": func(ctx context.Context, s *Session) error {
				return s.Row(ctx, "SELECT id FROM shop.t WHERE id > ?", []any{0}, &n)
			},
			"Exec": func(ctx context.Context, s *Session) error {
				return s.Exec(ctx,
					"DO (SELECT COUNT(*) FROM shop.t)")
			},
			"Rows": func(ctx context.Context, s *Session) error {
				return s.Rows(ctx, "SELECT id FROM shop.t", nil, func(func(...any) error) error { return nil })
			},
			"Check": func(ctx context.Context, s *Session) error { return s.Check(ctx, "SELECT * FROM shop.t") },
		} {
			for _, probing := range []bool{false, true} {
				o := options()
				o.Probing = probing
				s := open(t, server, o)
				if err := s.Exec(t.Context(), "SET SESSION lock_wait_timeout=3600"); err != nil {
					t.Fatal(err)
				}
				s.options.StatementTimeout = time.Millisecond // from here on: a login takes longer
				if err := send(t.Context(), s); CauseOf(err) != Timeout {
					t.Errorf("%s, probing %t: %v", name, probing, err)
				}
				waitFor(t, fmt.Sprintf("the statement of %s ends on the server", name), func() bool {
					return running(t,
						server, s.id) == 0
				})
			}
		}
	})
}

// TestServerEndsStatements gives the server the time to do so by itself, where it can. A server without a limit of its
// own still has its statement when the session gives up.
func TestServerEndsStatements(t *testing.T) {
	t.Parallel()
	eachServer(t, func(t *testing.T, server *mysqltest.Server) {
		s := open(t, server, options())
		limits := len(s.Version.limits(time.Second))
		if (limits == 0) != (server.Flavor() == mysqltest.MySQL56) || limits > 1 {
			t.Fatalf("%s has %d limits of its own", s.Version, limits)
		}
		if server.Flavor() == mysqltest.MySQL56 {
			return // TestStatementsEndOnTheServer has it
		}
		s.options.StatementTimeout = 10 * time.Second
		if err := s.set(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.options.StatementTimeout = time.Hour
		var n int
		// An interrupted SLEEP is no error everywhere.
		if err := s.Row(t.Context(), "SELECT SLEEP(3600) FROM t", nil, &n); err != nil && CauseOf(err) != Timeout {
			t.Error(err)
		}
		if err := s.Row(t.Context(), "SELECT COUNT(*) FROM t", nil, &n); err != nil || n != 2 {
			t.Errorf("the session goes on: %d, %v", n, err)
		}
	})
}

// TestGivingUpEarlyEndsTheStatement is an evaluation that ends before the statement's own limit.
func TestGivingUpEarlyEndsTheStatement(t *testing.T) {
	t.Parallel()
	eachServer(t, func(t *testing.T, server *mysqltest.Server) {
		holdTable(t, server)
		o := options()
		o.StatementTimeout = time.Hour
		s := open(t, server, o)
		if err := s.Exec(t.Context(), "SET SESSION lock_wait_timeout=3600"); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var sent sync.WaitGroup
		sent.Go(func() {
			var n int
			if err := s.Row(ctx, "SELECT COUNT(*) FROM t", nil, &n); CauseOf(err) != Timeout {
				t.Errorf("%v", err)
			}
		})
		waitFor(t, "the statement runs", func() bool { return running(t, server, s.id) == 1 })
		cancel()
		sent.Wait()
		waitFor(t, "the statement ends on the server", func() bool { return running(t, server, s.id) == 0 })
	})
}

// TestKillSparesOthers is a load balancer that leads to another server, on which the connection's number is somebody
// else's.
func TestKillSparesOthers(t *testing.T) {
	t.Parallel()
	eachServer(t, func(t *testing.T, server *mysqltest.Server) {
		root, err := server.Root(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		other, err := root.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer other.Close()
		var id uint64
		if err := other.QueryRowContext(t.Context(), "SELECT CONNECTION_ID()").Scan(&id); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var migrating sync.WaitGroup
		migrating.Go(func() { _, _ = other.ExecContext(ctx, "DO SLEEP(3600) /* the tool's */") })
		defer migrating.Wait()
		defer cancel()
		waitFor(t, "the other statement runs", func() bool { return running(t, server, id) == 1 })
		s := open(t, server, options())
		own := s.id
		s.id = id
		if err := s.killOn(t.Context(), "SELECT COUNT(*) FROM t"); err == nil || running(t, server, id) != 1 {
			t.Errorf("the other statement was killed: %v", err)
		}
		if err := s.killOn(t.Context(), "DO SLEEP(3600) /* the tool's */"); err != nil {
			t.Error(err)
		}
		waitFor(t, "a statement is killed", func() bool { return running(t, server, id) == 0 })
		s.id = own
	})
}

func TestSameStatement(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		shown, query string
		want         bool
	}{
		{"SELECT 1 FROM t", "SELECT 1 FROM t", true},
		{"SELECT 1 FROM t WHERE id = 7", "SELECT 1 FROM t WHERE id = ?", true},
		{"SELECT 1 FR", "SELECT 1 FROM t WHERE id = ?", true}, // cut
		{"SELECT 2", "SELECT 1 FROM t", false},
		{"", "SELECT 1", false},
	} {
		if got := sameStatement(test.shown, test.query); got != test.want {
			t.Errorf("%q and %q: %t", test.shown, test.query, got)
		}
	}
}

// TestTimesAreOfTheLogin kills a statement, which needs a login of its own, while others read how long the session's
// took.
func TestTimesAreOfTheLogin(t *testing.T) {
	t.Parallel()
	eachServer(t, func(t *testing.T, server *mysqltest.Server) {
		o := options()
		o.StatementTimeout = time.Hour
		s := open(t, server, o)
		before := s.Timing
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		done := make(chan struct{})
		go func() {
			defer close(done)
			var n int
			_ = s.Row(ctx, "SELECT SLEEP(3600)", nil, &n)
		}()
		waitFor(t, "the statement runs", func() bool { return running(t, server, s.id) == 1 })
		cancel()
		for {
			select {
			case <-done:
				if s.Timing != before {
					t.Errorf("the login took %+v, and after a kill %+v", before, s.Timing)
				}
				return
			default:
				_ = s.Timing.Total()
			}
		}
	})
}

// TestCloseWhileAStatementRuns is an evaluation that gives up: the race detector watches.
func TestCloseWhileAStatementRuns(t *testing.T) {
	t.Parallel()
	eachServer(t, func(t *testing.T, server *mysqltest.Server) {
		o := options()
		o.StatementTimeout = time.Hour
		s := open(t, server, o)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var sent sync.WaitGroup
		sent.Go(func() {
			var n int
			if err := s.Row(ctx, "SELECT SLEEP(3600)", nil, &n); CauseOf(err) != Timeout {
				t.Errorf("%v", err)
			}
		})
		waitFor(t, "the statement runs", func() bool { return running(t, server, s.id) == 1 })
		cancel()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		sent.Wait()
		var n int
		if err := s.Row(t.Context(), "SELECT 1", nil, &n); CauseOf(err) != Timeout && !errors.Is(err, sql.ErrConnDone) {
			t.Errorf("after the end: %v", err)
		}
	})
}
