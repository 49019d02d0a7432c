package precondition_test

import (
	"strings"
	"testing"

	"magento_migration_exporter/collector/database"
	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/collector/mysqltest"
	"magento_migration_exporter/collector/shoptest"
	"magento_migration_exporter/config"
)

const incrementIDs = "increment_ids"

// numberFault is something that happens to the numbers of a migrated shop, and what is said then.
type numberFault struct {
	on1, on2 []string
	status   finding.Status
	subject  string
	words    []string
	// lag is that of the orders, after the status after the remedy was pasted.
	lag   float64
	after finding.Status
}

// logOf makes the log table that the tool has for Magento 1's numbers, with a row that waits.
const logOf = "CREATE TABLE m2_cl_eav_entity_store (entity_store_id int NOT NULL PRIMARY KEY, operation text, " +
	"processed tinyint(1) NOT NULL DEFAULT 0)"

var numberFaults = map[string]numberFault{
	"behind": {
		on1:    []string{"UPDATE eav_entity_store SET increment_last_id = '100000007' WHERE entity_store_id = 1"},
		status: finding.Fail, subject: "sequence_order_1", lag: 5, after: finding.Pass,
		words: []string{
			"5 behind Magento 1's last number",
			"1000000003",
			"ALTER TABLE `sequence_order_1` AUTO_INCREMENT = 8;",
		},
	},
	"behind, and on its way": {
		on1: []string{
			"UPDATE eav_entity_store SET increment_last_id = '100000007' WHERE entity_store_id = 1", logOf,
			"INSERT INTO m2_cl_eav_entity_store VALUES (1, 'UPDATE', 0)",
		},
		status: finding.Pass, subject: "sequence_order_1", words: []string{"5 behind, which waits in the delta log"},
	},
	"ahead": {
		on2:    []string{"INSERT INTO sequence_order_1 VALUES (9)"},
		status: finding.Pass,
	},
	"cleaned up": {
		on2:    []string{"ALTER TABLE sequence_order_1 AUTO_INCREMENT = 3", "DELETE FROM sequence_order_1"},
		status: finding.Pass,
	},
	"empty": {
		on2:    []string{"TRUNCATE sequence_order_2"},
		status: finding.Fail, subject: "sequence_order_2", lag: 1, after: finding.Pass,
		words: []string{"is empty: the next number would be 2000000001", "AUTO_INCREMENT = 2;"},
	},
	"table missing": {
		on2:    []string{"DROP TABLE sequence_order_1"},
		status: finding.Fail, subject: "sequence_order_1", lag: 2, after: finding.Pass,
		words: []string{"no sequence for orders of store 1", "names the table sequence_order_1, which does not exist"},
	},
	"sequence not known": {
		on2: []string{
			"DROP TABLE sequence_creditmemo_2",
			"DELETE FROM sales_sequence_profile WHERE meta_id = (SELECT meta_id FROM sales_sequence_meta " +
				"WHERE entity_type = 'creditmemo' AND store_id = 2)",
			"DELETE FROM sales_sequence_meta WHERE entity_type = 'creditmemo' AND store_id = 2",
		},
		status: finding.Fail, subject: "sequence_creditmemo_2", after: finding.Pass,
		words: []string{"no sequence for credit memos of store 2", "sales_sequence_meta has no row"},
	},
	"sequence forgotten": {
		on2:    []string{"DELETE FROM sales_sequence_meta WHERE entity_type = 'order' AND store_id = 2"},
		status: finding.Fail, subject: "sequence_order_2", after: finding.Pass,
		words: []string{"no sequence for orders of store 2", "sales_sequence_meta has no row"},
	},
	"no profile": {
		on2: []string{"UPDATE sales_sequence_profile SET is_active = 0 WHERE meta_id = 1"}, after: finding.Pass,
		status: finding.Fail, subject: "sequence_order_0", words: []string{"no row of sales_sequence_profile for it is active"},
	},
	"no sequence": {
		on2: []string{
			"ALTER TABLE sequence_order_1 CHANGE sequence_value value int unsigned NOT NULL AUTO_INCREMENT",
		},
		status: finding.Fail, subject: "sequence_order_1", lag: 2, after: finding.Pass,
		words: []string{"has no column sequence_value"},
	},
	"too large": {
		on1: []string{
			"UPDATE eav_entity_store SET increment_prefix = NULL, increment_last_id = '20260000123' WHERE entity_store_id = 1",
		},
		on2: []string{"INSERT INTO sequence_order_1 VALUES (4294967295)"}, after: finding.Pass,
		status: finding.Fail, subject: "sequence_order_1",
		words: []string{
			"too large for Magento 2: every checkout of the store would fail", "20260000123",
			"SET increment_prefix = '202' WHERE entity_store_id = 1", "AUTO_INCREMENT = 60000124",
		},
	},
	"used up": {
		on2:    []string{"INSERT INTO sequence_order_1 VALUES (4294967295)"},
		status: finding.Fail, subject: "sequence_order_1", after: finding.Pass,
		words: []string{"is used up: every checkout of the store fails", "AUTO_INCREMENT = 3;"},
	},
	"nearly used up": {
		on2:    []string{"INSERT INTO sequence_order_1 VALUES (4294967000)"},
		status: finding.Warn, subject: "sequence_order_1",
		words: []string{"only 295 numbers are left for orders of store 1", "Find out what raised it"},
	},
	"only one number left": {
		on2:    []string{"INSERT INTO sequence_order_1 VALUES (4294967294)"},
		status: finding.Warn, subject: "sequence_order_1",
		words: []string{"only 1 number is left for orders of store 1"},
	},
	"next number taken": {
		on2:    []string{"INSERT INTO sales_order (entity_id, store_id, increment_id) VALUES (90, 1, '1000000003')"},
		status: finding.Fail, subject: "sequence_order_1", after: finding.Pass,
		words: []string{"the next number of orders of store 1 is taken", "1062", "AUTO_INCREMENT = 4;"},
	},
	"a later number taken": {
		on2: []string{
			"INSERT INTO sales_order (entity_id, store_id, increment_id) VALUES (90, 1, '1000000013'), (91, 1, '1000000014')",
		},
		status: finding.Warn, subject: "sequence_order_1", after: finding.Pass,
		words: []string{"comes after 10 more", "AUTO_INCREMENT = 15;"},
	},
	"the number of another store": {
		on2:    []string{"INSERT INTO sales_order (entity_id, store_id, increment_id) VALUES (90, 2, '1000000003')"},
		status: finding.Pass,
	},
	"another module's numbers": {
		on1:    []string{"UPDATE eav_entity_store SET increment_last_id = 'ORD-2026-A17' WHERE entity_store_id = 1"},
		status: finding.Warn, subject: "sequence_order_1", words: []string{"not of Magento's own form", "begins at 1", "ORD-2026-A17"},
	},
	"another module's table": {
		on1:    []string{"INSERT INTO sales_flat_order (entity_id, store_id, increment_id) VALUES (95, 1, 'A-77')"},
		on2:    []string{"INSERT INTO sales_order (entity_id, store_id, increment_id) VALUES (95, 1, 'A-77')"},
		status: finding.Warn, subject: "sequence_order_1",
		words: []string{"another module numbers the orders of store 1", "the newest order has the number A-77"},
	},
	"an edited order": {
		on1:    []string{"UPDATE sales_flat_order SET increment_id = '100000002-1' WHERE entity_id = 3"},
		status: finding.Pass,
	},
	"the same length": {
		on1:    []string{"UPDATE eav_entity_store SET increment_last_id = '1000000002' WHERE entity_store_id = 1"},
		status: finding.Warn, subject: "sequence_order_1 length", after: finding.Pass,
		words: []string{"numbers of the same length in both systems", "1000000003"},
	},
	"a wider column": {
		on2: []string{
			"ALTER TABLE sequence_order_1 MODIFY sequence_value bigint unsigned NOT NULL AUTO_INCREMENT",
			"INSERT INTO sequence_order_1 VALUES (5000000000)",
		},
		status: finding.Pass,
	},
}

