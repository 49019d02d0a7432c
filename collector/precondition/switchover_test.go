package precondition_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/collector/mysqltest"
	"magento_migration_exporter/collector/shoptest"
	"magento_migration_exporter/config"
)

const switchoverID = "switchover"

// newSwitched makes a migration whose shop has moved an hour ago: Magento 1 is closed, Magento 2 sells.
func newSwitched(t *testing.T, change ...func(*shoptest.Shop)) *shop {
	t.Helper()
	s := newDelta(t, change...)
	s.Migration.Phase = config.PhaseCutover
	at := time.Now().Add(-time.Hour).Truncate(time.Second)
	s.Migration.Cutover = &at
	shoptest.WriteUnder(t, s.Migration.Magento1.Root, "maintenance.flag", "closed")
	s.On1("UPDATE " + s.Prefix1 + "sales_flat_quote SET updated_at = '2019-08-02 11:00:00'")
	s.On2(
		"UPDATE "+s.Prefix2+"indexer_state SET status = 'valid', updated = UTC_TIMESTAMP()",
		"UPDATE "+s.Prefix2+"mview_state SET updated = UTC_TIMESTAMP(), version_id = "+
			"(SELECT MAX(version_id) FROM "+s.Prefix2+"catalog_category_product_cl)",
		"SET time_zone = '+00:00'",
		"INSERT INTO "+s.Prefix2+"cron_schedule (job_code, status, created_at, scheduled_at, executed_at, finished_at) "+
			"VALUES ('indexer_update_all_views', 'success', NOW(), NOW(), NOW(), NOW())",
		"INSERT INTO "+s.Prefix2+"sales_order (entity_id, status, store_id, increment_id, created_at) "+
			"VALUES (4, 'new', 1, '1000000003', NOW() - INTERVAL 30 MINUTE)",
		"INSERT INTO "+s.Prefix2+"sequence_order_1 VALUES (3)",
		"INSERT INTO "+s.Prefix2+"core_config_data (scope, scope_id, path, value) "+
			"VALUES ('websites', 2, 'web/unsecure/base_url', 'http://wholesale2.example.com/')",
	)
	return s
}

// TestSwitchover evaluates a shop that has moved, on servers that differ.
func TestSwitchover(t *testing.T) {
	t.Parallel()
	shared.Each(t, func(t *testing.T, server *mysqltest.Server) {
		farWest(t, server)
		s := newSwitched(t, on(server), func(s *shoptest.Shop) { s.Prefix1, s.Prefix2 = "mage_", "m2_" })
		r := s.Want(switchoverID, finding.Pass)
		s.wantSaid(r, "Magento 2 sells: its first own order is 1000000003")
		s.wantSaid(r, "the delta log may be removed", "36 triggers and 12 log tables", "to done",
			"DROP TRIGGER `trg_mage_review_after_insert`;", "DROP TABLE `mage_m2_cl_review`;")
		s.WantValue(0, "m1_orders_after_switchover")
		s.WantValue(1, "indexer_valid", "catalog_category_product")
		s.WantValue(0, "index_backlog_rows", "catalog_category_product")
		if first, ok := s.Value("m2_first_order_timestamp_seconds"); !ok ||
			time.Since(time.UnixMilli(int64(first*1000)))-30*time.Minute > 10*time.Minute {
			t.Errorf("the first order was at %v (%v)", first, ok)
		}
		// Magento 1 writes UTC under its server's zone.
		order := s.Now().UTC().Add(-20 * time.Minute).Format(time.DateTime)
		s.On1(
			"SET time_zone = '-05:00'",
			"INSERT INTO mage_sales_flat_order (entity_id, increment_id, created_at) "+
				"VALUES (3000, '100000003', '"+order+"')",
		)
		f := s.WantFinding(
			switchoverID,
			finding.Fail,
			"Magento 1 took 1 order after the switch",
			"the first at "+order,
		)
		s.wantOrders(f, 1)
		s.WantValue(1, "m1_orders_after_switchover")
		if last, ok := s.Value("m1_last_order_timestamp_seconds"); !ok ||
			time.UnixMilli(int64(last*1000)).UTC().Format(time.DateTime) != order {
			t.Errorf("the last order was at %v (%v), want %s", last, ok, order)
		}
	})
}

