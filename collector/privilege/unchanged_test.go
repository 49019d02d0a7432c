package privilege

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"magento_migration_exporter/collector/database"
	"magento_migration_exporter/collector/finding"
)

// allowedStatements are all that a session of this package may send, as the general log shows them.
var allowedStatements = []*regexp.Regexp{
	regexp.MustCompile(`^SELECT VERSION\(\), @@version_comment, USER\(\), CURRENT_USER\(\), CONNECTION_ID\(\)$`),
	regexp.MustCompile(
		`^SET (NAMES utf8mb4 COLLATE utf8mb4_general_ci|[a-z_]+=('[^']*'|[0-9.]+))(, [a-z_]+=('[^']*'|[0-9.]+))*$`,
	),
	regexp.MustCompile(`^SET ROLE (NONE|DEFAULT)$`),
	regexp.MustCompile(`^SELECT [^;]*\sFROM (performance_schema\.variables_info|mysql\.default_roles)\s[^;]*$`),
	regexp.MustCompile(`^SELECT User, Host FROM mysql\.db WHERE [^;]*\sFROM mysql\.tables_priv WHERE [^;]*$`),
	regexp.MustCompile(`^SHOW GLOBAL VARIABLES\s`),
	regexp.MustCompile(`^SHOW GRANTS( FOR '[^']*'@'[^']*')?( USING .*)?$`),
	regexp.MustCompile(`^SHOW CREATE TABLE `),
	regexp.MustCompile(`^SELECT CURRENT_ROLE\(\)$`),
	regexp.MustCompile(`^SELECT [^;]*\sFROM INFORMATION_SCHEMA\.(TABLES|TRIGGERS|COLUMNS|SYSTEM_VARIABLES|SCHEMATA_EXTENSIONS)` +
		`\s[^;]*$`),
	regexp.MustCompile("^SELECT 1 FROM `magento1`\\.`privilege_probe_[0-9a-f]{32}`$"),
	regexp.MustCompile("^INSERT INTO `magento1`\\.`privilege_probe_[0-9a-f]{32}` VALUES \\(1\\)$"),
	regexp.MustCompile("^UPDATE `magento1`\\.`privilege_probe_[0-9a-f]{32}` SET a=1$"),
	regexp.MustCompile("^DELETE FROM `magento1`\\.`privilege_probe_[0-9a-f]{32}`$"),
	regexp.MustCompile("^TRUNCATE TABLE `magento1`\\.`privilege_probe_[0-9a-f]{32}`$"),
	regexp.MustCompile("^CREATE TABLE `magento1`\\.`privilege_probe_[0-9a-f]{32}` \\(a INT, a INT\\)$"),
	regexp.MustCompile("^CREATE TABLE `magento1`\\.`privilege_probe_[0-9a-f]{32}` \\(a INT, a INT, FOREIGN KEY " +
		"\\(a\\) REFERENCES `magento1`\\.`privilege_probe_[0-9a-f]{32}` \\(a\\)\\)$"),
	regexp.MustCompile("^CREATE TRIGGER `magento1`\\.`privilege_probe_[0-9a-f]{32}` AFTER INSERT ON " +
		"`magento1`\\.`privilege_probe_[0-9a-f]{32}` FOR EACH ROW SET @x=1$"),
}

// TestObservingChangesNothing proves it by the binary log, by every table's checksum and by the list of what was sent.
func TestObservingChangesNothing(t *testing.T) {
	t.Parallel()
	onAll(t, func(t *testing.T, l *lab) {
		l.exec(t, "CREATE OR REPLACE VIEW magento1.shop_view AS SELECT id FROM magento1.probe",
			"CREATE TRIGGER magento1.trg_orders AFTER INSERT ON magento1.orders FOR EACH ROW INSERT INTO m2_cl_orders "+
				"(id, operation) VALUES (NEW.id, 'INSERT')")
		t.Cleanup(func() { l.exec(t, "DROP VIEW magento1.shop_view", "DROP TRIGGER magento1.trg_orders") })
		users := l.accountsOfAllKinds(t)
		l.exec(t, "SET GLOBAL log_output = 'TABLE'", "TRUNCATE TABLE mysql.general_log")

		position, checksums := l.value(t, "SELECT CONCAT(@@log_bin, @@read_only)")+l.binlogPosition(t), l.checksums(t)
		l.exec(t, "SET GLOBAL general_log = 1")
		for _, readOnly := range []string{"0", "1"} {
			l.exec(t, "SET GLOBAL read_only = "+readOnly)
			for _, user := range users {
				for _, system := range []finding.System{finding.Magento1, finding.Magento2} {
					o := l.observe(t, user, Target{System: system, Database: "magento1", DirectCopyFrom: "magento1"})
					Assess(o, Task{})
					AssessTrust(o, Task{})
				}
			}
		}
		l.exec(t, "SET GLOBAL read_only = 0", "SET GLOBAL general_log = 0")

		if after := l.value(t, "SELECT CONCAT(@@log_bin, @@read_only)") + l.binlogPosition(t); after != position {
			t.Errorf("the binary log went from %s to %s", position, after)
		}
		if after := l.checksums(t); !maps.Equal(after, checksums) {
			for table, sum := range after {
				if sum != checksums[table] {
					t.Errorf("the checksum of %s was %s, is %s", table, checksums[table], sum)
				}
			}
		}
		if sent := l.onlyAllowedStatements(t); sent < 10*len(users) {
			t.Errorf("the general log shows %d statements only", sent)
		}
	})
}