// TestIncrementIDs runs on servers that differ in how they count: MySQL 8 and newer keep what information_schema says.
func TestIncrementIDs(t *testing.T) {
	t.Parallel()
	shared.Each(t, func(t *testing.T, server *mysqltest.Server) {
		s := newDeltaPhase(t, on(server))
		s.Want(incrementIDs, finding.Pass)
		s.WantValue(0, "increment_id_lag", "creditmemo")
		for name, fault := range numberFaults {
			s.tryNumbers(name, fault)
			s.Undo()
		}
		s.Want(incrementIDs, finding.Pass)
	})
}

func (s *shop) tryNumbers(name string, fault numberFault) {
	s.T.Helper()
	s.On1(fault.on1...)
	s.On2(fault.on2...)
	r := s.Want(incrementIDs, fault.status)
	if fault.subject != "" {
		f := s.numberFinding(name, r, fault)
		s.WantValue(fault.lag, "increment_id_lag", "order")
		if fault.after == finding.Pass && fault.status != finding.Pass {
			s.pasteNumbers(f)
			s.Want(incrementIDs, finding.Pass)
		}
	}
}

func (s *shop) numberFinding(name string, r finding.Result, fault numberFault) finding.Finding {
	s.T.Helper()
	for _, f := range r.Findings {
		if f.Subject == fault.subject && f.Status == fault.status {
			if !shoptest.ContainsAll(f.Summary+"\n"+f.Evidence+"\n"+f.Remedy, fault.words) {
				s.T.Errorf("%s: %q is not said: %+v", name, fault.words, f)
			}
			if len(r.Findings) > 1 && fault.status == finding.Fail {
				s.T.Errorf("%s: more is said: %+v", name, r.Findings)
			}
			return f
		}
	}
	s.T.Fatalf("%s: no finding on %s: %+v", name, fault.subject, r.Findings)
	return finding.Finding{}
}