// farWest gives a server another time zone until the end of the test, and ends root's sessions, which keep their own.
func farWest(t *testing.T, server *mysqltest.Server) {
	t.Helper()
	set := func(zone string) {
		if err := server.Exec(context.Background(), "SET GLOBAL time_zone = '"+zone+"'"); err != nil {
			t.Error(err)
		}
		server.EndIdleSessions()
	}
	set("-05:00")
	t.Cleanup(func() { set("+00:00") })
}

// wantOrders runs the SELECT of a remedy.
func (s *shop) wantOrders(f finding.Finding, want int) {
	s.T.Helper()
	_, query, _ := strings.Cut(f.Remedy, "\n")
	rows, err := s.Root(s.Server1).QueryContext(s.T.Context(),
		strings.Replace(strings.TrimSuffix(query, ";"), "`mage_", "`"+s.DB1+"`.`mage_", 1))
	s.Must(err)
	defer rows.Close()
	n := 0
	for rows.Next() {
		n++
	}
	s.Must(rows.Err())
	if n != want {
		s.T.Errorf("%s: %d orders, want %d", query, n, want)
	}
}

// switchFault is something that is wrong after the switch, and what is said then.
type switchFault struct {
	on1, on2 []string
	do       func(*shop)
	status   finding.Status
	subject  string
	words    []string
}

