package mysqltest

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"magento_migration_exporter/collector/leaktest"
)

// orphanVariable makes the test program start a server, print its process id and wait to be killed.
const orphanVariable = "MYSQLTEST_ORPHAN"

func TestMain(m *testing.M) {
	if os.Getenv(orphanVariable) != "" {
		s, err := Start(context.Background(), Options{})
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Println(s.process.cmd.Process.Pid)
		_, _ = io.Copy(io.Discard, os.Stdin) // until it is killed
		os.Exit(1)
	}
	leaktest.Main(m)
}

// TestServers looks at a server of each flavor, from its start on. The order matters: some tests leave the server
// restarted.
func TestServers(t *testing.T) {
	t.Parallel()
	for _, flavor := range Flavors() {
		t.Run(flavor.String(), func(t *testing.T) {
			t.Parallel()
			s := New(t, Options{Flavor: flavor})
			for _, part := range []struct {
				name string
				test func(*testing.T, *Server)
			}{
				{"start", testStart}, {"TLS", testTLS}, {"accounts by host", testAccountsByHost}, {"load", testLoad}, {"pause", testPause},
				{"restart", testRestart}, {"binary log", testBinaryLog}, {"kill", testKill}, {"port taken", testPortTaken},
			} {
				t.Run(part.name, func(t *testing.T) { part.test(t, s) })
			}
		})
	}
}

func rootOf(t *testing.T, s *Server) *sql.DB {
	t.Helper()
	root, err := s.Root(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return root
}

func text(t *testing.T, db *sql.DB, query string) string {
	t.Helper()
	var s string
	if err := db.QueryRowContext(t.Context(), query).Scan(&s); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return s
}

// openTCP returns a pool of an account without a password.
func openTCP(t *testing.T, s *Server, user string) *sql.DB {
	t.Helper()
	c := mysql.NewConfig()
	c.User, c.Net, c.Addr = user, "tcp", s.Addr()
	connector, err := mysql.NewConnector(c)
	if err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(connector)
	t.Cleanup(func() { db.Close() })
	return db
}

// testTLS wants TLS from the servers that offer it by themselves.
func testTLS(t *testing.T, s *Server) {
	if err := s.Exec(t.Context(), "CREATE USER tls@localhost"); err != nil {
		t.Fatal(err)
	}
	c := mysql.NewConfig()
	c.User, c.Net, c.Addr, c.TLSConfig = "tls", "tcp", s.Addr(), "skip-verify"
	connector, err := mysql.NewConnector(c)
	if err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(connector)
	defer db.Close()
	err = db.PingContext(t.Context())
	if offers := s.Flavor() == MySQL97 || s.Flavor() == MariaDB118; offers && err != nil ||
		!offers && !errors.Is(err, mysql.ErrNoTLS) {
		t.Errorf("it offers TLS: %t; a login that wants it: %v", offers, err)
	}
}

// running says whether a process runs; one that only waits for its parent to read its end does not.
func running(pid int) bool {
	_, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid))
	return err == nil
}

func testStart(t *testing.T, s *Server) {
	root := rootOf(t, s)
	want := map[Flavor]string{
		MariaDB: "MariaDB", MySQL56: "5.6.", MySQL97: "9.", MariaDB118: "11.8.", MariaDB105: "10.5.",
	}[s.Flavor()]
	version := text(t, root, "SELECT @@version")
	family := map[bool]string{true: "mariadb", false: "mysql"}[strings.Contains(version, "MariaDB")]
	if !strings.Contains(version, want) || s.Flavor().Family() != family {
		t.Errorf("version of %s: got %q, want one with %q", s.Flavor().Family(), version, want)
	}
	for _, q := range []struct{ query, want string }{
		{"SELECT CURRENT_USER()", "root@localhost"},
		{"SELECT @@tmpdir", filepath.Join(s.dir, "tmp")},
		{"SELECT @@log_bin", "0"},
		{"SELECT @@time_zone", "+00:00"},
		{"SELECT COUNT(*) FROM mysql.user WHERE User = ''", "0"},
		{"SELECT COUNT(*) FROM mysql.db WHERE User NOT LIKE 'mysql.%'", "0"}, // MySQL has some for itself
		{"SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE USER <> 'event_scheduler'", "1"},
	} {
		if got := text(t, root, q.query); got != q.want {
			t.Errorf("%s: got %q, want %q", q.query, got, q.want)
		}
	}
	if !strings.Contains(s.ErrorLog(), "ready for connections") {
		t.Errorf("error log: %q", s.ErrorLog())
	}
}

