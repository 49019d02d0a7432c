package fit

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"magento_migration_exporter/collector/database"
	"magento_migration_exporter/collector/mysqltest"
	"magento_migration_exporter/config/toolconfig"
	"magento_migration_exporter/config/toolmap"
)

// servers are started once for all tests of the package.
var servers struct {
	sync.Mutex
	running map[mysqltest.Flavor]*mysqltest.Server
	labs    int
}

func TestMain(m *testing.M) {
	servers.running = map[mysqltest.Flavor]*mysqltest.Server{}
	code := m.Run()
	for _, s := range servers.running {
		if err := s.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// lab is a pair of databases on one server, and a connection with the settings that the tool's sessions have.
type lab struct {
	t      *testing.T
	server *mysqltest.Server
	names  [2]string
	files  Files
	tool   *sql.Conn
	root   *sql.DB
}

// flavors are the servers that most predictions are proved on.
func flavors() []mysqltest.Flavor {
	return slices.DeleteFunc(mysqltest.Flavors(), func(f mysqltest.Flavor) bool {
		return f != mysqltest.MariaDB && f != mysqltest.MySQL97
	})
}

func server(t *testing.T, f mysqltest.Flavor) (*mysqltest.Server, int) {
	t.Helper()
	servers.Lock()
	defer servers.Unlock()
	if servers.running[f] == nil {
		s, err := mysqltest.Start(context.Background(), mysqltest.Options{Flavor: f})
		if errors.Is(err, mysqltest.ErrNotChosen) {
			t.Skip(err)
		}
		if err != nil {
			t.Fatal(err)
		}
		servers.running[f] = s
	}
	servers.labs++
	return servers.running[f], servers.labs
}

func newLab(t *testing.T, f mysqltest.Flavor) *lab {
	t.Helper()
	s, n := server(t, f)
	l := &lab{t: t, server: s, names: [2]string{fmt.Sprintf("m1_%d", n), fmt.Sprintf("m2_%d", n)}, files: files(t)}
	config := mysql.NewConfig()
	config.User, config.Net, config.Addr = "root", "tcp", s.Addr()
	config.InterpolateParams = true
	config.MultiStatements = true
	connector, err := mysql.NewConnector(config)
	if err != nil {
		t.Fatal(err)
	}
	l.root = sql.OpenDB(connector)
	if l.tool, err = l.root.Conn(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = l.tool.Close()
		for _, name := range l.names {
			_, _ = l.root.ExecContext(context.Background(), "DROP DATABASE IF EXISTS "+name)
		}
		if err := l.root.Close(); err != nil {
			t.Error(err)
		}
	})
	for _, name := range l.names {
		l.exec("CREATE DATABASE " + name + " CHARACTER SET utf8 COLLATE utf8_general_ci")
	}
	l.exec("SET NAMES utf8", "SET SESSION sql_mode = ''", "SET time_zone = '+00:00'", "SET FOREIGN_KEY_CHECKS = 0")
	return l
}

// exec runs statements with the tool's settings, sent at once.
func (l *lab) exec(statements ...string) {
	l.t.Helper()
	all := strings.Join(statements, "; ")
	if _, err := l.tool.ExecContext(l.t.Context(), all); err != nil {
		l.t.Fatalf("%s: %v", all, err)
	}
}

// shop runs a script in one of the two databases, with a connection that knows all characters.
func (l *lab) shop(side int, script string) {
	l.t.Helper()
	l.exec("USE "+l.names[side], "SET NAMES utf8mb4", "SET SESSION sql_mode = 'NO_AUTO_VALUE_ON_ZERO'")
	defer l.exec("SET NAMES utf8", "SET SESSION sql_mode = ''")
	if _, err := l.tool.ExecContext(l.t.Context(), script); err != nil {
		l.t.Fatalf("%s: %v", script, err)
	}
}

// files reads those of testdata.
func files(t *testing.T) Files {
	t.Helper()
	c, err := toolconfig.Read(filepath.Join("testdata", "config.xml"), "")
	if err != nil {
		t.Fatal(err)
	}
	f := Files{Config: c, Maps: map[string]*toolmap.Map{}, Groups: map[string]*toolmap.Groups{}}
	for option, name := range map[string]string{
		"map_file": "map.xml", "customer_map_file": "map_customer.xml", "stores_map_file": "map_stores.xml",
		"eav_map_file": "map_eav.xml",
	} {
		if f.Maps[option], err = toolmap.Read(filepath.Join("testdata", name), toolmap.AnyNumber); err != nil {
			t.Fatal(err)
		}
	}
	groups, err := toolmap.ReadGroups(filepath.Join("testdata", "groups.xml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, option := range GroupOptions() {
		f.Groups[option] = groups
	}
	return f
}

func (l *lab) session(side int) *database.Session {
	l.t.Helper()
	return openOn(l.t, l.server, l.names[side])
}

// foretell goes through all tables.
func (l *lab) foretell() Report {
	l.t.Helper()
	var looker Looker
	in := l.input()
	defer l.close(in)
	for {
		r, err := looker.Round(l.t.Context(), in)
		if err != nil {
			l.t.Fatal(err)
		}
		if r.Whole {
			for _, f := range r.Failures {
				l.t.Errorf("%s: %v", f.What, f.Err)
			}
			return r
		}
	}
}

// inParts goes through all tables in the smallest parts, and with some passes through hashes of the rows.
func (l *lab) inParts(passes int) []Problem {
	l.t.Helper()
	in := l.input()
	defer l.close(in)
	plan, err := NewPlan(l.t.Context(), in.Sides, l.files)
	if err != nil {
		l.t.Fatal(err)
	}
	var all []Problem
	plan.shelves = new(Shelves)
	for _, task := range plan.tasks {
		if w, ok := task.work.(*keyed); ok && passes > 0 {
			w.ordered, w.hashed = nil, newHashed(w.from)
			w.hashed.passes = passes
		}
		for done := false; !done; {
			switch w := task.work.(type) {
			case *keyed:
				if w.width = 1; w.hashed != nil {
					w.hashed.pages.rows = 1
				}
			case *scan:
				w.pages.rows = 1
			}
			var problems []Problem
			if done, problems, err = task.work.step(l.t.Context(), plan); err != nil {
				l.t.Fatal(err)
			}
			if done {
				all = append(all, problems...)
			}
		}
	}
	return all
}

func (l *lab) input() Input {
	return Input{
		Now:     time.Date(2026, 11, 30, 4, 0, 0, 0, time.UTC),
		Sides:   [2]Side{{Session: l.session(0)}, {Session: l.session(1)}},
		Files:   func() (Files, error) { return l.files, nil },
		Shelves: new(Shelves),
	}
}

func (l *lab) close(in Input) {
	for _, side := range in.Sides {
		if err := side.Session.Close(); err != nil {
			l.t.Error(err)
		}
	}
}

// moving is what became of the rows of one table when they were inserted as the tool inserts them.
type moving struct {
	// number is the server's error, 0 for none.
	number uint16
	// changed counts, by Magento 1's column, the values that Magento 2 holds otherwise. It is nil after an error that
	// no key is to blame for.
	changed map[string]int
}

// move does what the tool does with a table: it reads all rows as texts, and inserts them in one statement. The
// columns are pairs of names.
func (l *lab) move(document, target string, columns [][2]string) moving {
	l.t.Helper()
	m := moving{}
	rows := l.read(0, document, first(columns))
	if len(rows) == 0 {
		return m
	}
	m.number = l.insert(target, columns, rows)
	l.exec("USE "+l.names[1], "DROP TABLE IF EXISTS without_keys", "CREATE TABLE without_keys LIKE `"+target+"`")
	l.dropKeys()
	if l.insert("without_keys", columns, rows) != 0 {
		return m
	}
	m.changed = map[string]int{}
	full := l.readAll(0, document, first(columns))
	stored := l.readAll(1, "without_keys", second(columns))
	for i := range full {
		for j := range columns {
			if differs(full[i][j], stored[i][j]) {
				m.changed[columns[j][0]]++
			}
		}
	}
	l.exec("DROP TABLE without_keys")
	return m
}

func first(columns [][2]string) []string {
	var names []string
	for _, c := range columns {
		names = append(names, c[0])
	}
	return names
}

func second(columns [][2]string) []string {
	var names []string
	for _, c := range columns {
		names = append(names, c[1])
	}
	return names
}

// columnLine and keyLine find a column's name and a key's in SHOW CREATE TABLE.
var (
	columnLine = regexp.MustCompile("(?m)^  `((?:[^`]|``)+)` ")
	keyLine    = regexp.MustCompile("(?m)^  (?:(PRIMARY) KEY|(?:UNIQUE |FULLTEXT |SPATIAL )?KEY `((?:[^`]|``)+)`) ")
)

// definition returns how a table was made. It costs the servers less than their information schema does.
func (l *lab) definition(side int, table string) string {
	l.t.Helper()
	var name, text string
	row := l.tool.QueryRowContext(l.t.Context(), "SHOW CREATE TABLE "+l.names[side]+".`"+table+"`")
	if err := row.Scan(&name, &text); err != nil {
		l.t.Fatal(err)
	}
	return text
}

// dropKeys removes all keys of the copy, and numbers its rows.
func (l *lab) dropKeys() {
	l.t.Helper()
	text := l.definition(1, "without_keys")
	if strings.Contains(strings.ToUpper(text), " AUTO_INCREMENT,") {
		l.exec("ALTER TABLE without_keys ADD zz_row int")
		return
	}
	var changes []string
	for _, m := range keyLine.FindAllStringSubmatch(text, -1) {
		changes = append(changes, "DROP INDEX `"+m[1]+m[2]+"`")
	}
	changes = append(changes, "ADD zz_row int NOT NULL AUTO_INCREMENT PRIMARY KEY")
	l.exec("ALTER TABLE without_keys " + strings.Join(changes, ", "))
}

func quotedList(names []string) string { return "`" + strings.Join(names, "`, `") + "`" }

// read reads as the tool's session does.
func (l *lab) read(side int, table string, columns []string) [][]sql.NullString {
	l.t.Helper()
	l.exec("USE " + l.names[side])
	order := " ORDER BY 1"
	if table == "without_keys" {
		order = " ORDER BY zz_row"
	}
	rows, err := l.tool.QueryContext(l.t.Context(), "SELECT "+quotedList(columns)+" FROM `"+table+"`"+order)
	if err != nil {
		l.t.Fatal(err)
	}
	defer rows.Close()
	var all [][]sql.NullString
	for rows.Next() {
		row, dest := make([]sql.NullString, len(columns)), make([]any, len(columns))
		for i := range row {
			dest[i] = &row[i]
		}
		if err := rows.Scan(dest...); err != nil {
			l.t.Fatal(err)
		}
		all = append(all, row)
	}
	if err := rows.Err(); err != nil {
		l.t.Fatal(err)
	}
	return all
}

// readAll reads with a session that knows all characters.
func (l *lab) readAll(side int, table string, columns []string) [][]sql.NullString {
	l.exec("SET NAMES utf8mb4")
	defer l.exec("SET NAMES utf8")
	return l.read(side, table, columns)
}

// insert returns the server's error. Like the tool's, the statement has all values as texts.
func (l *lab) insert(target string, columns [][2]string, rows [][]sql.NullString) uint16 {
	l.t.Helper()
	var values []string
	for _, row := range rows {
		var fields []string
		for _, v := range row {
			field := "NULL"
			if v.Valid {
				field = database.Literal(v.String)
			}
			fields = append(fields, field)
		}
		values = append(values, "("+strings.Join(fields, ", ")+")")
	}
	l.exec("USE "+l.names[1], "SET @OLD_INSERT_SQL_MODE=@@SQL_MODE, SQL_MODE='NO_AUTO_VALUE_ON_ZERO'")
	defer l.exec("SET SQL_MODE=IFNULL(@OLD_INSERT_SQL_MODE,'')")
	_, err := l.tool.ExecContext(l.t.Context(), "INSERT INTO `"+target+"` ("+quotedList(second(columns))+") VALUES "+
		strings.Join(values, ", "))
	var refused *mysql.MySQLError
	switch {
	case errors.As(err, &refused):
		return refused.Number
	case err != nil:
		l.t.Fatal(err)
	}
	return 0
}

// differs reports whether what is stored means something else. Blanks at the end do not count, nor how a number or a
// time is written, nor 0 and the zero date for an empty text.
func differs(sent, stored sql.NullString) bool {
	if sent.Valid != stored.Valid {
		return true
	}
	a, b := strings.TrimRight(sent.String, " "), strings.TrimRight(stored.String, " ")
	if a == b {
		return false
	}
	if x, ok := new(big.Rat).SetString(strings.TrimSpace(a)); ok {
		if y, ok := new(big.Rat).SetString(strings.TrimSpace(b)); ok && !strings.ContainsAny(a+b, "eExXbBoO/_pP") {
			return x.Cmp(y) != 0
		}
	}
	if a == "" && (b == "0" || strings.Trim(b, "0.") == "" || strings.HasPrefix(b, "0000-00-00")) {
		return false
	}
	midnight := func(s string) string { return strings.TrimSuffix(s, " 00:00:00") }
	return midnight(a) != midnight(b)
}

func kinds(problems []Problem) string {
	var texts []string
	for _, p := range problems {
		texts = append(texts, string(p.Kind)+" "+p.Subject())
	}
	slices.Sort(texts)
	return strings.Join(texts, ", ")
}
