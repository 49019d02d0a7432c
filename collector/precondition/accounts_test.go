package precondition_test

import (
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"testing"

	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/collector/mysqltest"
	"magento_migration_exporter/collector/shoptest"
	"magento_migration_exporter/config"
	"magento_migration_exporter/docs"
)

// documentedAccounts are the blocks of statements in the documentation's section on accounts: the tool's account on
// Magento 1's server, the binary log, the tool's account on Magento 2's server, an account of the exporter's own on
// both, and what shows other accounts.
func documentedAccounts(t *testing.T) []string {
	t.Helper()
	text, err := fs.ReadFile(docs.Sources(), "configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	section := regexp.MustCompile(`(?s)## Accounts \{#accounts\}\n(.*?)\n## `).FindStringSubmatch(string(text))
	if section == nil {
		t.Fatal("docs/configuration.md has no section on accounts")
	}
	var blocks []string
	for _, m := range regexp.MustCompile("(?s)```sql\n(.*?)```").FindAllStringSubmatch(section[1], -1) {
		blocks = append(blocks, m[1])
	}
	if len(blocks) != 6 {
		t.Fatalf("the section on accounts has %d blocks of statements: %q", len(blocks), blocks)
	}
	return blocks
}

// paste runs a block of the documentation on a server, with this shop's names in the place of the examples.
func (s *shop) paste(server *mysqltest.Server, block string) {
	s.T.Helper()
	names := strings.NewReplacer("'migration'@'10.0.0.5'", "'"+s.User+"'@'%'", "'exporter'@'10.0.0.5'",
		"'"+s.User+"'@'%'", "'a password'", "'"+shoptest.Password+"'", "`magento1`", shoptest.GrantName(s.DB1),
		"`magento2`", shoptest.GrantName(s.DB2))
	for statement := range strings.SplitSeq(strings.TrimSpace(names.Replace(block)), ";\n") {
		s.Exec(server, strings.TrimSuffix(statement, ";"))
	}
}

// TestDocumentedAccounts makes accounts with the lines of the documentation and nothing else: they leave nothing
// unknown that a database tells. Each server is Magento 1's and then Magento 2's.
func TestDocumentedAccounts(t *testing.T) {
	t.Parallel()
	blocks := documentedAccounts(t)
	shared.Each(t, func(t *testing.T, server *mysqltest.Server) {
		shoptest.RestoreGlobals(t, server)
		s := newShop(t, func(s *shoptest.Shop) { s.Server1 = server })
		s.WithRoots()
		s.Exec(server, "SET GLOBAL log_bin_trust_function_creators = 0")
		s.On1("CREATE VIEW orders_of_today AS SELECT 1 AS one")
		s.accountsLeaveUnknown("the tool's account", blocks[0], blocks[2])
		s.Want("privileges", finding.Pass)
		s.Want("binlog_trust", finding.Fail)
		s.paste(s.Server1, blocks[1])
		s.Want("binlog_trust", finding.Pass)
		s.definedByAnother(blocks[5])

		s.accountsLeaveUnknown("an account of its own", blocks[3], blocks[4])
		s.Want("privileges", finding.Fail)
		s.accountsLeaveUnknown("no SELECT on Magento 2", blocks[3],
			strings.ReplaceAll(blocks[4], "SELECT", "INSERT"), "m2_installed", "cron_stopped", "m2_entities",
			"migration_tool", "delta_log", "delta_backlog", "reconciliation", "increment_ids", "switchover")

		s = newShop(t, func(s *shoptest.Shop) { s.Server2 = server })
		s.WithRoots()
		s.accountsLeaveUnknown("the tool's account", blocks[0], blocks[2])
		s.Want("privileges", finding.Pass)
		s.accountsLeaveUnknown("an account of its own", blocks[3], blocks[4])
	})
}

// accountsLeaveUnknown makes the shop's accounts again and compares what is unknown then, apart from the preconditions
// that ask for more than databases and that nobody configured here.
func (s *shop) accountsLeaveUnknown(what, block1, block2 string, want ...string) {
	s.T.Helper()
	for _, a := range []struct {
		server *mysqltest.Server
		block  string
	}{{s.Server1, block1}, {s.Server2, block2}} {
		s.Exec(a.server, "DROP USER '"+s.User+"'@'%'")
		s.paste(a.server, a.block)
	}
	var got []string
	for _, p := range s.Evaluate().Preconditions {
		id := p.Precondition.ID
		if p.Result.Status == finding.Unknown &&
			!slices.Contains([]string{"backup", "topology", "system_requirements"}, id) {
			got = append(got, id)
		}
	}
	if !slices.Equal(got, want) {
		s.T.Errorf("with %s, what is unknown is %q, want %q", what, got, want)
	}
}

// definedByAnother has one of the tool's triggers run as root: what root may do is seen only with the documented line.
func (s *shop) definedByAnother(block string) {
	s.T.Helper()
	s.Migration.Phase = config.PhaseDelta
	s.On1(
		"CREATE TABLE m2_cl_sales_flat_order (entity_id INT PRIMARY KEY, operation TEXT, processed TINYINT)",
		"CREATE TRIGGER trg_sales_flat_order_after_insert AFTER INSERT ON sales_flat_order FOR EACH ROW BEGIN INSERT INTO m2_cl_sales_flat_order (entity_id, operation) VALUES (NEW.entity_id, 'INSERT') ON DUPLICATE KEY UPDATE operation = 'INSERT'; END",
	)
	// One event of one table is not the whole log, so only what is said of the account counts here.
	ofDefiner := func() (found []finding.Finding) {
		for _, f := range shoptest.Precondition(s.Evaluate(), "delta_log").Result.Findings {
			if f.Subject == "definer" {
				found = append(found, f)
			}
		}
		return found
	}
	if f := ofDefiner(); len(f) != 1 || f[0].Status != finding.Unknown {
		s.T.Errorf("the triggers run as an account that cannot be seen: %+v", f)
	}
	s.paste(s.Server1, block)
	if f := ofDefiner(); len(f) > 0 {
		s.T.Errorf("%+v", f)
	}
	s.Want("privileges", finding.Pass)
	s.On1("DROP TABLE m2_cl_sales_flat_order", "DROP TRIGGER trg_sales_flat_order_after_insert")
	s.Migration.Phase = config.PhaseAuto
}
