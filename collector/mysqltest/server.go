// Package mysqltest starts private, throwaway MariaDB and MySQL servers, as net/http/httptest does for HTTP servers.
// They are real servers on a free loopback port and a socket, each with a data directory of its own, and they end with
// the process that started them. The package also holds small Magento 1 and Magento 2 schemas to load into them.
//
// Nothing here belongs into production: root has no password, and committed data may be lost in a crash of the machine.
package mysqltest

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/go-sql-driver/mysql"
)

// Options says how to start a server. The zero value is a MariaDB without a binary log, in UTC.
type Options struct {
	Flavor Flavor
	// Dir is the existing directory in which the server's own directory is made; empty means that of the environment
	// variable MYSQLTEST_DIR, or else the system's temporary directory.
	Dir string
	// Args are more server options, such as "--log-bin=binlog" and "--server-id=1". They win over the package's own.
	Args []string
	// Log, when set, also receives what the server writes to its error log.
	Log io.Writer
}

// dirVariable names the existing directory in which servers are made, such as one in memory: most of what tests let a
// server do is making and removing files.
const dirVariable = "MYSQLTEST_DIR"

const (
	startLimit    = 10 * time.Minute
	shutdownLimit = 2 * time.Minute
	portAttempts  = 5
	// loopback is the address that everything here listens on.
	loopback = "127.0.0.1"
	// rootIdleConnections is what database/sql keeps by default.
	rootIdleConnections = 2
	// maxSocketPath is what fits into sockaddr_un.sun_path on Linux.
	maxSocketPath = 107
)

var (
	errPortTaken = errors.New("the port was taken by another process")
	errStopped   = errors.New("the server was stopped")
)

// Server is a running server. Its methods may be called from several goroutines.
type Server struct {
	options Options
	install installation
	dir     string
	socket  string
	root    *sql.DB

	mu      sync.Mutex
	port    int
	hold    io.Closer // keeps the port for this server while it is down
	process *process
	stopped bool
}

// Start starts a server and returns when it answers. The context limits the start, not the life of the server: Stop
// ends it.
func Start(ctx context.Context, o Options) (*Server, error) {
	s, err := start(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("start a private %s: %w", o.Flavor, err)
	}
	return s, nil
}

func start(ctx context.Context, o Options) (*Server, error) {
	install, err := findInstallation(o.Flavor)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(cmp.Or(o.Dir, os.Getenv(dirVariable)), "mysqltest-")
	if err != nil {
		return nil, err
	}
	s := &Server{options: o, install: install, dir: dir}
	if err := s.bringUp(ctx); err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	return s, nil
}

func (s *Server) bringUp(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	if err := s.install.createDataDir(ctx, s.dataDir()); err != nil {
		return err
	}
	if err := os.Mkdir(s.tmpDir(), 0o700); err != nil {
		return err
	}
	if err := s.placeSocket(); err != nil {
		return err
	}
	connector, err := mysql.NewConnector(s.rootConfig())
	if err != nil {
		return err
	}
	s.root = sql.OpenDB(connector)
	s.root.SetMaxIdleConns(rootIdleConnections)

	// Between finding a free port and the server's bind another process can take it.
	for attempt := 1; ; attempt++ {
		if s.port, s.hold, err = holdPort(); err != nil {
			return err
		}
		err = s.run(ctx, nil)
		if !errors.Is(err, errPortTaken) || attempt == portAttempts {
			return err
		}
		_ = s.hold.Close()
	}
}

func (s *Server) dataDir() string      { return filepath.Join(s.dir, "data") }
func (s *Server) tmpDir() string       { return filepath.Join(s.dir, "tmp") }
func (s *Server) errorLogPath() string { return filepath.Join(s.dir, "error.log") }