// Over TCP the server takes 127.0.0.1 for localhost, so that both kinds of account can be tested.
func testAccountsByHost(t *testing.T, s *Server) {
	if err := s.Exec(t.Context(), "CREATE USER u1@localhost", "CREATE USER u2@'%'"); err != nil {
		t.Fatal(err)
	}
	for user, want := range map[string]string{"u1": "u1@localhost", "u2": "u2@%"} {
		if got := text(t, openTCP(t, s, user), "SELECT CURRENT_USER()"); got != want {
			t.Errorf("%s is taken for %s, want %s", user, got, want)
		}
	}
}

func TestStop(t *testing.T) {
	t.Parallel()
	for _, flavor := range Flavors() {
		t.Run(flavor.String(), func(t *testing.T) {
			t.Parallel()
			parent := t.TempDir()
			s, err := Start(t.Context(), Options{Flavor: flavor, Dir: parent})
			if err != nil {
				t.Fatal(err)
			}
			pid := s.process.cmd.Process.Pid
			if err := s.Pause(); err != nil { // a paused server must end, too
				t.Fatal(err)
			}
			for range 2 {
				if err := s.Stop(); err != nil {
					t.Error(err)
				}
			}
			if running(pid) {
				t.Errorf("process %d is still there", pid)
			}
			if left, _ := filepath.Glob(filepath.Join(parent, "*")); left != nil {
				t.Errorf("left over: %v", left)
			}
			if _, err := s.Root(t.Context()); err == nil {
				t.Error("Root after Stop: no error")
			}
			if err := s.Restart(t.Context()); !errors.Is(err, errStopped) {
				t.Errorf("Restart after Stop: %v", err)
			}
			if err := s.Pause(); err == nil {
				t.Error("Pause after Stop: no error")
			}
		})
	}
}

func testRestart(t *testing.T, s *Server) {
	addr, root := s.Addr(), rootOf(t, s)
	if err := s.Exec(t.Context(), "CREATE DATABASE kept", "CREATE TABLE kept.t (id int) ENGINE=InnoDB",
		"INSERT INTO kept.t VALUES (1)"); err != nil {
		t.Fatal(err)
	}
	if err := s.Restart(t.Context(), "--log-bin=binlog", "--server-id=7"); err != nil {
		t.Fatal(err)
	}
	if s.Addr() != addr {
		t.Errorf("address: %s, was %s", s.Addr(), addr)
	}
	if got := number(t, root, "SELECT @@log_bin + COUNT(*) FROM kept.t"); got != 2 {
		t.Errorf("log_bin and rows: got %d, want 2", got)
	}
	if err := s.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := number(t, root, "SELECT @@log_bin"); got != 0 {
		t.Error("an option of one restart is still there in the next")
	}
}

func testKill(t *testing.T, s *Server) {
	root := rootOf(t, s)
	if err := s.Exec(t.Context(), "CREATE DATABASE lost"); err != nil {
		t.Fatal(err)
	}
	s.Kill()
	if err := root.PingContext(t.Context()); err == nil {
		t.Error("the server answers after Kill")
	}
	if err := s.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := number(t, root, "SELECT COUNT(*) FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = 'lost'"); got != 1 {
		t.Error("the database is gone")
	}
}

