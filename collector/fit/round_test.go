package fit

import (
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"magento_migration_exporter/collector/database"
	"magento_migration_exporter/collector/mysqltest"
)

// round is one round that must go well.
func round(t *testing.T, looker *Looker, in Input) Report {
	t.Helper()
	r, err := looker.Round(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// whole goes on until all was looked at.
func whole(t *testing.T, looker *Looker, in Input) Report {
	t.Helper()
	for {
		if r := round(t, looker, in); r.Whole && looker.plan == nil {
			return r
		}
	}
}

func TestWhatIsKnownIsNotLookedAtAgain(t *testing.T) {
	t.Parallel()
	l := newLab(t, mysqltest.MariaDB)
	for _, table := range []string{"one", "two"} {
		l.shop(0, "CREATE TABLE "+table+" (id int NOT NULL PRIMARY KEY, a varchar(9)) ENGINE=InnoDB; "+
			"INSERT INTO "+table+" VALUES (1, 'abcd')")
		l.shop(1, "CREATE TABLE "+table+" (id int NOT NULL PRIMARY KEY, a varchar(3))")
	}
	l.settle()
	var looker Looker
	in := l.input()
	defer l.close(in)
	in.Key = "first"
	if r := whole(t, &looker, in); kinds(r.Problems) != "cut one.a, cut two.a" || r.Total != 2 {
		t.Fatalf("%+v", r)
	}
	if !looker.Idle("first", in.Now.Add(restAfterProblems-time.Second)) || looker.Idle("second", in.Now) {
		t.Error("it rests while nothing is due, and with the same files alone")
	}
	l.shop(0, "UPDATE one SET a = 'abc'")
	l.settle()
	in.Now = in.Now.Add(restAfterProblems)
	if looker.Idle("first", in.Now) {
		t.Error("what was found is looked at again soon")
	}
	if err := looker.begin(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	var again []string
	for _, task := range looker.plan.tasks {
		again = append(again, task.name)
	}
	if !slices.Equal(again, []string{"rows one"}) {
		t.Errorf("looked at again: %v", again)
	}
	if r := whole(t, &looker, in); kinds(r.Problems) != "cut two.a" {
		t.Errorf("%+v", r.Problems)
	}
	if len(looker.results) != 1 || len(looker.cleans) != 1 {
		t.Errorf("kept: %+v, %+v", looker.results, looker.cleans)
	}
	in.Now = in.Now.Add(restAfterProblems)
	if err := looker.begin(t.Context(), in); err != nil || len(looker.plan.tasks) != 0 {
		t.Errorf("looked at again though nothing changed: %v (%v)", looker.plan.tasks, err)
	}
	looker.plan = nil
	l.shop(0, "UPDATE two SET a = 'abc'")
	in.Key = "second" // other files
	if r := whole(t, &looker, in); len(r.Problems) > 0 {
		t.Errorf("%+v", r.Problems)
	}
	if !looker.Idle("second", in.Now.Add(rest-time.Second)) || looker.Idle("second", in.Now.Add(rest)) {
		t.Error("without problems it rests for longer")
	}
}

// TestTheFirstRoundHasMoreTime has more time until all was looked at once, and again for other files.
func TestTheFirstRoundHasMoreTime(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for _, test := range []struct {
		looker      Looker
		first, want time.Duration
	}{
		{Looker{}, 4 * time.Second, 4 * time.Second},
		{Looker{}, 0, Budget},
		{Looker{ended: now}, 4 * time.Second, Budget},
	} {
		if got := test.looker.budget(Input{First: test.first}); got != test.want {
			t.Errorf("%+v: %s", test, got)
		}
	}
}

// settle waits until the server says of all tables that the last change was some seconds ago: before that, what is
// known of them is not relied on.
func (l *lab) settle() {
	l.t.Helper()
	for end := time.Now().Add(5 * time.Minute); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		var recent int
		row := l.tool.QueryRowContext(
			l.t.Context(),
			"SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? "+
				"AND (UPDATE_TIME IS NULL OR UPDATE_TIME > CURRENT_TIMESTAMP - INTERVAL 5 SECOND)",
			l.names[0],
		)
		if err := row.Scan(&recent); err != nil {
			l.t.Fatal(err)
		}
		if recent == 0 {
			return
		}
	}
	l.t.Fatal("the server never says that a table was left alone")
}

func TestARoundIsResumed(t *testing.T) {
	t.Parallel()
	l := newLab(t, mysqltest.MariaDB)
	l.shop(0, "CREATE TABLE goods (id int NOT NULL PRIMARY KEY, a varchar(9)); "+
		"INSERT INTO goods VALUES (1, 'abcd'), (2, 'abc'), (900, 'abcde')")
	l.shop(1, "CREATE TABLE goods (id int NOT NULL PRIMARY KEY, a varchar(3))")
	in := l.input()
	defer l.close(in)
	var looker Looker
	if err := looker.begin(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	work := looker.plan.tasks[0].work.(*scan)
	looker.plan.sides = in.Sides
	for range 2 { // a page of one row each, and no more
		work.pages.rows = 1
		if done, _, err := work.step(t.Context(), looker.plan); done || err != nil {
			t.Fatal(done, err)
		}
	}
	if r := looker.Known(); r.Whole || r.Done != 0 || r.Total != 1 || len(r.Problems) > 0 {
		t.Errorf("in the middle: %+v", r)
	}
	r := whole(t, &looker, in)
	if len(r.Problems) != 1 || r.Problems[0].Rows != 2 || !slices.Equal(r.Problems[0].IDs, []string{"1", "900"}) {
		t.Errorf("%+v", r.Problems)
	}
}

func TestWhatFailsIsReported(t *testing.T) {
	t.Parallel()
	l := newLab(t, mysqltest.MariaDB)
	l.shop(0, "CREATE TABLE goods (id int NOT NULL PRIMARY KEY, a varchar(9)); INSERT INTO goods VALUES (1, 'abcd')")
	l.shop(1, "CREATE TABLE goods (id int NOT NULL PRIMARY KEY, a varchar(3))")
	in := l.input()
	defer l.close(in)
	var looker Looker
	if err := looker.begin(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	l.shop(0, "RENAME TABLE goods TO hidden")
	r := whole(t, &looker, in)
	if len(r.Failures) != 1 || !strings.Contains(r.Failures[0].Err.Error(), "goods") {
		t.Fatalf("%+v", r)
	}
	l.shop(0, "RENAME TABLE hidden TO goods")
	in.Now = in.Now.Add(restAfterProblems)
	if r := whole(t, &looker, in); len(r.Failures) > 0 || kinds(r.Problems) != "cut goods.a" {
		t.Errorf("%+v", r)
	}
	in.Now = in.Now.Add(restAfterProblems)
	in.Files = func() (Files, error) { return Files{}, errors.New("no file") }
	if r, err := looker.Round(t.Context(), in); err == nil || kinds(r.Problems) != "cut goods.a" {
		t.Errorf("%v %+v", err, r)
	}
}

func TestCustomers(t *testing.T) {
	t.Parallel()
	l := newLab(t, mysqltest.MariaDB)
	l.shop(0, `CREATE TABLE eav_entity_type (entity_type_id int, entity_type_code varchar(50));
		INSERT INTO eav_entity_type VALUES (1, 'customer');
		CREATE TABLE eav_attribute (attribute_id int, entity_type_id int, attribute_code varchar(50),
			backend_type varchar(8), is_user_defined int);
		INSERT INTO eav_attribute VALUES (4, 1, 'prefix', 'varchar', 0), (5, 1, 'nickname', 'varchar', 1);
		CREATE TABLE customer_entity (entity_id int NOT NULL PRIMARY KEY, email varchar(255) COLLATE utf8_bin,
			website_id int, UNIQUE KEY email (email, website_id));
		INSERT INTO customer_entity VALUES (1, 'jane@example.com', 1), (2, 'Jane@example.com', 1),
			(3, 'jane@example.com', 2);
		CREATE TABLE customer_entity_varchar (value_id int NOT NULL PRIMARY KEY, attribute_id int, entity_id int,
			value varchar(255));
		INSERT INTO customer_entity_varchar VALUES (1, 4, 1, 'Dr.'), (2, 4, 2, 'The Right Honourable'),
			(3, 5, 1, 'The Right Honourable'), (4, 4, 3, NULL)`)
	l.shop(1, `CREATE TABLE customer_entity (entity_id int NOT NULL PRIMARY KEY, email varchar(255), website_id int,
			prefix varchar(10), UNIQUE KEY mail (email, website_id));
		CREATE TABLE customer_entity_varchar (value_id int NOT NULL PRIMARY KEY, attribute_id int, entity_id int,
			value varchar(255))`)
	r := l.foretell()
	if got := kinds(r.Problems); got != "collision customer_entity mail, cut customer_entity_varchar.prefix" {
		t.Fatal(got)
	}
	for _, p := range r.Problems {
		switch {
		case p.Kind == Collision && (p.Values != nil || !slices.Equal(p.IDs, []string{"1 = 2"})):
			t.Errorf("%+v", p)
		case p.Kind == Cut && (!slices.Equal(p.IDs, []string{"2"}) || p.Target != "customer_entity.prefix"):
			t.Errorf("%+v", p)
		}
	}
}

func TestTablesOfMagento2(t *testing.T) {
	t.Parallel()
	l := newLab(t, mysqltest.MariaDB)
	l.shop(0, "CREATE TABLE merged (id int NOT NULL PRIMARY KEY, a int); INSERT INTO merged VALUES (1, 1), (2, 1)")
	l.shop(1, "CREATE TABLE merged (id int NOT NULL PRIMARY KEY, a int, UNIQUE KEY k (a)) ENGINE=MyISAM; "+
		"CREATE TABLE seen (a int); CREATE TRIGGER log_it AFTER INSERT ON merged FOR EACH ROW INSERT INTO seen VALUES (1)")
	r := l.foretell()
	if got := kinds(r.Problems); got != "merge merged k" {
		t.Error(got)
	}
	if len(r.Engines) != 1 || r.Engines[0].Value != "MyISAM" || len(r.Triggers) != 1 ||
		r.Triggers[0].Value != "log_it" {
		t.Errorf("%+v", r)
	}
}

func TestOrphans(t *testing.T) {
	t.Parallel()
	for _, f := range flavors() {
		l := newLab(t, f)
		const tables = "CREATE TABLE parent (id int NOT NULL PRIMARY KEY) ENGINE=InnoDB; "
		const child = "CREATE TABLE child (id int NOT NULL PRIMARY KEY, owner int, also int) ENGINE=InnoDB; "
		l.shop(
			0,
			tables+child+"INSERT INTO parent VALUES (1); INSERT INTO child VALUES (1, 1, 7), (2, 5, 1), (3, NULL, 1)",
		)
		l.shop(1, tables+child+"ALTER TABLE child ADD CONSTRAINT of_parent FOREIGN KEY (owner) REFERENCES parent (id)")
		r := l.foretell()
		if got := kinds(r.Problems); got != "orphan child.owner" || r.Problems[0].Key != "of_parent" ||
			!slices.Equal(r.Problems[0].IDs, []string{"2"}) {
			t.Errorf("%s: %+v", f, r.Problems)
		}
		// What Magento 1 declares itself, the tool's integrity check looks for.
		l.shop(0, "DELETE FROM child WHERE id = 2; "+
			"ALTER TABLE child ADD CONSTRAINT of_parent FOREIGN KEY (owner) REFERENCES parent (id)")
		l.shop(0, "SET FOREIGN_KEY_CHECKS = 0; INSERT INTO child VALUES (2, 5, 1)")
		if r := l.foretell(); len(r.Problems) > 0 {
			t.Errorf("%s: %+v", f, r.Problems)
		}
	}
}

// TestACollationThatMagento1Lacks needs two servers: what one of them finds with a similar collation, the other one
// confirms with its own.
func TestACollationThatMagento1Lacks(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ rows, want string }{
		{"(1, 'a'), (2, 'A')", "collision goods k"},
		{"(1, 'a'), (2, 'a ')", ""}, // which does not pad
		{"(1, 'ss'), (2, 'ß')", "collision goods k"},
		{"(1, 'e'), (2, 'é')", "collision goods k"},
		{"(1, 'a'), (2, 'b')", ""},
	} {
		for _, f := range []mysqltest.Flavor{mysqltest.MariaDB, mysqltest.MySQL56} {
			l := newLab(t, f)
			l.shop(
				0,
				"CREATE TABLE goods (id int NOT NULL PRIMARY KEY, a varchar(9) COLLATE utf8_bin) CHARACTER SET utf8; "+
					"INSERT INTO goods VALUES "+test.rows,
			)
			other, _ := server(t, mysqltest.MySQL97)
			if err := other.Load(t.Context(), l.names[1], "CREATE TABLE goods (id int NOT NULL PRIMARY KEY, a varchar(9), "+
				"UNIQUE KEY k (a)) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci"); err != nil {
				t.Fatal(err)
			}
			in := l.input()
			if err := in.Sides[1].Session.Close(); err != nil {
				t.Fatal(err)
			}
			in.Sides[1].Session = openOn(t, other, l.names[1])
			var looker Looker
			r := whole(t, &looker, in)
			if got := kinds(r.Problems); got != test.want || len(r.Failures) > 0 {
				t.Errorf("%s, %s: %s, want %s; %v", f, test.rows, got, test.want, r.Failures)
			}
			l.close(in)
		}
	}
}

func TestErrorOfMagento2sServerIsItsOwn(t *testing.T) {
	t.Parallel()
	l := newLab(t, mysqltest.MariaDB)
	l.shop(0, "CREATE TABLE goods (id int NOT NULL PRIMARY KEY, a varchar(9)); "+
		"INSERT INTO goods VALUES (1, 'a'), (2, 'a')")
	l.shop(1, "CREATE TABLE goods (id int NOT NULL PRIMARY KEY, a varchar(9), UNIQUE KEY k (a))")
	in := l.input()
	plan, err := NewPlan(t.Context(), in.Sides, l.files)
	if err != nil {
		t.Fatal(err)
	}
	if err := in.Sides[1].Session.Close(); err != nil {
		t.Fatal(err)
	}
	for _, task := range plan.tasks {
		if work, ok := task.work.(*keyed); ok && work.name == "k" {
			_, _, err = work.step(t.Context(), plan)
		}
	}
	if side, ok := errors.AsType[*database.SideError](err); !ok || side.Side != magento2 {
		t.Errorf("%v, want an error of Magento 2", err)
	}
	if err := in.Sides[0].Session.Close(); err != nil {
		t.Error(err)
	}
}

func openOn(t *testing.T, s *mysqltest.Server, name string) *database.Session {
	t.Helper()
	session, err := database.Open(t.Context(), database.Endpoint{
		Host: s.Host(), Port: s.Port(), Name: name, User: "root",
	}, database.Options{StatementTimeout: time.Minute, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return session
}
