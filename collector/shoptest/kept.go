package shoptest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"magento_migration_exporter/collector/database"
	"magento_migration_exporter/collector/mysqltest"
)

// recipe is what makes the databases of two shops the same but for their names.
type recipe struct {
	server1, server2 *mysqltest.Server
	prefix1, prefix2 string
	migrated         bool
}

// databases are those of a shop, with what was in them when its test began.
type databases struct {
	db1, db2, user   string
	loaded1, loaded2 image
}

// keeper has the databases of shops whose tests have ended. To make them costs much more than to look for what a test
// has changed in them and to make that again.
type keeper struct {
	mu    sync.Mutex
	ended map[recipe][]*databases
	// others are servers beside those of Servers.
	others map[*mysqltest.Server]bool
}

// Keep lets the shops on a server that belongs to a test have each other's databases, too, one after the other.
func (s *Servers) Keep(server *mysqltest.Server) {
	s.keeper.mu.Lock()
	defer s.keeper.mu.Unlock()
	if s.keeper.others == nil {
		s.keeper.others = map[*mysqltest.Server]bool{}
	}
	s.keeper.others[server] = true
}

// keeps reports whether there will be more shops on a server when the one that asks has ended.
func (s *Servers) keeps(server *mysqltest.Server) bool {
	s.keeper.mu.Lock()
	defer s.keeper.mu.Unlock()
	return server == s.Magento1 || server == s.Magento2 || s.keeper.others[server]
}

func (s *Shop) recipe() recipe {
	return recipe{s.Server1, s.Server2, s.Prefix1, s.Prefix2, s.migrated}
}

// take gives the shop databases that another one had, with nothing left of what that one did. Databases that cannot be
// put in order are dropped.
func (s *Servers) take(shop *Shop) *databases {
	for {
		d := s.keeper.pop(shop.recipe())
		if d == nil {
			return nil
		}
		err := d.restore(shop.T.Context(), shop, d.user, goodbye)
		if err == nil {
			return d
		}
		shop.T.Logf("the databases of an earlier test are made again: %v", err)
		d.drop(shop)
	}
}

func (k *keeper) pop(r recipe) *databases {
	k.mu.Lock()
	defer k.mu.Unlock()
	all := k.ended[r]
	if len(all) == 0 {
		return nil
	}
	k.ended[r] = all[:len(all)-1]
	return all[len(all)-1]
}

func (k *keeper) push(r recipe, d *databases) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.ended == nil {
		k.ended = map[recipe][]*databases{}
	}
	k.ended[r] = append(k.ended[r], d)
}

// lend gives the shop databases that others had before, or that others will have after it.
func (s *Servers) lend(shop *Shop, d *databases) {
	shop.T.Helper()
	if again := s.take(shop); again != nil {
		d = again
		shop.DB1, shop.DB2 = d.db1, d.db2
		if shop.migrated {
			shop.User = d.user // that the triggers run as
		}
		s.keepAtEnd(shop, d)
		shop.accounts()
		return
	}
	s.keepAtEnd(shop, d)
	ctx := shop.T.Context()
	shop.Must(shop.Server1.Load(ctx, shop.DB1, mysqltest.Magento1(shop.Prefix1)))
	shop.Must(shop.Server2.Load(ctx, shop.DB2, mysqltest.Magento2(shop.Prefix2)))
	shop.accounts()
	if shop.migrated {
		shop.migrate()
	}
	shop.Must(d.remember(ctx, shop))
}

// Undo makes the databases of a shop that has them with others what they were when its test began.
func (s *Shop) Undo() {
	s.T.Helper()
	if s.own == nil {
		s.T.Fatal("these databases are not kept: only those are remembered that other tests will have")
	}
	s.Must(s.own.restore(s.T.Context(), s, s.User, unhurried))
}

// keepAtEnd keeps the shop's databases for others when its test has ended well, and drops them otherwise.
func (s *Servers) keepAtEnd(shop *Shop, d *databases) {
	r := shop.recipe()
	shop.own = d
	shop.T.Cleanup(func() {
		if shop.T.Failed() || d.loaded2.tables == nil {
			d.drop(shop)
			return
		}
		d.user = shop.User
		s.keeper.push(r, d)
	})
}

func (d *databases) drop(shop *Shop) {
	_ = shop.Server1.Exec(context.Background(), "DROP DATABASE IF EXISTS "+database.Quote(d.db1))
	_ = shop.Server2.Exec(context.Background(), "DROP DATABASE IF EXISTS "+database.Quote(d.db2))
}

// remember notes what is in the databases before the test begins.
func (d *databases) remember(ctx context.Context, shop *Shop) error {
	for _, one := range d.each(shop) {
		err := one.with(func(db *sql.DB) (err error) {
			*one.loaded, err = remembered(ctx, db, one.name)
			return err
		})
		if err != nil {
			return fmt.Errorf("look at the new database %s: %w", one.name, err)
		}
	}
	return nil
}

// restore makes what is in the databases what it was. Until the limit it waits for sessions that are ending.
func (d *databases) restore(ctx context.Context, shop *Shop, user string, limit time.Duration) error {
	for _, one := range d.each(shop) {
		err := one.with(func(db *sql.DB) error {
			if err := unused(ctx, db, one.name, user, limit); err != nil {
				return err
			}
			return one.loaded.restore(ctx, db, one.name)
		})
		if err != nil {
			return fmt.Errorf("put the database %s in order: %w", one.name, err)
		}
	}
	return nil
}

// place is one of a shop's databases.
type place struct {
	server *mysqltest.Server
	name   string
	loaded *image
}