func testPause(t *testing.T, s *Server) {
	root := rootOf(t, s)
	for range 2 { // the second changes nothing
		if err := s.Pause(); err != nil {
			t.Fatal(err)
		}
	}
	conn, err := net.Dial("tcp", s.Addr())
	if err != nil {
		t.Errorf("a paused server accepts no connection: %v", err)
	} else {
		conn.Close()
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if err := root.PingContext(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("ping of a paused server: %v", err)
	}
	if err := s.Resume(); err != nil {
		t.Fatal(err)
	}
	if err := root.PingContext(t.Context()); err != nil {
		t.Errorf("after Resume: %v", err)
	}
}

func testBinaryLog(t *testing.T, s *Server) {
	if err := s.Restart(t.Context(), "--log-bin=binlog", "--server-id=1"); err != nil {
		t.Fatal(err)
	}
	if err := s.Exec(t.Context(), "CREATE DATABASE shop", "CREATE TABLE shop.t (id int)", "CREATE USER logged@localhost",
		"GRANT ALL ON shop.* TO logged@localhost"); err != nil {
		t.Fatal(err)
	}
	if got := number(t, rootOf(t, s), "SELECT @@log_bin"); got != 1 {
		t.Error("no binary log")
	}
	_, err := openTCP(t, s, "logged").ExecContext(t.Context(),
		"CREATE TRIGGER shop.x AFTER INSERT ON shop.t FOR EACH ROW SET @x = 1")
	var refused *mysql.MySQLError
	if !errors.As(err, &refused) || refused.Number != 1419 {
		t.Errorf("a trigger without trust or SUPER: %v", err)
	}
}

func testLoad(t *testing.T, s *Server) {
	root := rootOf(t, s)
	const database = "we`ird -\"db\" ü"
	script := `SET SESSION sql_mode = 'ANSI_QUOTES'; SET SESSION wait_timeout = 17;
CREATE TABLE "t" (id int); INSERT INTO t VALUES (1), (2);
CREATE TRIGGER x AFTER INSERT ON t FOR EACH ROW BEGIN SET @a = 1; SET @b = 2; END;`
	if err := s.Load(t.Context(), database, script); err != nil {
		t.Fatal(err)
	}
	if got := number(t, root, "SELECT COUNT(*) FROM `we``ird -\"db\" ü`.t"); got != 2 {
		t.Errorf("rows: got %d, want 2", got)
	}
	if got := number(t, root, "SELECT @@wait_timeout"); got == 17 {
		t.Error("the script's session settings outlive it")
	}
	err := s.Load(t.Context(), database, "SELECT 1; INSERT INTO missing VALUES (1); SELECT 2")
	var refused *mysql.MySQLError
	if !errors.As(err, &refused) || refused.Number != 1146 {
		t.Errorf("a script whose second statement fails: %v", err)
	}
}

func TestExecStopsAtTheFirstError(t *testing.T) {
	t.Parallel()
	s := New(t, Options{})
	err := s.Exec(t.Context(), "CREATE DATABASE a", "nonsense", "CREATE DATABASE b")
	if err == nil || !strings.Contains(err.Error(), `"nonsense"`) {
		t.Errorf("got %v", err)
	}
	if got := number(t, rootOf(t, s), "SELECT COUNT(*) FROM information_schema.SCHEMATA WHERE SCHEMA_NAME IN ('a', 'b')"); got != 1 {
		t.Errorf("databases: got %d, want 1", got)
	}
}

func TestStartFailure(t *testing.T) {
	t.Parallel()
	stopped, cancel := context.WithCancel(t.Context())
	cancel()
	for name, c := range map[string]struct {
		ctx     context.Context
		options Options
		want    string
	}{
		"MariaDB option":   {t.Context(), Options{Flavor: MariaDB, Args: []string{"--no-such-option"}}, "no-such-option"},
		"MySQL 5.6 option": {t.Context(), Options{Flavor: MySQL56, Args: []string{"--no-such-option"}}, "no-such-option"},
		"flavor":           {t.Context(), Options{Flavor: 7}, "there is no Flavor(7)"},
		"context":          {stopped, Options{}, "context canceled"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.options.Dir = t.TempDir()
			s, err := Start(c.ctx, c.options)
			if err == nil {
				t.Fatal(errors.Join(errors.New("no error"), s.Stop()))
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want something with %q", err, c.want)
			}
			if left, _ := filepath.Glob(filepath.Join(c.options.Dir, "*")); left != nil {
				t.Errorf("left over: %v", left)
			}
		})
	}
}

func testPortTaken(t *testing.T, s *Server) {
	s.Kill()
	l, err := net.Listen("tcp", s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := s.Restart(t.Context()); !errors.Is(err, errPortTaken) {
		t.Errorf("got %v", err)
	}
}

func TestSocketPathThatIsTooLong(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), strings.Repeat("long", 30))
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	s := New(t, Options{Dir: dir})
	socketDir := filepath.Dir(s.Socket())
	if err := s.Stop(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(socketDir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket's directory is left: %v", err)
	}
}

func TestLog(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	s := New(t, Options{Log: &log})
	if err := s.Stop(); err != nil { // ends the writing
		t.Fatal(err)
	}
	if !strings.Contains(log.String(), "ready for connections") {
		t.Errorf("log: %q", log.String())
	}
}

// A test program that is killed, or that panics, must leave no server.
func TestServerEndsWithItsParent(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	parent := exec.Command(os.Args[0])
	parent.Env = append(os.Environ(), orphanVariable+"=1", dirVariable+"="+dir)
	parent.Stderr = os.Stderr
	if _, err := parent.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	var pid int
	_, scanErr := fmt.Fscan(out, &pid)
	if scanErr == nil && !running(pid) {
		t.Errorf("there is no server %d", pid)
	}
	if made, err := filepath.Glob(filepath.Join(dir, "mysqltest-*")); len(made) != 1 {
		t.Errorf("in the directory that %s names there are %v: %v", dirVariable, made, err)
	}
	if err := parent.Process.Kill(); err != nil {
		t.Error(err)
	}
	_ = parent.Wait() // it was killed
	if scanErr != nil {
		t.Fatal(scanErr)
	}
	for deadline := time.Now().Add(2 * time.Minute); running(pid); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("server %d outlives its parent", pid)
		}
	}
}