var switchFaults = map[string]switchFault{
	"visitors in Magento 1": {
		on1: []string{
			"INSERT INTO sales_flat_quote (entity_id, created_at, updated_at) VALUES (90, UTC_TIMESTAMP(), UTC_TIMESTAMP())",
		},
		status: finding.Warn, subject: "quotes", words: []string{"Magento 1 still writes"},
	},
	"the same id twice": {
		on2:    []string{"UPDATE sales_order SET increment_id = '1000000009' WHERE entity_id = 3"},
		status: finding.Fail, subject: "orders", words: []string{"the same id", "id 3 is 100000002 in Magento 1, 1000000009 in Magento 2"},
	},
	"Magento 1 restored": {
		on1: []string{
			"DELETE FROM sales_flat_order WHERE entity_id >= 2", "DELETE FROM m2_cl_sales_flat_order",
		},
		status: finding.Fail, subject: "orders", words: []string{
			"Magento 1 lacks orders that migrate:data has copied from it: the first one is 200000001",
			"Magento 1's highest id is 1",
		},
	},
	"delta at work": {
		do:     func(s *shop) { s.WriteRunLog(s.Now(), shoptest.DeltaCycle...) },
		status: finding.Fail, subject: "delta", words: []string{"at work although Magento 2 sells"},
	},
	"delta at work, nothing sold yet": {
		do:     func(s *shop) { s.WriteRunLog(s.Now(), shoptest.DeltaCycle...) },
		on2:    []string{"DELETE FROM sales_order WHERE entity_id = 4"},
		status: finding.Warn, subject: "delta", words: []string{"still at work after the switch"},
	},
	"indexer invalid": {
		on2:    []string{"UPDATE indexer_state SET status = 'invalid'"},
		status: finding.Fail, subject: "catalog_category_product", words: []string{"is invalid", "indexer:reindex catalog_category_product"},
	},
	"indexer died": {
		on2:    []string{"UPDATE indexer_state SET status = 'working', updated = UTC_TIMESTAMP() - INTERVAL 2 HOUR"},
		status: finding.Fail, subject: "catalog_category_product", words: []string{"died", "indexer:reset"},
	},
	"indexer at work": {
		on2:    []string{"UPDATE indexer_state SET status = 'working'"},
		status: finding.Warn, subject: "catalog_category_product", words: []string{"is at work"},
	},
	"no indexers": {
		on2:    []string{"DELETE FROM indexer_state"},
		status: finding.Unknown, subject: "indexers", words: []string{"no indexer"},
	},
	"indexer on save, older than the delta": {
		on2: []string{
			"UPDATE mview_state SET mode = 'disabled'",
			"UPDATE indexer_state SET updated = UTC_TIMESTAMP() - INTERVAL 1 DAY",
		},
		do:     func(s *shop) { s.WriteRunLog(s.Now().Add(-2*time.Hour), shoptest.DeltaCycle...) },
		status: finding.Warn, subject: "catalog_category_product", words: []string{"older than the last delta"},
	},
	"backlog that nobody works on": {
		on2: []string{
			"INSERT INTO catalog_category_product_cl (entity_id) VALUES (3), (3), (2)",
			"UPDATE mview_state SET updated = UTC_TIMESTAMP() - INTERVAL 1 HOUR",
		},
		status: finding.Warn, subject: "catalog_category_product backlog", words: []string{"2 entities of the view"},
	},
	"backlog in passing": {
		on2:    []string{"INSERT INTO catalog_category_product_cl (entity_id) VALUES (3)"},
		status: finding.Pass, subject: "catalog_category_product backlog", words: []string{"1 entity waiting"},
	},
	"change log gone": {
		on2:    []string{"RENAME TABLE catalog_category_product_cl TO gone"},
		status: finding.Warn, subject: "catalog_category_product backlog", words: []string{"has no change log"},
	},
	"view suspended": {
		on2:    []string{"UPDATE mview_state SET status = 'suspended'"},
		status: finding.Warn, subject: "catalog_category_product backlog", words: []string{"suspended"},
	},
	"cron stands still": {
		on2:    []string{"UPDATE cron_schedule SET executed_at = UTC_TIMESTAMP() - INTERVAL 1 HOUR"},
		status: finding.Warn, subject: "cron", words: []string{"no job for more than 5 minutes", "cron:install"},
	},
	"cron with errors": {
		on2: []string{
			"INSERT INTO cron_schedule (job_code, status, executed_at) VALUES ('acme_feed', 'error', UTC_TIMESTAMP())",
		},
		status: finding.Warn, subject: "cron errors", words: []string{"acme_feed"},
	},
	"Magento 2 closed": {
		do:     func(s *shop) { shoptest.WriteUnder(s.T, s.Migration.Magento2.Root, "var/.maintenance.flag", " ") },
		status: finding.Fail, subject: "maintenance of magento2", words: []string{"visitors get the maintenance page", "maintenance:disable"},
	},
	"Magento 1 open": {
		do:     func(s *shop) { shoptest.WriteUnder(s.T, s.Migration.Magento1.Root, "maintenance.flag", "") },
		status: finding.Warn, subject: "maintenance of magento1", words: []string{"is not closed", "touch "},
	},
	"a website without address": {
		on2:    []string{"DELETE FROM core_config_data WHERE scope = 'websites'"},
		status: finding.Warn, subject: "base URL websites/2 web/unsecure/base_url",
		words: []string{"opens under the default address", "bin/magento config:set --scope=websites --scope-code=CODE"},
	},
	"Magento 1's host name": {
		on2: []string{
			"UPDATE core_config_data SET value = 'https://m1.example.com/' WHERE path = 'web/secure/base_url'",
		},
		status: finding.Warn, subject: "base URL default/0 web/secure/base_url", words: []string{"Magento 1's host name"},
	},
	"Magento 1's host name of a website": {
		on2: []string{
			"UPDATE core_config_data SET value = 'http://wholesale.example.com/' WHERE scope = 'websites'",
		},
		status: finding.Warn, subject: "base URL websites/2 web/unsecure/base_url",
		words: []string{
			"Magento 1's host name",
			"bin/magento config:set --scope=websites --scope-code=CODE web/unsecure/base_url https://HOST/",
		},
	},
	"search in the database": {
		on2: []string{
			"DELETE FROM core_config_data WHERE path LIKE 'catalog/search/%'",
			"INSERT INTO core_config_data (path, value) VALUES ('catalog/search/engine', 'mysql')",
		},
		status: finding.Pass, subject: "search index", words: []string{"Magento 2 searches in its database"},
	},
	"all of Magento 1's host names": {
		on2: []string{
			"UPDATE core_config_data SET value = REPLACE(value, 'm2.', 'm1.') WHERE path LIKE 'web/%base_url'",
			"UPDATE core_config_data SET value = 'http://wholesale.example.com/' WHERE scope = 'websites'",
		},
		status: finding.Pass, subject: "base URL", words: []string{"takes over Magento 1's host name m1.example.com"},
	},
	"a login in an address": {
		on2: []string{
			"UPDATE core_config_data SET value = 'http://jane:canary@m2.example.com:8080/shop/' WHERE path = 'web/secure/base_url'",
		},
		status: finding.Warn, subject: "base URL default/0 web/secure/base_url",
		words: []string{"without TLS", "http://m2.example.com:8080/shop/", "https://m2.example.com/shop/"},
	},
	"without TLS": {
		on2: []string{
			"UPDATE core_config_data SET value = 'http://m2.example.com/' WHERE path = 'web/secure/base_url'",
		},
		status: finding.Warn, subject: "base URL default/0 web/secure/base_url", words: []string{"without TLS", "https://m2.example.com/"},
	},
	"another crypt key": {
		on2: []string{
			"INSERT INTO core_config_data (path, value) VALUES ('payment/acme/key', '" + encryptedSetting + "')",
		},
		do: func(s *shop) {
			s.writeEnv("ffffffffffffffffffffffffffffffff", "")
		},
		status: finding.Fail, subject: "crypt key", words: []string{"does not open 1 encrypted setting", "default/0 payment/acme/key"},
	},
	"the same crypt key": {
		on2: []string{
			"INSERT INTO core_config_data (path, value) VALUES ('payment/acme/key', '" + encryptedSetting + "')",
		},
		do:     func(s *shop) { s.writeEnv("0123456789abcdef0123456789abcdef", "") },
		status: finding.Pass, subject: "crypt key", words: []string{"opens all encrypted settings: 1"},
	},
	"an address with a login and without a scheme": {
		on1: []string{"INSERT INTO core_config_data (scope, scope_id, path, value) " +
			"VALUES ('stores', 2, 'web/secure/base_url', 'jane:canary@m1.example.com')"},
		status: finding.Warn, subject: "base URL stores/2 web/secure/base_url",
		words: []string{"Magento 1 has no URL there", "https://HOST/"},
	},
	"an address with a token": {
		on1: []string{"INSERT INTO core_config_data (scope, scope_id, path, value) " +
			"VALUES ('stores', 2, 'web/secure/base_url', 'https://b2b.example.com/shop/?token=canary#canary')"},
		status: finding.Warn, subject: "base URL stores/2 web/secure/base_url",
		words: []string{"Magento 1 has https://b2b.example.com/shop/ there", "web/secure/base_url https://HOST/\n"},
	},
	"an address of another protocol": {
		on1: []string{"INSERT INTO core_config_data (scope, scope_id, path, value) " +
			"VALUES ('stores', 2, 'web/secure/base_url', 'ftp://jane@m1.example.com/canary')"},
		status: finding.Warn, subject: "base URL stores/2 web/secure/base_url",
		words: []string{"Magento 1 has no URL there", "https://HOST/"},
	},
	"sessions that cannot be read": {
		on2: []string{
			"CREATE TABLE gone (session_id int)", "CREATE VIEW session AS SELECT * FROM gone", "DROP TABLE gone",
		},
		do:     func(s *shop) { s.writeEnv("m2k3y", "'session' => ['save' => 'db'],") },
		status: finding.Unknown, subject: "session", words: []string{"session"},
	},
	"sessions without a table": {
		do:     func(s *shop) { s.writeEnv("m2k3y", "'session' => ['save' => 'db'],") },
		status: finding.Fail, subject: "session", words: []string{"cannot read the table session"},
	},
	"the end, in another module's trigger": {
		on1: []string{
			"DROP TRIGGER trg_review_after_insert",
			"CREATE TRIGGER trg_review_after_insert AFTER INSERT ON review FOR EACH ROW BEGIN " +
				"INSERT INTO m2_cl_review (review_id, operation) VALUES (NEW.review_id, 'INSERT') " +
				"ON DUPLICATE KEY UPDATE operation = 'INSERT'; SET @acme = 1; END",
		},
		status: finding.Pass, subject: "done", words: []string{"other modules' statements are in trg_review_after_insert"},
	},
	"the end, without seeing the triggers": {
		do: func(s *shop) {
			s.Exec(s.Server1, "REVOKE TRIGGER ON "+shoptest.GrantName(s.DB1)+".* FROM '"+s.User+"'@'%'")
		},
		status: finding.Pass, subject: "done", words: []string{"0 triggers and 12 log tables", "SELECT CONCAT('DROP TRIGGER"},
	},
	"no cron at all": {
		on2:    []string{"DELETE FROM cron_schedule"},
		status: finding.Warn, subject: "cron", words: []string{"it has run none that is known"},
	},
	"broken indexers": {
		on2:    []string{"RENAME TABLE mview_state TO gone_state"},
		status: finding.Unknown, subject: "indexers", words: []string{"mview_state"},
	},
	"no settings": {
		on2:    []string{"RENAME TABLE core_config_data TO gone_data"},
		status: finding.Unknown, subject: "core_config_data", words: []string{"core_config_data"},
	},
	"no orders in Magento 1": {
		on1:    []string{"RENAME TABLE sales_flat_order TO gone_order"},
		status: finding.Unknown, subject: "late orders", words: []string{"sales_flat_order"},
	},
	"zero dates": {
		on1: []string{
			"SET sql_mode = ''",
			"UPDATE sales_flat_order SET created_at = '0000-00-00 00:00:00'",
			"UPDATE sales_flat_quote SET created_at = 0, updated_at = 0",
		},
		status: finding.Pass,
	},
}

