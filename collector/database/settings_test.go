package database

import (
	"database/sql"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"magento_migration_exporter/collector/mysqltest"
)

// makeHostile sets all hostile settings that the server has.
func makeHostile(t *testing.T, server *mysqltest.Server) {
	t.Helper()
	set, err := server.MakeHostile(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if set < 30 {
		t.Errorf("only %d settings are hostile", set)
	}
}

// answers runs statements of one column whose answers depend on settings.
func answers(t *testing.T, s *Session) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, query := range []string{
		"SELECT name FROM words ORDER BY name",
		"SELECT GROUP_CONCAT(name ORDER BY id) FROM words",
		"SELECT COUNT(*) FROM words a JOIN words b JOIN words c",
		"SELECT CONCAT_WS(' ', made, UNIX_TIMESTAMP(made)) FROM words WHERE id = 1",
		`SELECT CONCAT_WS(' ', "text" || 'a', 'a\\b', NOT 1 BETWEEN -5 AND 5, 7 / 3)`,
		"SELECT CONCAT_WS(' ', HEX('ä'), CHAR_LENGTH('ä'), 'ä' = 'Ä', fixed, CHAR_LENGTH(fixed)) FROM words WHERE id " +
			"= 1",
		"SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() ORDER BY 1",
		"SELECT CONCAT_WS(' ', @@autocommit, @@sql_auto_is_null, @@wait_timeout, @@lc_messages, @@lock_wait_timeout, " +
			"@@sql_safe_updates)",
		"SELECT CONCAT_WS(' ', @@sort_buffer_size, @@net_write_timeout, @@long_query_time, @@sql_quote_show_create)",
		"SELECT CONCAT_WS(' ', @@optimizer_search_depth, @@max_seeks_for_key, @@optimizer_switch)",
	} {
		var rows []string
		err := s.Rows(t.Context(), query, nil, func(scan func(...any) error) error {
			var row string
			err := scan(&row)
			rows = append(rows, row)
			return err
		})
		if err != nil {
			t.Errorf("%s: %v", query, err)
		}
		all[query] = strings.Join(rows, "\n")
	}
	return all
}

// TestHostileSettings compares the answers that an account without privileges, and the administrator, get before and
// after.
func TestHostileSettings(t *testing.T) {
	t.Parallel()
	eachServer(t, func(t *testing.T, server *mysqltest.Server) {
		long := strings.Repeat("x", 500)
		if err := server.Load(t.Context(), "shop", "SET NAMES utf8mb4; CREATE TABLE words (id int PRIMARY KEY, name "+
			"varchar(600), fixed char(5), made timestamp) CHARACTER SET utf8; "+
			"INSERT INTO words VALUES (1, '"+long+"b', 'ä', '2026-01-02 03:04:05'), (2, '"+long+"a', '', '2026-01-02 "+
			"03:04:05'), (3, 'a', '', '2026-01-02 03:04:05')"); err != nil {
			t.Fatal(err)
		}
		if err := server.Exec(t.Context(), "CREATE USER plain@'%' IDENTIFIED BY 'x'",
			"GRANT SELECT ON shop.* TO plain@'%'"); err != nil {
			t.Fatal(err)
		}
		login := func(user, password string) *Session {
			e := Endpoint{Host: server.Host(), Port: server.Port(), User: user, Name: "shop"}
			if e.Password = "x"; password == "" {
				e.Password, e.Host, e.Socket = "", "", server.Socket()
			}
			s, err := Open(t.Context(), e, options())
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = s.Close() })
			return s
		}
		before := answers(t, login("plain", "x"))
		t.Cleanup(func() { restart(t, server) })
		makeHostile(t, server)
		for _, who := range [][2]string{{"plain", "x"}, {"root", ""}} {
			after := answers(t, login(who[0], who[1]))
			for _, query := range slices.Sorted(maps.Keys(before)) {
				if after[query] != before[query] {
					t.Errorf("%s as %s:\n got %.300s\nwant %.300s", query, who[0], after[query], before[query])
				}
			}
		}
	})
}