// placeSocket chooses a path that is short enough for a Unix socket, also below the long names that testing.T.TempDir
// makes.
func (s *Server) placeSocket() error {
	s.socket = filepath.Join(s.dir, "mysqld.sock")
	if len(s.socket) <= maxSocketPath {
		return nil
	}
	short, err := os.MkdirTemp(os.Getenv(dirVariable), "mysqltest-")
	if err != nil {
		return err
	}
	s.socket = filepath.Join(short, "mysqld.sock")
	if len(s.socket) > maxSocketPath {
		return errors.Join(
			fmt.Errorf("the path of the socket %s is too long: set TMPDIR to a shorter one", s.socket),
			os.Remove(short),
		)
	}
	return nil
}

func (s *Server) rootConfig() *mysql.Config {
	c := mysql.NewConfig()
	c.User, c.Net, c.Addr = "root", "unix", s.socket
	// Connections that a restart or a kill broke are expected here.
	c.Logger = &mysql.NopLogger{}
	c.MultiStatements = true
	return c
}

// Host returns the address the server listens on. It is not "localhost", which MySQL clients take for the socket.
func (s *Server) Host() string { return loopback }

// Port returns the TCP port, which stays the same over restarts.
func (s *Server) Port() int { return s.port }

// Addr returns host:port.
func (s *Server) Addr() string { return net.JoinHostPort(s.Host(), strconv.Itoa(s.port)) }

// Socket returns the path of the Unix socket.
func (s *Server) Socket() string { return s.socket }

// DataDir returns the data directory, for tests that damage what is in it.
func (s *Server) DataDir() string { return s.dataDir() }

// Flavor returns which server this is.
func (s *Server) Flavor() Flavor { return s.options.Flavor }

// ErrorLog returns what the server wrote to its error log so far, over all restarts; it is empty after Stop.
func (s *Server) ErrorLog() string {
	text, err := os.ReadFile(s.errorLogPath())
	if err != nil {
		return ""
	}
	return string(text)
}

// run starts the server process and waits until it answers. The caller holds the lock, or is the only one who knows s.
func (s *Server) run(ctx context.Context, args []string) error {
	logFile, err := os.OpenFile(s.errorLogPath(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer logFile.Close()
	logged, err := logFile.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}

	cmd := s.install.serverCommand(s.dataDir(), slices.Concat(s.ownArgs(), s.options.Args, args)...)
	cmd.Stdout, cmd.Stderr = logFile, logFile
	if s.options.Log != nil {
		tee := io.MultiWriter(logFile, s.options.Log)
		cmd.Stdout, cmd.Stderr = tee, tee
	}
	if s.process, err = startProcess(cmd); err != nil {
		return err
	}
	return s.waitReady(ctx, logged)
}

func (s *Server) ownArgs() []string {
	return []string{
		"--port=" + strconv.Itoa(s.port),
		"--socket=" + s.socket,
		"--pid-file=" + filepath.Join(s.dir, "mysqld.pid"),
		"--tmpdir=" + s.tmpDir(),
		// No --skip-name-resolve: over TCP 127.0.0.1 is localhost, so that accounts @localhost can be tested, and no
		// DNS is asked.
		"--bind-address=" + s.Host(),
		"--default-time-zone=+00:00",
	}
}

// waitReady waits until the server answers on its socket, which no other process can do in its stead.
func (s *Server) waitReady(ctx context.Context, logged int64) error {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		err := s.root.PingContext(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-s.process.done:
			text := s.ErrorLog()[logged:]
			if strings.Contains(text, "Bind on TCP/IP port") {
				return fmt.Errorf("listen on %s: %w", s.Addr(), errPortTaken)
			}
			return fmt.Errorf(
				"the server ended while starting (%s); its error log:\n%s",
				s.process.cmd.ProcessState,
				text,
			)
		case <-ctx.Done():
			s.process.kill()
			return fmt.Errorf("wait for the server to answer: %w (last answer: %w)", context.Cause(ctx), err)
		case <-tick.C:
		}
	}
}

// Root returns the administrator's connection pool over the socket. It belongs to the server: Stop closes it.
func (s *Server) Root(ctx context.Context) (*sql.DB, error) {
	if err := s.root.PingContext(ctx); err != nil {
		return nil, fmt.Errorf("connect as root over %s: %w", s.socket, err)
	}
	return s.root, nil
}