// encryptedSetting was made by PHP with the key 0123456789abcdef0123456789abcdef.
const encryptedSetting = "0:3:YWJjZGVmZ2hpamtsbN3hxGou6iaCmXc5b/Z2eX/55ljmEvVVvTo="

// writeEnv gives Magento 2 another env.php.
func (s *shop) writeEnv(key, more string) {
	shoptest.WriteUnder(s.T, s.Migration.Magento2.Root, "app/etc/env.php",
		strings.Replace(s.EnvPHP(more), "m2k3y", key, 1))
}

func TestSwitchoverFaults(t *testing.T) {
	t.Parallel()
	for name, fault := range switchFaults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			trySwitch(t, fault)
		})
	}
}

// TestSwitchoverToARestoredMagento1 has no order that Magento 2 took itself: that Magento 1 lacks some is no sale.
func TestSwitchoverToARestoredMagento1(t *testing.T) {
	t.Parallel()
	s := newSwitched(t)
	s.On1("DELETE FROM sales_flat_order WHERE entity_id >= 2", "DELETE FROM m2_cl_sales_flat_order")
	s.wantSaid(s.Want(switchoverID, finding.Fail), "its first own order is 1000000003")
	s.On2("DELETE FROM sales_order WHERE entity_id = 4")
	s.WriteRunLog(s.Now(), shoptest.DeltaCycle...)
	r := s.Want(switchoverID, finding.Fail)
	s.WantAbsent("m2_first_order_timestamp_seconds")
	for _, f := range r.Findings {
		if strings.Contains(f.Summary, "Magento 2 sells") {
			t.Errorf("%+v", f)
		}
	}
}