func (d *databases) each(shop *Shop) []place {
	return []place{{shop.Server1, d.db1, &d.loaded1}, {shop.Server2, d.db2, &d.loaded2}}
}

// with connects as root with a session of its own.
func (p place) with(do func(*sql.DB) error) error {
	settings := map[string]string{
		"time_zone": "'+00:00'", "sql_mode": "'NO_AUTO_VALUE_ON_ZERO'", "lock_wait_timeout": "60",
	}
	if p.server.Flavor() == mysqltest.MySQL97 {
		settings["information_schema_stats_expiry"] = "0"
	}
	db, err := p.server.Open(p.name, settings)
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	return do(db)
}

// goodbye is how long sessions of an earlier test may take to end. What is waited for longer costs less to make again.
const goodbye = time.Second

// unused waits until no session uses a database, or has a transaction there, any more.
func unused(ctx context.Context, db *sql.DB, name, user string, limit time.Duration) error {
	query := "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE ID <> CONNECTION_ID() AND (USER = " +
		literal(user) + " OR DB = " + literal(name) + " AND (COMMAND <> 'Sleep' OR ID IN " +
		"(SELECT trx_mysql_thread_id FROM information_schema.INNODB_TRX)))"
	for deadline := time.Now().Add(limit); ; time.Sleep(2 * time.Millisecond) {
		var n int
		if err := db.QueryRowContext(ctx, query).Scan(&n); err != nil {
			return err
		}
		if n == 0 {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%d sessions are left", n)
		}
	}
}

// image is what is in a database.
type image struct {
	// database is the definition of the database itself, and what is in it beside tables: views, routines and events.
	database []string
	tables   map[string]*table
}

// table is what is in a table.
type table struct {
	// definition has the next value of AUTO_INCREMENT, too.
	definition, checksum string
	triggers             []trigger
	// made, size and written are what the server says of the table's file. It forgets the last one when it restarts.
	made, size, written string
	// rows is the statement that inserts them, empty without any.
	rows string
}

type trigger struct {
	name, create, created, mode, charset, collation string
}

// touched reports whether the server says that something was done to a table, even if that was undone.
func (t *table) touched(loaded *table) bool {
	return t.made != loaded.made || t.size != loaded.size || t.written != loaded.written && t.written != ""
}

// same reports whether a table has what another one has.
func (t *table) same(loaded *table) bool {
	return t.definition == loaded.definition && t.checksum == loaded.checksum &&
		slices.Equal(t.triggers, loaded.triggers)
}

var errDiffers = errors.New("it is not what it was")

// restore makes the tables that were changed again, and drops those that were added.
func (m *image) restore(ctx context.Context, db *sql.DB, name string) error {
	now, err := look(ctx, db, name)
	if err != nil {
		return err
	}
	if !slices.Equal(now.database, m.database) {
		return fmt.Errorf("the database, its views or routines: %w", errDiffers)
	}
	var statements, again []string
	for _, table := range slices.Sorted(maps.Keys(now.tables)) {
		switch loaded := m.tables[table]; {
		case loaded == nil:
			statements = append(statements, "DROP TABLE "+database.Quote(table))
			delete(now.tables, table)
		case now.tables[table].touched(loaded):
			delete(now.tables, table)
		}
	}
	if err := now.read(ctx, db); err != nil {
		return err
	}
	for _, table := range slices.Sorted(maps.Keys(m.tables)) {
		if found := now.tables[table]; found == nil || !found.same(m.tables[table]) {
			again = append(again, table)
			statements = append(statements, m.tables[table].statements(table)...)
		}
	}
	if len(statements) == 0 {
		return nil
	}
	if _, err := db.ExecContext(ctx, strings.Join(statements, ";\n")); err != nil {
		return err
	}
	return m.verify(ctx, db, name, again)
}

// verify returns an error unless the tables are there, and those that were made again are what they were.
func (m *image) verify(ctx context.Context, db *sql.DB, name string, again []string) error {
	now, err := look(ctx, db, name)
	if err != nil {
		return err
	}
	if !slices.Equal(slices.Sorted(maps.Keys(now.tables)), slices.Sorted(maps.Keys(m.tables))) {
		return fmt.Errorf("its tables: %w", errDiffers)
	}
	maps.DeleteFunc(now.tables, func(table string, _ *table) bool { return !slices.Contains(again, table) })
	if err := now.read(ctx, db); err != nil {
		return err
	}
	for table, found := range now.tables {
		loaded := m.tables[table]
		if !found.same(loaded) {
			return fmt.Errorf("%s: %w: %+v, before %+v", table, errDiffers, *found, *loaded)
		}
		found.rows = loaded.rows
		m.tables[table] = found
	}
	return nil
}

// statements make a table again.
func (t *table) statements(name string) []string {
	all := []string{"DROP TABLE IF EXISTS " + database.Quote(name), t.definition}
	if t.rows != "" {
		all = append(all, t.rows)
	}
	for _, g := range t.triggers {
		at := "DEFAULT"
		if g.created != "" {
			at = "UNIX_TIMESTAMP(" + literal(g.created) + ")"
		}
		all = append(all,
			"SET timestamp = "+at+", sql_mode = "+literal(g.mode)+", character_set_client = "+g.charset+
				", collation_connection = "+g.collation,
			g.create)
	}
	if len(t.triggers) > 0 {
		all = append(all, "SET timestamp = DEFAULT, sql_mode = 'NO_AUTO_VALUE_ON_ZERO', NAMES utf8mb4")
	}
	return all
}

// literal quotes a text for a session whose sql_mode lets a backslash quote.
func literal(text string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, "'", `\'`, "\x00", `\0`).Replace(text) + "'"
}
