package collector

import (
	"testing"

	"magento_migration_exporter/collector/mysqltest"
)

func TestBinlogTrust(t *testing.T) {
	t.Parallel()
	server := mysqltest.New(t, mysqltest.Options{Args: []string{"--log-bin=binlog", "--server-id=1"}})
	s := newShop(t, func(s *shop) { s.server1 = server })
	f := s.wantFinding("binlog_trust", Fail, "1419", "my.cnf")
	s.wantValue(1, binlogEnabled)
	s.wantValue(0, binlogTrust)
	if got := s.board.Snapshot()[0].precondition("privileges").Result.Status; got != Pass {
		t.Errorf("privileges is %s: trust is not its business", got)
	}
	statements := sqlLines(f.Remedy)
	if len(statements) != 2 {
		t.Fatalf("remedy: %q", f.Remedy)
	}
	s.exec(server, statements[0])
	s.wantFinding("binlog_trust", Warn, "after a restart", "my.cnf")
	s.wantValue(1, binlogTrust)
	s.exec(server, "SET GLOBAL log_bin_trust_function_creators=0")
	s.want("binlog_trust", Fail)
	s.exec(server, statements[1])
	s.want("binlog_trust", Pass)
	s.wantValue(1, binlogTrust)
	s.exec(server, "REVOKE SUPER ON *.* FROM '"+s.user+"'@'%'")
	s.want("binlog_trust", Fail)
	if err := server.Restart(t.Context(), "--log-bin-trust-function-creators=1"); err != nil {
		t.Fatal(err)
	}
	s.want("binlog_trust", Pass)
	s.wantValue(1, binlogTrust)
}

func TestBinlogTrustWithoutALog(t *testing.T) {
	t.Parallel()
	s := newShop(t, func(s *shop) { s.server1 = s.server2 })
	s.want("binlog_trust", Pass)
	s.wantValue(0, binlogEnabled)
	s.wantValue(1, binlogTrust)
	s.migration.Magento1.Database.Host = "no-such-host.invalid"
	s.wantFinding("binlog_trust", Unknown, "network")
	s.wantAbsent(binlogTrust)
	s.wantAbsent(binlogEnabled)
}