// TestSwitchoverFaultsOnMySQL is about what is wrong in a database, on MySQL 9.7.
func TestSwitchoverFaultsOnMySQL(t *testing.T) {
	t.Parallel()
	if !slices.Contains(mysqltest.Flavors(), mysqltest.MySQL97) {
		t.Skip(mysqltest.ErrNotChosen)
	}
	server := mysqltest.New(t, mysqltest.Options{
		Flavor: mysqltest.MySQL97, Args: []string{"--log-bin-trust-function-creators=1"},
	})
	shared.Keep(server)
	for name, fault := range switchFaults {
		if len(fault.on1)+len(fault.on2) > 0 {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				trySwitch(t, fault, on(server))
			})
		}
	}
}

func trySwitch(t *testing.T, fault switchFault, change ...func(*shoptest.Shop)) {
	t.Helper()
	s := newSwitched(t, change...)
	s.On1(fault.on1...)
	s.On2(fault.on2...)
	if fault.do != nil {
		fault.do(s)
	}
	r := s.Want(switchoverID, fault.status)
	found := fault.subject == ""
	for _, f := range r.Findings {
		if f.Subject == fault.subject && f.Status == fault.status &&
			shoptest.ContainsAll(f.Summary+"\n"+f.Evidence+"\n"+f.Remedy, fault.words) {
			found = true
		} else if f.Status == finding.Fail || f.Status == finding.Unknown {
			t.Errorf("also: %+v", f)
		}
	}
	if !found {
		t.Errorf("%q is not said of %s: %+v", fault.words, fault.subject, r.Findings)
	}
	if strings.Contains(fmt.Sprint(r.Findings), "0123456789abcdef") {
		t.Error("the crypt key is shown")
	}
	if strings.Contains(fmt.Sprint(r.Findings), "canary") {
		t.Error("a password is shown")
	}
}

