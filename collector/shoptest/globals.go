package shoptest

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"magento_migration_exporter/collector/database"
	"magento_migration_exporter/collector/mysqltest"
)

// RestoreGlobals gives a server's global settings at the end of a test the values that they had before it. A server
// that does not take one back starts again.
func RestoreGlobals(t *testing.T, server *mysqltest.Server) {
	t.Helper()
	before, err := globals(t.Context(), server)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		err := restoreGlobals(context.Background(), server, before)
		if err == nil {
			return
		}
		t.Logf("%s starts again: %v", server.Flavor(), err)
		if err := server.Restart(context.Background()); err != nil {
			t.Error(err)
		}
	})
}

// restoreGlobals ends root's sessions, too: they began with what was set then.
func restoreGlobals(ctx context.Context, server *mysqltest.Server, before map[string]string) error {
	server.EndIdleSessions()
	db, err := openPlain(server)
	if err != nil {
		return err
	}
	defer db.Close()
	// Some settings change others: character sets and their collations, for example.
	for range 3 {
		now, err := globals(ctx, server)
		if err != nil {
			return err
		}
		if maps.Equal(now, before) {
			return nil
		}
		for _, name := range slices.Sorted(maps.Keys(before)) {
			if now[name] != before[name] {
				restoreGlobal(ctx, db, name, before[name])
			}
		}
	}
	now, err := globals(ctx, server)
	if err != nil {
		return err
	}
	for name, value := range before {
		if now[name] != value {
			return fmt.Errorf("%s is %q, and was %q", name, now[name], value)
		}
	}
	return nil
}

// restoreGlobal tries the ways in which a setting can be given a value. What came of it is looked at later.
func restoreGlobal(ctx context.Context, db *sql.DB, name, value string) {
	for _, v := range []string{"DEFAULT", literal(value), value} {
		if _, err := db.ExecContext(ctx, "SET GLOBAL "+database.Quote(name)+" = "+v); err != nil {
			continue
		}
		var now string
		err := db.QueryRowContext(ctx, "SELECT @@GLOBAL."+database.Quote(name)).Scan(&now)
		if err == nil && now == value {
			return
		}
	}
}

// globals returns the server's global settings. Those about GTIDs count what is written.
func globals(ctx context.Context, server *mysqltest.Server) (map[string]string, error) {
	db, err := openPlain(server)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	all := map[string]string{}
	const statements = "SHOW GLOBAL VARIABLES; SELECT 'optimizer_switch', @@GLOBAL.optimizer_switch" // the first cuts
	err = each(ctx, db, statements, func(_ int, row []sql.NullString) {
		if name := row[0].String; !strings.HasPrefix(name, "gtid_") {
			all[name] = row[1].String
		}
	})
	return all, err
}

// openPlain connects as root with a session in which nothing is unusual, whatever is set for all sessions.
func openPlain(server *mysqltest.Server) (*sql.DB, error) {
	db, err := server.Open("", map[string]string{
		"autocommit": "1", "sql_mode": "''", "sql_select_limit": "18446744073709551615",
		"max_join_size": "18446744073709551615", "sql_big_selects": "1", "sql_safe_updates": "0",
		"character_set_results": "utf8",
	})
	if err == nil {
		db.SetMaxOpenConns(1)
	}
	return db, err
}
