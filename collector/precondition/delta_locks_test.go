package precondition_test

import (
	"context"
	"database/sql"
	"testing"
	"time"

	"magento_migration_exporter/collector/finding"
)

// connection is one of an administrator, in Magento 1's database. At the end of the test it has no transaction and no
// lock any more: it goes back to those that other tests have.
func (s *shop) connection() *sql.Conn {
	s.T.Helper()
	c, err := s.Root(s.Server1).Conn(s.T.Context())
	s.Must(err)
	s.T.Cleanup(func() {
		for _, statement := range []string{"ROLLBACK", "UNLOCK TABLES"} {
			if _, err := c.ExecContext(context.Background(), statement); err != nil {
				s.T.Error(err)
			}
		}
		_ = c.Close()
	})
	s.on(c, "USE `"+s.DB1+"`")
	return c
}

func (s *shop) on(c *sql.Conn, statements ...string) {
	s.T.Helper()
	for _, statement := range statements {
		if _, err := c.ExecContext(s.T.Context(), statement); err != nil {
			s.T.Fatalf("%s: %v", statement, err)
		}
	}
}

// wantThreads waits until so many threads of the server are as the condition says.
func (s *shop) wantThreads(want int, condition string, args ...any) {
	s.T.Helper()
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(20 * time.Millisecond) {
		var n int
		s.Must(s.Root(s.Server1).QueryRowContext(s.T.Context(),
			"SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE "+condition, args...).Scan(&n))
		if n == want {
			return
		}
		if time.Now().After(deadline) {
			s.T.Fatalf("%d threads with %s, want %d", n, condition, want)
		}
	}
}

// wantUnknownUnderALock evaluates while a log table is locked: the evaluation ends at its limit, and leaves nothing on
// the server that waits, too.
func (s *shop) wantUnknownUnderALock() {
	s.T.Helper()
	s.EvaluateHung(map[string]finding.Status{"network": finding.Pass, "delta_backlog": finding.Unknown}, "delta_backlog")
	s.wantThreads(0, "USER = ?", s.User)
}

// TestDeltaUnderALockedTable cannot read a log table that somebody has locked, or changes.
func TestDeltaUnderALockedTable(t *testing.T) {
	t.Parallel()
	s := newDeltaPhase(t)
	s.Want("delta_backlog", finding.Pass)
	holder := s.connection()
	s.on(holder, "LOCK TABLES m2_cl_review WRITE")
	s.wantUnknownUnderALock()
	s.on(holder, "UNLOCK TABLES")
	s.Want("delta_backlog", finding.Pass)
	s.Has("delta_log", finding.Pass)

	// An ALTER waits for a transaction that has read the table, and everybody else waits for the ALTER.
	s.on(holder, "START TRANSACTION", "SELECT * FROM m2_cl_review")
	altered := make(chan error, 1)
	alter := s.connection()
	go func() {
		_, err := alter.ExecContext(t.Context(), "ALTER TABLE m2_cl_review ADD COLUMN note INT")
		altered <- err
	}()
	s.wantThreads(1, "INFO LIKE 'ALTER TABLE m2%' AND STATE LIKE 'Waiting for table metadata lock%' AND DB = ?", s.DB1)
	s.wantUnknownUnderALock()
	s.on(holder, "ROLLBACK")
	s.Must(<-altered)
	s.Want("delta_backlog", finding.Pass)
	s.Has("delta_log", finding.Pass)
}

// TestDeltaBesideALongTransaction sees what was committed, and neither waits nor is in the way.
func TestDeltaBesideALongTransaction(t *testing.T) {
	t.Parallel()
	s := newDeltaPhase(t)
	writer := s.connection()
	s.on(writer, "START TRANSACTION", "UPDATE sales_flat_order SET status = CONCAT('x', status)",
		"SELECT * FROM m2_cl_sales_flat_order FOR UPDATE", "SELECT * FROM customer_entity FOR UPDATE")
	for range 2 {
		s.later(time.Minute)
		s.Want("delta_backlog", finding.Pass)
		s.Has("delta_log", finding.Pass)
	}
	s.WantValue(0, "delta_pending_rows", "map")
	s.on(writer, "UPDATE customer_entity SET email = CONCAT('x', email)", "COMMIT")
	s.Want("delta_backlog", finding.Warn)
	s.Has("delta_log", finding.Pass)
}
