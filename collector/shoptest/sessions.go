package shoptest

import (
	"time"

	"magento_migration_exporter/collector/mysqltest"
)

// WaitForSessions waits until nobody but root has a session on a server. Then the server has also done what it does
// after its last answer to a client, such as counting a login that it has refused.
func (s *Shop) WaitForSessions(server *mysqltest.Server) {
	s.T.Helper()
	const others = "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE USER NOT IN " +
		"('root', 'event_scheduler', 'system user')"
	for deadline := time.Now().Add(unhurried); ; time.Sleep(5 * time.Millisecond) {
		var n int
		if err := s.Root(server).QueryRowContext(s.T.Context(), others).Scan(&n); err != nil {
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