// pasteNumbers runs the statements of a remedy in Magento 2's database; that on Magento 1's numbers in Magento 1's.
func (s *shop) pasteNumbers(f finding.Finding) {
	s.T.Helper()
	pasted := 0
	for line := range strings.Lines(f.Remedy) {
		line = strings.TrimSpace(line)
		switch {
		case !pastedLine.MatchString(line):
			continue
		case strings.Contains(line, "eav_entity_store"):
			s.On1(line)
		default:
			s.On2(line)
		}
		pasted++
	}
	if pasted == 0 {
		s.T.Fatalf("the remedy has no statement: %+v", f)
	}
}

// TestIncrementIDsByPhase judges what does not fit from the beginning, and the sequences once they are made.
func TestIncrementIDsByPhase(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.WithRoots()
	s.Want(incrementIDs, finding.Pass)
	s.WantAbsent("increment_id_lag", "order")
	s.On1(
		"UPDATE eav_entity_store SET increment_prefix = '', increment_last_id = '4294967296' WHERE entity_store_id = 2",
	)
	f := s.WantFinding(incrementIDs, finding.Fail, "the number of invoices of store 1 is too large",
		"UPDATE `eav_entity_store` SET increment_prefix = '42' WHERE entity_store_id = 2;")
	s.pasteNumbers(f)
	s.Want(incrementIDs, finding.Pass)
	// The sequences of Magento 1's second store are not there until the step SalesIncrement has made them.
	s.Migration.Phase = config.PhaseMigrate
	s.WantFinding(incrementIDs, finding.Pass, "not come to its step SalesIncrement")
	s.Migration.Phase = config.PhaseDelta
	s.WantFinding(incrementIDs, finding.Fail, "no sequence for orders of store 2")
	// In the end Magento 1 is not looked at.
	s.Migration.Phase = config.PhaseDone
	s.On1("DROP TABLE eav_entity_store")
	s.Want(incrementIDs, finding.Pass)
	s.WantAbsent("increment_id_lag", "order")
	s.On2("INSERT INTO sales_order (entity_id, store_id, increment_id) VALUES (1, 1, '000000001')")
	s.pasteNumbers(s.WantFinding(incrementIDs, finding.Fail, "the next number of orders of store 1 is taken"))
	s.Want(incrementIDs, finding.Pass)
}

// TestIncrementIDsWithPrefixes names the tables as they are.
func TestIncrementIDsWithPrefixes(t *testing.T) {
	t.Parallel()
	s := newDeltaPhase(t, func(s *shoptest.Shop) { s.Prefix1, s.Prefix2 = "mage_", "m2_" })
	s.Want(incrementIDs, finding.Pass)
	s.On2(
		"DROP TABLE m2_sequence_order_2, m2_sequence_order_0",
		"DELETE FROM m2_sales_sequence_meta WHERE store_id = 2 "+
			"AND entity_type = 'order'",
	)
	r := s.Want(incrementIDs, finding.Fail)
	for _, f := range r.Findings {
		s.pasteNumbers(f)
	}
	s.Want(incrementIDs, finding.Pass)
}

