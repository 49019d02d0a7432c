package backup

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"magento_migration_exporter/collector/leaktest"

	"magento_migration_exporter/collector/mysqltest"
)

// server is the real server whose databases the tests back up: m2 is a fresh Magento 2, m2p one with a table prefix,
// used one in which entities were made, m1 a Magento 1, other neither.
var server *mysqltest.Server

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	if path := os.Getenv(unreadableEnv); path != "" {
		return listAndEnd(path)
	}
	if mysqltest.Fuzzing() {
		return m.Run() // each worker is a process of its own, and the seeds are files
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	s, err := mysqltest.Start(ctx, mysqltest.Options{})
	if err == nil {
		server = s
		err = load(ctx, s)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code := m.Run()
	for _, s := range []*mysqltest.Server{s, copied.Server} {
		if s == nil {
			continue
		}
		if err := s.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	if err := leaktest.Goroutines(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	return code
}

func load(ctx context.Context, s *mysqltest.Server) error {
	for name, script := range map[string]string{
		"m2":    mysqltest.Magento2("") + awkward,
		"m2p":   mysqltest.Magento2("m2_"),
		"used":  mysqltest.Magento2("") + newEntities,
		"m1":    mysqltest.Magento1(""),
		"other": "CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1),(2);",
	} {
		if err := s.Exec(ctx, "CREATE DATABASE "+name); err != nil {
			return err
		}
		if err := s.Load(ctx, name, script); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// awkward is a table whose rows and definition hold what parsers trip over.
const awkward = `
CREATE TABLE ` + "`acme;log`" + ` (
  id int NOT NULL AUTO_INCREMENT PRIMARY KEY,
  ` + "`key`" + ` varchar(64) NOT NULL DEFAULT ');' COMMENT 'it''s; a -- comment',
  twice decimal(13,4) GENERATED ALWAYS AS (amount * 2) STORED,
  body longtext,
  raw blob,
  amount decimal(12,4),
  kind enum('a;b','c''d'),
  KEY k (` + "`key`" + `),
  CHECK (amount < 1e12 or kind <> ');')
) ENGINE=InnoDB COMMENT=');';
INSERT INTO ` + "`acme;log`" + ` (` + "`key`" + `, body, raw, amount, kind) VALUES
 ('plain', 'INSERT INTO sales_order VALUES (1);', NULL, 1.5, 'a;b'),
 ('quotes', 'it''s "quoted" \\ and \n new /* not a comment', x'00270a1a5c22', -0.0001, 'c''d'),
 ('dashes', '-- Dump completed on 2020-01-01  0:00:00', x'ff00', NULL, NULL),
 ('long', REPEAT('x);\n', 100000), NULL, 12345678.0001, NULL),
 ('nothing', NULL, '', 0, NULL);
CREATE TRIGGER acme_trigger BEFORE INSERT ON ` + "`acme;log`" + ` FOR EACH ROW
BEGIN
  -- don't stop; here
  IF NEW.body = ';;' THEN SET NEW.body = 'a;b'; END IF;
END;
`

// newEntities is what somebody who tries the shop out leaves behind.
const newEntities = `
INSERT INTO catalog_product_entity (sku, attribute_set_id, type_id) VALUES
 ('test-1', 4, 'simple'), ('test-2', 4, 'simple');
INSERT INTO eav_attribute (entity_type_id, attribute_code, is_user_defined) VALUES (4, 'brand', 1);
INSERT INTO eav_attribute_set (entity_type_id, attribute_set_name) VALUES (4, 'Shoes');
INSERT INTO cms_page (title, identifier) VALUES ('About us', 'about-us');
`

// tool runs a program and returns what it prints.
func tool(tb testing.TB, name string, args ...string) []byte {
	tb.Helper()
	return pipe(tb, nil, name, args...)
}

// pipe runs a program with an input.
func pipe(tb testing.TB, in []byte, name string, args ...string) []byte {
	tb.Helper()
	cmd := exec.CommandContext(tb.Context(), name, args...)
	cmd.Env = append(os.Environ(), "TZ=UTC")
	var out, errs bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(in), &out, &errs
	if err := cmd.Run(); err != nil {
		tb.Fatalf("%s %q: %v\n%s", name, args, err, errs.String())
	}
	return out.Bytes()
}

// plainDumps are what mariadb-dump without options writes of the databases that no test changes. Most tests begin with
// one of these. Only their Once guards them.
var plainDumps = map[string]*struct {
	sync.Once
	content []byte
}{"m2": {}, "m2p": {}, "other": {}}

// dump runs mariadb-dump.
func dump(tb testing.TB, args ...string) []byte {
	tb.Helper()
	run := func() []byte {
		return tool(
			tb,
			"mariadb-dump",
			append([]string{"--no-defaults", "-uroot", "--socket=" + server.Socket()}, args...)...)
	}
	kept := plainDumps[args[0]]
	if len(args) > 1 || kept == nil {
		return run()
	}
	kept.Do(func() { kept.content = run() })
	if len(kept.content) == 0 {
		tb.Fatal("another test could not make this dump")
	}
	return bytes.Clone(kept.content)
}

// write writes a file of a test. Its time is an hour ago, so that one that ends too early does not pass for one that is
// being written.
func write(tb testing.TB, name string, content []byte) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), name)
	rewrite(tb, path, content)
	return path
}

func rewrite(tb testing.TB, path string, content []byte) {
	tb.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		tb.Fatal(err)
	}
	age(tb, path, time.Hour)
}

func age(tb testing.TB, path string, d time.Duration) {
	tb.Helper()
	then := time.Now().Add(-d)
	if err := os.Chtimes(path, then, then); err != nil {
		tb.Fatal(err)
	}
}

// candidate finds the one candidate at a path.
func candidate(tb testing.TB, path string) Candidate {
	tb.Helper()
	found, problems := Find(tb.Context(), []string{path})
	if len(found) != 1 || len(problems) != 0 {
		tb.Fatalf("Find(%q) = %v, %v", path, found, problems)
	}
	return found[0]
}

// unlimited is a job without a pace.
func unlimited() job {
	o := Options{}.withDefaults()
	return job{
		limits:   limits{o.MaxWindow, o.MaxOutput, o.MaxRatio, freeBytes},
		pace:     func(n int) (int, error) { return n, nil },
		progress: &progress{},
	}
}

// report reads what is at a path.
func report(tb testing.TB, path string) Report {
	tb.Helper()
	r, err := unlimited().read(tb.Context(), candidate(tb, path))
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

// countRows counts the rows of all tables of a database.
func countRows(tb testing.TB, database string) int64 {
	tb.Helper()
	root, err := server.Root(tb.Context())
	must(tb, err)
	names, err := root.QueryContext(
		tb.Context(),
		"SELECT table_name FROM information_schema.tables WHERE table_schema = ? AND table_type = 'BASE TABLE'",
		database,
	)
	must(tb, err)
	defer func() { must(tb, names.Close()) }()
	var sum int64
	for names.Next() {
		var name string
		var n int64
		must(tb, names.Scan(&name))
		must(tb, root.QueryRowContext(tb.Context(), "SELECT COUNT(*) FROM `"+database+"`.`"+name+"`").Scan(&n))
		sum += n
	}
	must(tb, names.Err())
	return sum
}

// wantWhole fails the test where a backup is not whole.
func wantWhole(tb testing.TB, r Report) {
	tb.Helper()
	if r.State != StateWhole {
		tb.Errorf("%s: %s, want whole: %s (at %d)", r.Candidate.Path, r.State, r.Damage, r.Offset)
	}
}

// wantNotWhole fails the test where a backup counts as whole.
func wantNotWhole(tb testing.TB, r Report, what string) {
	tb.Helper()
	if r.State == StateWhole {
		tb.Errorf("%s: %s: counts as whole", r.Candidate.Path, what)
	}
	if r.State != StateWhole && r.Damage == "" {
		tb.Errorf("%s: %s: no word of why", r.Candidate.Path, what)
	}
}