// TestRefusedSettingsAreRemembered takes a variable from the server that no server has.
func TestRefusedSettingsAreRemembered(t *testing.T) {
	t.Parallel()
	eachServer(t, func(t *testing.T, server *mysqltest.Server) {
		var refused RefusedSettings
		e := Endpoint{Socket: server.Socket(), User: "root", Name: "shop"}
		o := options()
		o.Refused = &refused
		lacks := func(optional bool, instead string) setting {
			return setting{"no_such_variable", "1", optional, instead}
		}
		s, err := Open(t.Context(), e, o)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		var cost Cost
		ctx := WithCost(t.Context(), &cost)
		list := []setting{{name: "time_zone", value: "'+02:00'"}, lacks(false, "SET sql_mode='ANSI_QUOTES'")}
		for i, want := range []int64{4,
			6} { // both at once, each by itself, and what stands in for one; then one and what stands in
			if err := s.assign(ctx, list); err != nil || cost.Statements() != want {
				t.Errorf("round %d: %d statements so far, want %d (%v)", i+1, cost.Statements(), want, err)
			}
		}
		var zone, mode string
		if err := s.Row(ctx, "SELECT @@time_zone, @@sql_mode", nil, &zone, &mode); err != nil || zone != "+02:00" ||
			mode != "ANSI_QUOTES" {
			t.Errorf("%s, %s, %v", zone, mode, err)
		}
		// A variable that is there and cannot be set as the statements need it.
		if err := s.assign(ctx, []setting{{name: "time_zone", value: "'+99:00'"}}); Number(err) == 0 {
			t.Errorf("%v", err)
		}
		if err := s.assign(ctx, []setting{{name: "wait_timeout", value: "'never'", optional: true}}); err != nil {
			t.Errorf("%v", err)
		}
	})
}

// TestSettingsOfAnUnknownServer is one that calls its version something else: everything it has is set, and it is
// read-only.
func TestSettingsOfAnUnknownServer(t *testing.T) {
	t.Parallel()
	eachServer(t, func(t *testing.T, server *mysqltest.Server) {
		s := open(t, server, options())
		real := s.Version
		s.Version = Version{Flavor: MySQL}
		s.options.StatementTimeout = 300 * time.Second
		_ = s.Exec(t.Context(), "SET information_schema_stats_expiry = 5") // where there is one
		if err := s.set(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := s.Exec(t.Context(), "INSERT INTO t VALUES (3)"); Number(err) != ErrReadOnlyTransaction {
			t.Errorf("%v", err)
		}
		for name, want := range map[string]string{"max_statement_time": "300.000000", "max_execution_time": "300000",
			"information_schema_stats_expiry": "0"} {
			var value string
			err := s.Row(t.Context(), "SHOW VARIABLES LIKE '"+name+"'", nil, &name, &value)
			if !errors.Is(err, sql.ErrNoRows) && (err != nil || value != want) {
				t.Errorf("%s is %s, want %s (%v)", name, value, want, err)
			}
		}
		s.Version = Version{Flavor: MariaDB, Major: 99}
		if err := s.set(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.Version = real
	})
}

// TestProbingSessionsBeginAsTheServerSays, because the tool's sessions do.
func TestProbingSessionsBeginAsTheServerSays(t *testing.T) {
	t.Parallel()
	eachServer(t, func(t *testing.T, server *mysqltest.Server) {
		if err := server.Exec(t.Context(), "SET GLOBAL TRANSACTION READ ONLY"); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { restart(t, server) })
		s, err := Open(t.Context(), Endpoint{Socket: server.Socket(), User: "root"},
			Options{StatementTimeout: time.Minute, Probing: true, Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if err := s.Exec(t.Context(), "INSERT INTO shop.t VALUES (3)"); Number(err) != ErrReadOnlyTransaction {
			t.Errorf("%v", err)
		}
	})
}
