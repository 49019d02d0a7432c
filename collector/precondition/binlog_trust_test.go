package precondition_test

import (
	"testing"

	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/collector/mysqltest"
	"magento_migration_exporter/collector/shoptest"
)

func TestBinlogTrust(t *testing.T) {
	t.Parallel()
	server := mysqltest.New(t, mysqltest.Options{Args: []string{"--log-bin=binlog", "--server-id=1"}})
	s := newShop(t, shoptest.With("privileges"), func(s *shoptest.Shop) { s.Server1 = server })
	f := s.WantFinding("binlog_trust", finding.Fail, "1419", "my.cnf")
	s.WantValue(1, "binlog_enabled")
	s.WantValue(0, "binlog_trust")
	if got := s.State("privileges").Result.Status; got != finding.Pass {
		t.Errorf("privileges is %s: trust is not its business", got)
	}
	statements := sqlLines(f.Remedy)
	if len(statements) != 2 {
		t.Fatalf("remedy: %q", f.Remedy)
	}
	s.Exec(server, statements[0])
	s.WantFinding("binlog_trust", finding.Pass, "it is unknown whether log_bin_trust_function_creators survives a restart", "my.cnf")
	s.WantValue(1, "binlog_trust")
	s.Exec(server, "SET GLOBAL log_bin_trust_function_creators=0")
	s.Want("binlog_trust", finding.Fail)
	s.Exec(server, statements[1])
	s.Want("binlog_trust", finding.Pass)
	s.WantValue(1, "binlog_trust")
	s.Exec(server, "REVOKE SUPER ON *.* FROM '"+s.User+"'@'%'")
	s.Want("binlog_trust", finding.Fail)
	if err := server.Restart(t.Context(), "--log-bin-trust-function-creators=1"); err != nil {
		t.Fatal(err)
	}
	s.Want("binlog_trust", finding.Pass)
	s.WantValue(1, "binlog_trust")
}

func TestBinlogTrustWithoutALog(t *testing.T) {
	t.Parallel()
	s := newShop(t, func(s *shoptest.Shop) { s.Server1 = s.Server2 })
	s.Want("binlog_trust", finding.Pass)
	s.WantValue(0, "binlog_enabled")
	s.WantValue(1, "binlog_trust")
	s.Migration.Magento1.Database.Host = "no-such-host.invalid"
	s.WantFinding("binlog_trust", finding.Unknown, "network")
	s.WantAbsent("binlog_trust")
	s.WantAbsent("binlog_enabled")
}
