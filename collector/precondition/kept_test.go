package precondition_test

import (
	"strings"
	"testing"

	"magento_migration_exporter/collector/mysqltest"
	"magento_migration_exporter/collector/shoptest"
)

// changes are what a test can do to the databases of its shop, each with a question whose answer it changes.
var changes = map[string]struct {
	on1, on2 []string
	question string
}{
	"a row": {
		on1:      []string{"UPDATE core_website SET name = 'X' WHERE website_id = 1"},
		question: "SELECT COUNT(*) FROM {1}.core_website WHERE name = 'X'",
	},
	"the order of numbers": {
		on1:      []string{"INSERT INTO core_website (code) VALUES ('x')", "DELETE FROM core_website WHERE code = 'x'"},
		question: "SHOW CREATE TABLE {1}.core_website",
	},
	"a column": {
		on2:      []string{"ALTER TABLE store_website MODIFY name varchar(65)"},
		question: "SHOW CREATE TABLE {2}.store_website",
	},
	"no table": {
		on2:      []string{"DROP TABLE cms_page"},
		question: "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = '{2}' AND TABLE_NAME = 'cms_page'",
	},
	"no rows": {on1: []string{"TRUNCATE review"}, question: "SELECT COUNT(*) FROM {1}.review"},
	"a table": {
		on1:      []string{"CREATE TABLE x_more (a int)"},
		question: "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = '{1}'",
	},
	"no trigger": {
		on1: []string{"DROP TRIGGER trg_review_after_insert"},
		question: "SELECT COUNT(*), COALESCE(MAX(CREATED), ''), MAX(DEFINER) FROM information_schema.TRIGGERS " +
			"WHERE TRIGGER_SCHEMA = '{1}' AND EVENT_OBJECT_TABLE = 'review'",
	},
	"another trigger": {
		on2: []string{"CREATE TRIGGER x_after_insert AFTER INSERT ON review FOR EACH ROW SET @x = 1"},
		question: "SELECT COUNT(*) FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = '{2}' AND " +
			"EVENT_OBJECT_TABLE = 'review'",
	},
}

// whole are changes after which the next test gets other databases.
var whole = map[string]string{
	"a view":          "CREATE VIEW x_view AS SELECT 1 a",
	"a routine":       "CREATE PROCEDURE x_procedure() SELECT 1",
	"an event":        "CREATE EVENT x_event ON SCHEDULE EVERY 1 DAY DO SELECT 1",
	"a character set": "ALTER DATABASE DEFAULT CHARACTER SET cp1251",
}

// TestNothingIsLeftOfAnEarlierTest sees that a shop that has the databases of an earlier test has them as new ones.
func TestNothingIsLeftOfAnEarlierTest(t *testing.T) {
	t.Parallel()
	shared.Each(t, func(t *testing.T, server *mysqltest.Server) {
		var database string
		before := map[string]string{}
		t.Run("changes", func(t *testing.T) {
			s := newShop(t, on(server), shoptest.Migrated)
			database = s.DB1
			for name, change := range changes {
				before[name] = s.answer(change.question)
			}
			for name, change := range changes {
				s.On1(change.on1...)
				s.On2(change.on2...)
				if s.answer(change.question) == before[name] {
					s.T.Errorf("%s is not seen: %s", name, before[name])
				}
			}
		})
		t.Run("next", func(t *testing.T) {
			s := newShop(t, on(server), shoptest.Migrated)
			if s.DB1 != database {
				s.T.Errorf("there is another database, %s after %s", s.DB1, database)
			}
			for name, change := range changes {
				if after := s.answer(change.question); after != before[name] {
					s.T.Errorf("%s: there is %s, and was %s", name, after, before[name])
				}
			}
		})
	})
}

// TestDatabasesThatAreMadeAgain changes what is beside the tables: the next test gets other databases.
func TestDatabasesThatAreMadeAgain(t *testing.T) {
	t.Parallel()
	server := mysqltest.New(t, mysqltest.Options{})
	shared.Keep(server)
	for name, statement := range whole {
		var database string
		t.Run(name, func(t *testing.T) {
			s := newShop(t, on(server))
			database = s.DB1
			s.On1(statement)
		})
		t.Run("after "+name, func(t *testing.T) {
			if s := newShop(t, on(server)); s.DB1 == database {
				s.T.Errorf("%s is there again", database)
			}
		})
	}
}

// answer returns the first row of what root is answered; {1} and {2} stand for the databases.
func (s *shop) answer(question string) string {
	s.T.Helper()
	rows, err := s.Root(s.Server1).QueryContext(s.T.Context(), strings.NewReplacer("{1}", s.DB1, "{2}", s.DB2).
		Replace(question))
	s.Must(err)
	defer rows.Close()
	columns, err := rows.Columns()
	s.Must(err)
	values := make([]string, len(columns))
	into := make([]any, len(columns))
	for i := range values {
		into[i] = &values[i]
	}
	if !rows.Next() {
		s.T.Fatalf("%s: no answer: %v", question, rows.Err())
	}
	s.Must(rows.Scan(into...))
	return strings.Join(values, ", ")
}

// TestGlobalSettingsAreRestored sees that a server has the settings again that a test has changed.
func TestGlobalSettingsAreRestored(t *testing.T) {
	t.Parallel()
	const question = "SELECT CONCAT_WS(' ', @@GLOBAL.sql_mode, @@GLOBAL.wait_timeout, @@GLOBAL.optimizer_switch, " +
		"@@GLOBAL.init_connect, @@GLOBAL.collation_server, @@GLOBAL.sql_select_limit, @@GLOBAL.time_zone, " +
		"@@SESSION.sql_mode, @@GLOBAL.read_only)"
	shared.Each(t, func(t *testing.T, server *mysqltest.Server) {
		settings := func(t *testing.T) (all string) {
			t.Helper()
			root, err := server.Root(t.Context())
			must(t, err)
			must(t, root.QueryRowContext(t.Context(), question).Scan(&all))
			return all
		}
		before := settings(t)
		t.Run("change", func(t *testing.T) {
			shoptest.RestoreGlobals(t, server)
			_, err := server.MakeHostile(t.Context())
			must(t, err)
			must(t, server.Exec(t.Context(), "SET GLOBAL read_only = 1"))
			if now := settings(t); now == before {
				t.Errorf("nothing has changed: %s", now)
			}
		})
		if after := settings(t); after != before {
			t.Errorf("%s\nand before:\n%s", after, before)
		}
	})
}