// TestSwitchoverBaseURLRemedy does what the finding about a missing base URL suggests: no finding about base URLs may
// then warn, in a Magento 2 with names of its own and in one that takes over those of Magento 1.
func TestSwitchoverBaseURLRemedy(t *testing.T) {
	t.Parallel()
	const subject, command = "base URL websites/2 web/unsecure/base_url",
		"config:set --scope=websites --scope-code=CODE web/unsecure/base_url "
	for name, shop := range map[string]struct {
		on2       []string
		suggested string
	}{
		"names of its own": {suggested: "https://HOST/"},
		"names of Magento 1": {
			on2:       []string{"UPDATE core_config_data SET value = REPLACE(value, 'm2.', 'm1.') WHERE path LIKE 'web/%base_url'"},
			suggested: "https://wholesale.example.com/",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSwitched(t)
			s.On2(append(shop.on2, "DELETE FROM core_config_data WHERE scope = 'websites'")...)
			s.Want(switchoverID, finding.Warn)
			remedy := s.finding(switchoverID, subject).Remedy
			_, rest, _ := strings.Cut(remedy, command)
			url, _, _ := strings.Cut(rest, "\n")
			if url != shop.suggested {
				t.Fatalf("suggested is %q, want %q: %s", url, shop.suggested, remedy)
			}
			s.On2("INSERT INTO core_config_data (scope, scope_id, path, value) VALUES ('websites', 2, " +
				"'web/unsecure/base_url', '" + strings.Replace(url, "HOST", "wholesale2.example.com", 1) + "')")
			for _, f := range s.Want(switchoverID, finding.Pass).Findings {
				if strings.HasPrefix(f.Subject, "base URL") && f.Status != finding.Pass {
					t.Errorf("after the remedy: %+v", f)
				}
			}
		})
	}
}