// Several test programs start at once on a machine that has no template yet.
func TestTemplateIsMadeOnce(t *testing.T) {
	cache := t.TempDir()
	t.Setenv(cacheVariable, cache)
	startSome := func() {
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				s, err := Start(t.Context(), Options{})
				if err != nil {
					t.Error(err)
					return
				}
				if err := errors.Join(s.Exec(t.Context(), "CREATE DATABASE own"), s.Stop()); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	}
	startSome()
	templates, err := filepath.Glob(filepath.Join(cache, "*-*"))
	if err != nil || len(templates) != 1 {
		t.Fatalf("got %v (%v), want one template and nothing else", templates, err)
	}
	before, err := os.Stat(templates[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"new-mariadb-1", "mariadb-old", "mysql56-old"} {
		if err := os.Mkdir(filepath.Join(cache, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	startSome()
	after, err := os.Stat(templates[0])
	if err != nil || !os.SameFile(before, after) {
		t.Errorf("the template was made again (%v)", err)
	}
	if _, err := os.Stat(filepath.Join(templates[0], "own")); err == nil {
		t.Error("a server wrote into the template")
	}

	// Another version finds the template of this one, and what an interrupted run left.
	long := time.Now().Add(-templateLife - time.Hour)
	for _, name := range []string{"mariadb-old", "mysql56-old"} {
		if err := os.Chtimes(filepath.Join(cache, name), long, long); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.RemoveAll(templates[0]); err != nil {
		t.Fatal(err)
	}
	startSome()
	got, err := filepath.Glob(filepath.Join(cache, "*-*"))
	if want := []string{templates[0], filepath.Join(cache, "mysql56-old")}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q (%v), want %q", got, err, want)
	}
}

func TestStartWithoutACache(t *testing.T) {
	t.Setenv(cacheVariable, "")
	t.Setenv("XDG_CACHE_HOME", "")
	t.Setenv("HOME", "")
	t.Chdir(t.TempDir())
	rootOf(t, New(t, Options{}))
}

// Two processes that need the same template make it one after the other; a process that ends lets go of it.
func TestTemplateLock(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lock")
	unlock, err := lock(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	stopped, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := lock(stopped, path); !errors.Is(err, context.Canceled) {
		t.Errorf("a second lock: %v", err)
	}
	unlock()
	unlock, err = lock(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	unlock()
}

func TestMissingPrograms(t *testing.T) {
	t.Setenv(chosenVariable, "") // it starts none
	if _, err := findProgram("mariadbd-that-is-not-there", "mariadb-server"); err == nil ||
		!strings.Contains(err.Error(), "Debian package mariadb-server") {
		t.Errorf("MariaDB: got %v", err)
	}
	if _, err := mariaDBShare(t.TempDir()); err == nil || !strings.Contains(err.Error(), "share/mariadb") {
		t.Errorf("MariaDB's scripts: got %v", err)
	}
	t.Chdir(t.TempDir())
	if err := os.WriteFile("go.mod", []byte(module), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := findInstallation(MySQL97); err == nil || !strings.Contains(err.Error(), ".ci/servers mysql97") ||
		!strings.Contains(err.Error(), chosenVariable) {
		t.Errorf("MySQL 9.7: got %v", err)
	}
	t.Chdir("/")
	if _, err := findInstallation(MySQL56); err == nil || !strings.Contains(err.Error(), "go.mod") {
		t.Errorf("MySQL 5.6 outside the project: got %v", err)
	}
}

func TestChosenServers(t *testing.T) {
	t.Setenv(chosenVariable, "mariadb,mysql97")
	if got := Flavors(); !slices.Equal(got, []Flavor{MariaDB, MySQL97}) {
		t.Errorf("got %v", got)
	}
	if _, err := Start(t.Context(), Options{Flavor: MySQL56}); !errors.Is(err, ErrNotChosen) {
		t.Errorf("a server that was left out: %v", err)
	}
	t.Setenv(chosenVariable, "mariadb,mysql42")
	if _, err := Start(t.Context(), Options{}); err == nil || !strings.Contains(err.Error(), `no server "mysql42"`) {
		t.Errorf("an unknown server: %v", err)
	}
	t.Setenv(chosenVariable, "")
	if got := Flavors(); len(got) != 5 {
		t.Errorf("got %v", got)
	}
}

// The clients that come with the servers run.
func TestPrograms(t *testing.T) {
	t.Parallel()
	for _, f := range Flavors() {
		program, want := "mysqldump", "9."
		switch {
		case f == MySQL56:
			if _, err := f.Program(program); err == nil || !strings.Contains(err.Error(), "MySQL 5.6") {
				t.Errorf("%s: %v", f, err)
			}
			continue
		case f.Family() == "mariadb":
			program, want = "mariadb-dump", "MariaDB"
		}
		path, err := f.Program(program)
		if err != nil {
			t.Error(err)
			continue
		}
		if out, err := exec.Command(path, "--version").CombinedOutput(); err != nil ||
			!strings.Contains(string(out), want) {
			t.Errorf("%s: %s, %v", f, out, err)
		}
	}
}