// TestIncrementIDsByLock believes the tool's progress file.
func TestIncrementIDsByLock(t *testing.T) {
	t.Parallel()
	s := newDelta(t)
	s.Migration.Phase = config.PhaseMigrate
	s.Want(incrementIDs, finding.Pass)
	s.WantValue(0, "increment_id_lag", "order")
	root2 := s.Migration.Magento2.Root
	shoptest.WriteUnder(t, root2, "config.xml", strings.Replace(s.ConfigXML(nil), `</data>`+"\n"+`</step>`,
		`</data></step><step title="SalesIncrement Step"><data>Migration\Step\SalesIncrement\Data</data></step>`, 1))
	s.WantFinding(incrementIDs, finding.Pass, "not come to its step SalesIncrement")
	s.WantAbsent("increment_id_lag", "order")
}

// TestIncrementIDsOfHiddenTables reads Magento 2 with an account that may not see a sequence, or a table of documents:
// neither is missing.
func TestIncrementIDsOfHiddenTables(t *testing.T) {
	t.Parallel()
	s := newDelta(t)
	s.Migration.Phase = config.PhaseDelta
	db := database.Quote(s.DB2)
	tables := s.texts(s.Server2, "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = '"+s.DB2+"'")
	for _, hidden := range []string{"sequence_order_1", "sales_order"} {
		user := "without_" + hidden
		account := "'" + user + "'@'%'"
		s.Exec(s.Server2, "CREATE USER "+account+" IDENTIFIED BY '"+shoptest.Password+"'")
		for _, table := range tables {
			if table != hidden {
				s.Exec(s.Server2, "GRANT SELECT ON "+db+"."+database.Quote(table)+" TO "+account)
			}
		}
		s.Migration.Magento2.Database.User = user
		s.wantSaid(s.Want(incrementIDs, finding.Unknown), "may not read", hidden)
		s.WantAbsent("increment_id_lag", "order")
	}
}

// TestIncrementIDsOfBrokenDatabases never passes on what it cannot read.
func TestIncrementIDsOfBrokenDatabases(t *testing.T) {
	t.Parallel()
	s := newDeltaPhase(t)
	s.On2("RENAME TABLE sales_sequence_profile TO x")
	s.Want(incrementIDs, finding.Unknown)
	s.On2("RENAME TABLE x TO sales_sequence_profile")
	s.Want(incrementIDs, finding.Pass)
	s.On2("CREATE TABLE kept AS SELECT * FROM store", "SET foreign_key_checks = 0", "DELETE FROM store",
		"RENAME TABLE sales_sequence_meta TO kept_meta", "CREATE TABLE sales_sequence_meta LIKE kept_meta")
	s.On1("RENAME TABLE eav_entity_store TO kept", "CREATE TABLE eav_entity_store LIKE kept")
	s.WantFinding(incrementIDs, finding.Unknown, "Magento 2 has no store, so no number was looked at")
	s.WantAbsent("increment_id_lag", "order")
	s.On1("DROP TABLE eav_entity_store", "RENAME TABLE kept TO eav_entity_store")
	s.On2("DROP TABLE sales_sequence_meta", "RENAME TABLE kept_meta TO sales_sequence_meta",
		"SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO'", "INSERT INTO store SELECT * FROM kept")
	s.Want(incrementIDs, finding.Pass)
	s.On1("UPDATE eav_entity_store SET increment_last_id = NULL, increment_prefix = NULL")
	s.WantFinding(incrementIDs, finding.Warn, "orders of store 1 and no last number", "100000002")
	s.WantAbsent("increment_id_lag", "order")
	s.WantValue(0, "increment_id_lag", "invoice")
	s.On1("RENAME TABLE core_store TO kept_store", "CREATE TABLE core_store LIKE kept_store")
	s.WantFinding(incrementIDs, finding.Unknown, "Magento 1 has no store, so no number was looked at")
	s.WantAbsent("increment_id_lag", "order")
	s.On1("RENAME TABLE eav_entity_store TO x")
	s.Want(incrementIDs, finding.Unknown)
	s.Exec(s.Server1, "DROP DATABASE "+database.Quote(s.DB1))
	s.Want(incrementIDs, finding.Unknown)
}