// TestSwitchoverByPhase does not judge before the cutover, and not Magento 1 in the end.
func TestSwitchoverByPhase(t *testing.T) {
	t.Parallel()
	s := newSwitched(t)
	s.On2("UPDATE indexer_state SET status = 'invalid'")
	s.Migration.Phase = config.PhasePrepare
	s.Want(switchoverID, finding.NotApplicable)
	s.WantAbsent("indexer_valid", "catalog_category_product")
	if _, ok := s.Value("m1_last_order_timestamp_seconds"); !ok {
		t.Error("Magento 1's last order is not shown")
	}
	s.Migration.Phase = config.PhaseDelta
	s.Want(switchoverID, finding.NotApplicable)
	s.WantValue(0, "indexer_valid", "catalog_category_product")
	s.WantAbsent("m1_orders_after_switchover")
	s.Migration.Phase = config.PhaseDone
	s.Want(switchoverID, finding.Fail)
	s.On2("UPDATE indexer_state SET status = 'valid'")
	s.wantSaid(s.Want(switchoverID, finding.Pass), "may be removed", "DROP TRIGGER")
	f := s.finding(switchoverID, "done")
	for line := range strings.Lines(f.Remedy) {
		if line = strings.TrimSpace(line); pastedLine.MatchString(line) {
			s.On1(line)
		}
	}
	s.On1("RENAME TABLE sales_flat_order TO gone")
	for _, f := range s.Want(switchoverID, finding.Pass).Findings {
		if f.Subject == "done" {
			t.Errorf("there is nothing left to remove: %+v", f)
		}
	}
	s.WantAbsent("m1_last_order_timestamp_seconds")
}

// finding returns the finding on a subject.
func (s *shop) finding(id, subject string) finding.Finding {
	s.T.Helper()
	for _, f := range s.State(id).Result.Findings {
		if f.Subject == subject {
			return f
		}
	}
	s.T.Fatalf("no finding on %s: %+v", subject, s.State(id).Result.Findings)
	return finding.Finding{}
}

// TestSwitchoverTime is that of the setting, else the cutover's, else Magento 2's first order.
func TestSwitchoverTime(t *testing.T) {
	t.Parallel()
	s := newSwitched(t)
	s.On1("SET time_zone = '+00:00'", "INSERT INTO sales_flat_order (entity_id, increment_id, created_at) "+
		"VALUES (3, '100000003', UTC_TIMESTAMP() - INTERVAL 40 MINUTE) "+
		"ON DUPLICATE KEY UPDATE created_at = UTC_TIMESTAMP() - INTERVAL 40 MINUTE")
	s.WantFinding(switchoverID, finding.Fail, "took 1 order", "migrations[acme].cutover")
	s.Configure(switchoverID, "{at: "+s.Now().Add(-30*time.Minute).UTC().Format(time.RFC3339)+"}")
	s.wantSaid(s.Want(switchoverID, finding.Pass), "took no order after the switch", "preconditions.switchover.at")
	s.Configure(switchoverID, "")
	s.Migration.Cutover = nil
	s.wantSaid(s.Want(switchoverID, finding.Pass), "the first order of Magento 2")
	s.On2("DELETE FROM sales_order WHERE entity_id = 4")
	s.WantFinding(
		switchoverID,
		finding.Unknown,
		"from when on Magento 1 must take no order",
		"preconditions.switchover.at",
	)
	at := s.Now().Add(time.Hour)
	s.Migration.Cutover = &at
	shoptest.WriteUnder(t, s.Migration.Magento2.Root, "var/.maintenance.flag", " ")
	shoptest.WriteUnder(t, s.Migration.Magento1.Root, "maintenance.flag", "")
	s.wantSaid(s.Want(switchoverID, finding.Pass), "the switch is still to come")
	if summary := s.State(switchoverID).Result.Summary; summary != "nothing blocks the switch" {
		t.Error(summary)
	}
}