// Exec runs statements as root, one after the other, on one connection. It ends at the first that fails. A text can
// hold several statements with semicolons between them, which are sent at once.
func (s *Server) Exec(ctx context.Context, statements ...string) error {
	conn, err := s.root.Conn(ctx)
	if err != nil {
		return fmt.Errorf("connect as root over %s: %w", s.socket, err)
	}
	defer conn.Close()
	for _, statement := range statements {
		if _, err := conn.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("run %q: %w", statement, err)
		}
	}
	return nil
}

// Load runs an SQL script as root in a database, which it creates when it is missing; its name may be anything that the
// server accepts. The script is sent whole, so it may hold what the server parses, triggers included, but no client
// command such as DELIMITER.
func (s *Server) Load(ctx context.Context, database, script string) error {
	if err := s.Exec(ctx, "CREATE DATABASE IF NOT EXISTS "+quoteIdentifier(database)); err != nil {
		return err
	}
	// What the script sets in its session must not outlive it.
	db, err := s.Open(database, nil)
	if err != nil {
		return err
	}
	defer db.Close()
	if _, err := db.ExecContext(ctx, script); err != nil {
		return fmt.Errorf("load a script into %s: %w", database, err)
	}
	return nil
}

// Open returns connections of root's beside those of Root, in a database and with session variables of their own. Their
// values are SQL. The caller closes them.
func (s *Server) Open(database string, variables map[string]string) (*sql.DB, error) {
	c := s.rootConfig()
	c.DBName, c.Params = database, variables
	connector, err := mysql.NewConnector(c)
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(connector), nil
}

// EndIdleSessions ends the sessions of Root and Exec that nobody uses: what was set in them is gone, and new ones begin
// with the global settings.
func (s *Server) EndIdleSessions() {
	s.root.SetMaxIdleConns(0)
	s.root.SetMaxIdleConns(rootIdleConnections)
}

// Restart shuts the server down in good order and starts it again with the same data, port and socket. The options are
// added to those of Start, for this run only. After Kill it starts the server, which then recovers as from a crash.
func (s *Server) Restart(ctx context.Context, args ...string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return fmt.Errorf("restart %s: %w", s.options.Flavor, errStopped)
	}
	s.EndIdleSessions() // connected clients make MySQL wait for seconds before it ends
	s.process.shutDown(shutdownLimit)
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	if err := s.run(ctx, args); err != nil {
		return fmt.Errorf("restart %s: %w", s.options.Flavor, err)
	}
	return nil
}

// Kill ends the server at once, as a crash does, and returns when it is gone. Its data stay for Restart.
func (s *Server) Kill() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.process.kill()
}

// Pause freezes the server: its port still accepts connections, but nothing answers until Resume.
func (s *Server) Pause() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.process.pause(); err != nil {
		return fmt.Errorf("pause %s: %w", s.options.Flavor, err)
	}
	return nil
}

// Resume lets a paused server go on.
func (s *Server) Resume() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.process.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		return fmt.Errorf("resume %s: %w", s.options.Flavor, err)
	}
	return nil
}

// Stop ends the server and removes all that it made. Calling it again does nothing.
func (s *Server) Stop() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return nil
	}
	s.stopped = true
	var errs []error
	if s.root != nil {
		_ = s.root.Close() // to a server that was killed, even saying goodbye is an error
	}
	// Nobody reads the data again, so an orderly shutdown would only cost time.
	s.process.kill()
	if s.hold != nil {
		errs = append(errs, s.hold.Close())
	}
	errs = append(errs, os.RemoveAll(s.dir))
	if s.socket != "" && filepath.Dir(s.socket) != s.dir {
		errs = append(errs, os.RemoveAll(filepath.Dir(s.socket)))
	}
	return errors.Join(errs...)
}

func quoteIdentifier(name string) string {
	return "`" + strings.ReplaceAll(name, "`", "``") + "`"
}