// accountsOfAllKinds makes accounts that may do everything, something and nothing.
func (l *lab) accountsOfAllKinds(t *testing.T) []string {
	t.Helper()
	users := []string{"may_all", "may_db", "may_some", "may_none"}
	for _, user := range users {
		l.exec(t, "CREATE USER '"+user+"'@'%' IDENTIFIED BY 'pw'")
	}
	l.exec(t, "GRANT ALL ON *.* TO may_all@'%'", "GRANT ALL ON magento1.* TO may_db@'%'",
		"GRANT SELECT, UPDATE, CREATE, TRIGGER ON magento1.* TO may_some@'%'")
	if l.hasRoles {
		l.exec(t, "CREATE USER 'may_role'@'%' IDENTIFIED BY 'pw'", "CREATE ROLE tool",
			"GRANT ALL ON magento1.* TO tool", "GRANT tool TO may_role@'%'",
			fmt.Sprintf(l.defaultRole, "tool", "may_role@'%'"))
		users = append(users, "may_role")
	}
	return users
}

func (l *lab) binlogPosition(t *testing.T) string {
	t.Helper()
	rows, err := l.root.QueryContext(t.Context(), l.position)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	values := make([]any, len(columns))
	for i := range values {
		values[i] = new(string)
	}
	if !rows.Next() {
		t.Fatal("the server writes no binary log")
	}
	if err := errors.Join(rows.Scan(values...), rows.Err()); err != nil {
		t.Fatal(err)
	}
	var all []string // the file, the position and, on MySQL, the set of GTIDs
	for _, value := range values {
		all = append(all, *value.(*string))
	}
	return strings.Join(all, ":")
}

// checksums returns every table's checksum, but for the logs that the test itself writes, and for the table into which
// MySQL 8 moves GTIDs when it finds the time; binlogPosition has those.
func (l *lab) checksums(t *testing.T) map[string]string {
	t.Helper()
	// The server writes statistics of tables some time after they were made, and GTIDs when it finds the time.
	rows, err := l.root.QueryContext(t.Context(), `SELECT TABLE_SCHEMA, TABLE_NAME FROM INFORMATION_SCHEMA.TABLES
		WHERE TABLE_TYPE = 'BASE TABLE' AND TABLE_SCHEMA NOT IN ('information_schema', 'performance_schema')
		AND TABLE_NAME NOT IN ('general_log', 'slow_log', 'gtid_executed', 'innodb_table_stats', 'innodb_index_stats')`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var tables []string
	for rows.Next() {
		var schema, table string
		if err := rows.Scan(&schema, &table); err != nil {
			t.Fatal(err)
		}
		tables = append(tables, database.Quote(schema)+"."+database.Quote(table))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	slices.Sort(tables) // not in SQL: for the servers magento1 and Magento1 come in any order
	sums := map[string]string{"tables": strings.Join(tables, " ")}
	for _, table := range tables {
		var name, sum any
		if err := l.root.QueryRowContext(t.Context(), "CHECKSUM TABLE "+table).Scan(&name, &sum); err != nil {
			t.Fatal(err)
		}
		sums[table] = fmt.Sprintf("%s", sum)
	}
	return sums
}

// onlyAllowedStatements reads what accounts other than root sent.
func (l *lab) onlyAllowedStatements(t *testing.T) int {
	t.Helper()
	rows, err := l.root.QueryContext(t.Context(), `SELECT command_type, argument FROM mysql.general_log
		WHERE user_host LIKE 'may\_%' AND command_type NOT IN ('Connect', 'Quit', 'Close stmt', 'Reset stmt')`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	n := 0
	for rows.Next() {
		var command, text string
		if err := rows.Scan(&command, &text); err != nil {
			t.Fatal(err)
		}
		n++
		if command != "Query" && command != "Prepare" || !isAllowed(text) {
			t.Errorf("sent by %s: %s", command, text)
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return n
}

func isAllowed(statement string) bool {
	for _, allowed := range allowedStatements {
		if allowed.MatchString(strings.TrimSpace(statement)) {
			return true
		}
	}
	return false
}