// TestSwitchoverSearch compares the documents of a search engine with the products.
func TestSwitchoverSearch(t *testing.T) {
	t.Parallel()
	s := newSwitched(t)
	documents, stores := 2, []int{1, 2}
	engine := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var aliases, counts []string
		for _, store := range stores {
			aliases = append(
				aliases,
				fmt.Sprintf(`"shop_product_%d_v1": {"aliases": {"shop_product_%[1]d": {}}}`, store),
			)
			counts = append(
				counts,
				fmt.Sprintf(`{"index": "shop_product_%d_v1", "docs.count": "%d"}`, store, documents),
			)
		}
		if strings.HasSuffix(r.URL.Path, "_alias") {
			fmt.Fprintf(w, "{%s}", strings.Join(aliases, ","))
			return
		}
		fmt.Fprintf(w, "[%s]", strings.Join(counts, ","))
	}))
	t.Cleanup(engine.Close)
	host, port, _ := strings.Cut(strings.TrimPrefix(engine.URL, "http://"), ":")
	s.On2(
		"UPDATE core_config_data SET value = '"+host+"' WHERE path = 'catalog/search/opensearch_server_hostname'",
		"UPDATE core_config_data SET value = '"+port+"' WHERE path = 'catalog/search/opensearch_server_port'",
		"INSERT INTO core_config_data (path, value) VALUES ('catalog/search/opensearch_index_prefix', 'shop')",
		"CREATE TABLE catalog_product_entity_int (value_id int AUTO_INCREMENT PRIMARY KEY, attribute_id int, store_id int, "+
			"entity_id int, value int, UNIQUE (entity_id, attribute_id, store_id), KEY (attribute_id))",
		"INSERT INTO catalog_product_entity_int (attribute_id, store_id, entity_id, value) "+
			"VALUES (97, 0, 1, 1), (99, 0, 1, 4), (97, 0, 2, 1), (99, 0, 2, 4), (97, 0, 3, 2), (99, 0, 3, 4), "+
			"(97, 0, 4, 1), (99, 0, 4, 1)",
	)
	s.wantSaid(s.Want(switchoverID, finding.Pass), "the search index is there", "enabled and visible: 2")
	documents = 0
	s.WantFinding(switchoverID, finding.Fail, "the search index is empty", "reindex catalogsearch_fulltext")
	documents, stores = 2, []int{1}
	s.WantFinding(switchoverID, finding.Fail, "no index for 1 store", "missing: shop_product_2")
	stores = []int{1, 2}
	s.On2("INSERT INTO catalog_product_entity_int (attribute_id, store_id, entity_id, value) "+
		"SELECT 97, 0, 100 + v.entity_id * 10 + s.store_id, 1 FROM catalog_product_entity_int v, store s WHERE v.attribute_id = 97",
		"INSERT IGNORE INTO catalog_product_entity_int (attribute_id, store_id, entity_id, value) "+
			"SELECT 99, 0, entity_id, 4 FROM catalog_product_entity_int WHERE entity_id > 99")
	s.WantFinding(switchoverID, finding.Warn, "far fewer documents")
	s.On2("RENAME TABLE catalog_product_entity_int TO kept")
	s.wantSaid(s.Want(switchoverID, finding.Pass), "enabled and visible: an unknown number")
	documents = 0
	s.WantFinding(switchoverID, finding.Unknown, "whether there are products to find is unknown")
	documents = 2
	s.On2("UPDATE store SET is_active = 0")
	s.WantFinding(switchoverID, finding.Unknown, "no active store, so no search index was looked at")
	engine.Close()
	s.wantSaid(s.Want(switchoverID, finding.Pass), "does not show its index")
}

// TestSwitchoverWithoutRoots sees no files, which is no fault.
func TestSwitchoverWithoutRoots(t *testing.T) {
	t.Parallel()
	s := newSwitched(t)
	s.Migration.Magento1.Root, s.Migration.Magento2.Root = "", filepath.Join(t.TempDir(), "elsewhere")
	r := s.Want(switchoverID, finding.Unknown) // env.php cannot be read where the root is said to be
	s.wantSaid(r, "whether Magento 1 is closed cannot be seen here")
	s.Migration.Magento2.Root = ""
	s.wantSaid(
		s.Want(switchoverID, finding.Pass),
		"whether the crypt key is that of migrate:settings cannot be seen here",
	)
}
