package shoptest

import (
	"time"

	"magento_migration_exporter/collector/mysqltest"
)

// WaitForSessions waits until nobody but root has a session on a server. Then the server has also done what it does
// after its last answer to a client, such as counting a login that it has refused.
func (s *Shop) WaitForSessions(server *mysqltest.Server) {
	s.T.Helper()
	s.waitForNone(server, "USER NOT IN ('root', 'event_scheduler', 'system user')")
}

// WaitForOwnSessions waits until the shop's account has no session: a server ends one some time after its client has
// left, and what begins as a new process would take it for somebody else's.
func (s *Shop) WaitForOwnSessions() {
	s.T.Helper()
	for _, server := range []*mysqltest.Server{s.Server1, s.Server2} {
		s.waitForNone(server, "USER = ?", s.User)
	}
}

func (s *Shop) waitForNone(server *mysqltest.Server, condition string, args ...any) {
	s.T.Helper()
	query := "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE " + condition
	for deadline := time.Now().Add(unhurried); ; time.Sleep(5 * time.Millisecond) {
		var n int
		if err := s.Root(server).QueryRowContext(s.T.Context(), query, args...).Scan(&n); err != nil {
			s.T.Fatal(err)
		}
		if n == 0 {
			return
		}
		if time.Now().After(deadline) {
			s.T.Fatalf("%d sessions are still on the server", n)
		}
	}
}
